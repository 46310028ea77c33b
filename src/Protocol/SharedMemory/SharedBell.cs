using DistNet.Kernels;

namespace DistNet.Protocol.SharedMemory;

/// <summary>What one thread of the coordinator sleeps for and workers of other processes ring: a <see cref="Doorbell"/> in memory of both.</summary>
/// <remarks>The words: how often it was rung at 0, on which processor last at 8; whether somebody sleeps at 64; whether somebody listens at all at 128. Where the system has no futex nobody does: who looked every millisecond
/// would come later than a message. A worker that scribbles over them wakes the coordinator for nothing, or lets it sleep until it looks by itself.</remarks>
/// <param name="mapping">The memory.</param>
/// <param name="offset">Where in it; a multiple of 64.</param>
public sealed class SharedBell(SharedMapping mapping, long offset)
{
    private const int ProcessorOffset = 8;
    private const int SleepingOffset = 64;
    private const int ListeningOffset = 128;

    private static readonly bool HasFutex = WordWait.Probe();

    // A ring is not missed, but the words may be scribbled over.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>How often it was rung: what to give to <see cref="SleepSince"/>, read before one looks whether there is something to do.</summary>
    public long Rings => Volatile.Read(ref mapping.Word(offset));

    /// <summary>Whether somebody listens, and can be woken from here.</summary>
    public bool IsHeard => HasFutex && Volatile.Read(ref mapping.Word(offset + ListeningOffset)) != 0;

    /// <summary>Says that the caller's process listens.</summary>
    /// <returns>False: it cannot, as there is no futex.</returns>
    public bool TryListen()
    {
        Volatile.Write(ref mapping.Word(offset + ListeningOffset), HasFutex ? 1 : 0);
        return HasFutex;
    }

    /// <summary>Wakes who sleeps. What was written before is seen by him.</summary>
    public void Ring()
    {
        Volatile.Write(ref mapping.Word(offset + ProcessorOffset), ProcessorBinding.Current);

        // A sleeper says so before the kernel compares the number, so one of the two sees the other.
        Interlocked.Increment(ref mapping.Word(offset));
        if (Volatile.Read(ref mapping.Word(offset + SleepingOffset)) != 0)
        {
            WordWait.Wake(ref mapping.Word(offset));
        }
    }

    /// <summary>Sleeps until it is rung once more than it was then. It may return too early; the caller looks again.</summary>
    public void SleepSince(long rung)
    {
        Interlocked.Exchange(ref mapping.Word(offset + SleepingOffset), 1);
        WordWait.While(ref mapping.Word(offset), rung, Look, CancellationToken.None);
        Volatile.Write(ref mapping.Word(offset + SleepingOffset), 0);
    }

    /// <summary>Has the calling thread stay on the processor on which it was rung last, where it may; one that the system has woken beside somebody who computes leaves him alone.</summary>
    public void Follow()
    {
        long processor = Volatile.Read(ref mapping.Word(offset + ProcessorOffset));
        if (processor is >= 0 and <= int.MaxValue && processor != ProcessorBinding.Current)
        {
            ProcessorBinding.Bind((int)processor);
        }
    }
}
