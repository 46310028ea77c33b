using DistNet.Protocol.SharedMemory;

namespace DistNet.Protocol;

/// <summary>What threads of this process sleep for until it is rung.</summary>
/// <remarks>With a futex where there is one, for then a sleeper wakes straight into its work. A monitor wakes it while the one who rings still holds the lock: it finds that locked, sleeps once more,
/// and is woken a second time (measured: up to four wake-ups where one is meant). Never spins.</remarks>
internal sealed class Doorbell
{
    private static readonly bool HasFutex = WordWait.Probe();
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly bool futex;

    // Pinned: the kernel knows it by its address.
    private readonly long[] rings = GC.AllocateArray<long>(1, pinned: true);
    private int sleepers;

    /// <summary>With a futex where there is one.</summary>
    public Doorbell()
        : this(HasFutex)
    {
    }

    /// <summary>With a futex or a monitor.</summary>
    internal Doorbell(bool futex) => this.futex = futex;

    /// <summary>How often it was rung: what to give to <see cref="SleepSince"/>, read before one looks whether there is something to do.</summary>
    public long Rings => Volatile.Read(ref rings[0]);

    /// <summary>Wakes all who sleep. What was written before is seen by them.</summary>
    public void Ring()
    {
        if (!futex)
        {
            lock (rings)
            {
                rings[0]++;
                Monitor.PulseAll(rings);
            }

            return;
        }

        // A sleeper counts itself before the kernel compares the number, so one of the two sees the other.
        Interlocked.Increment(ref rings[0]);
        if (Volatile.Read(ref sleepers) > 0)
        {
            WordWait.WakeAll(ref rings[0]);
        }
    }

    /// <summary>Sleeps until it is rung once more than it was then. It may return too early; the caller looks again.</summary>
    public void SleepSince(long rung)
    {
        if (futex)
        {
            Interlocked.Increment(ref sleepers);
            WordWait.While(ref rings[0], rung, Longest, CancellationToken.None);
            Interlocked.Decrement(ref sleepers);
            return;
        }

        lock (rings)
        {
            while (rings[0] == rung)
            {
                Monitor.Wait(rings);
            }
        }
    }
}
