using System.Runtime.InteropServices;
using System.Runtime.CompilerServices;
using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>Work on every block of an arena: the members of a crew take runs of blocks as they come to it. Which member takes a block changes no bit.</summary>
/// <remarks>The arena is cut into as many portions as the crew has threads, and a member begins with its processor's: so from step to step what an optimizer keeps for a block stays in the caches of
/// one processor, which need not share one with the others. Whoever is done with a portion goes on with the next, so that nobody is waited for who comes late.</remarks>
/// <param name="count">The blocks.</param>
/// <param name="some">Does a run of them: the index of the first, that behind the last, and the member that does it.</param>
internal sealed class BlockWork(int count, Action<int, int, int> some) : ICrewWork
{
    // Long enough for the prefetchers, short enough that nobody waits long for the last: 64 KiB of each array.
    private const int RunLength = 8;

    private Portion[] portions = [];

    /// <summary>Does all blocks.</summary>
    /// <param name="crew">The threads.</param>
    /// <param name="isFollowed">Whether other blocks follow at once.</param>
    public void Run(Crew crew, bool isFollowed = false)
    {
        if (portions.Length != crew.Threads)
        {
            portions = new Portion[crew.Threads];
        }

        for (int index = 0; index < portions.Length; index++)
        {
            portions[index].Next = First(index);
        }

        crew.Run(this, isFollowed);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void ICrewWork.Execute(int member)
    {
        int processor = ProcessorBinding.Current, home = processor < 0 ? member : processor;
        for (int turn = 0; turn < portions.Length; turn++)
        {
            int index = (home + turn) % portions.Length, end = First(index + 1);
            ref int next = ref portions[index].Next;
            for (int first; Volatile.Read(ref next) < end && (first = Interlocked.Add(ref next, RunLength) - RunLength) < end;)
            {
                some(first, Math.Min(first + RunLength, end), member);
            }
        }
    }

    // Whole runs, but for the last portion's end.
    private int First(int portion) => (int)Math.Min(count, (long)((count + RunLength - 1) / RunLength) * portion / portions.Length * RunLength);

    // Two lines of a cache each, as processors fetch them in pairs.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Portion
    {
        [FieldOffset(0)]
        public int Next;
    }
}
