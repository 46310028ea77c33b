using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>Work on every block of an arena: the members of a crew take runs of blocks as they come to it. Which member takes a block changes no bit.</summary>
/// <param name="count">The blocks.</param>
/// <param name="some">Does a run of them: the index of the first, that behind the last, and the member that does it.</param>
internal sealed class BlockWork(int count, Action<int, int, int> some) : ICrewWork
{
    // Long enough for the prefetchers, short enough that nobody waits long for the last: 64 KiB of each array.
    private const int RunLength = 8;

    private int next;

    /// <summary>Does all blocks.</summary>
    /// <param name="crew">The threads.</param>
    /// <param name="isFollowed">Whether other blocks follow at once.</param>
    public void Run(Crew crew, bool isFollowed = false)
    {
        next = 0;
        crew.Run(this, isFollowed);
    }

    void ICrewWork.Execute(int member)
    {
        for (int first; (first = Interlocked.Add(ref next, RunLength) - RunLength) < count;)
        {
            some(first, Math.Min(first + RunLength, count), member);
        }
    }
}
