namespace DistNet.Kernels;

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

    /// <summary>How many sleep, or are about to.</summary>
    public int Sleepers => Volatile.Read(ref sleepers);

    /// <summary>Wakes all who sleep, or some. What was written before is seen by them.</summary>
    /// <param name="most">The most that are woken.</param>
    public void Ring(int most = int.MaxValue)
    {
        if (!futex)
        {
            lock (rings)
            {
                rings[0]++;
                for (int woken = 0; woken < Math.Min(most, sleepers); woken++)
                {
                    Monitor.Pulse(rings);
                }
            }

            return;
        }

        // A sleeper counts itself before the kernel compares the number, so one of the two sees the other.
        Interlocked.Increment(ref rings[0]);
        if (Sleepers > 0)
        {
            WordWait.Wake(ref rings[0], most);
        }
    }

    /// <summary>Sleeps until it is rung once more than it was then, and the ring wakes this one. It may return too early; the caller looks again.</summary>
    public void SleepSince(long rung)
    {
        Interlocked.Increment(ref sleepers);
        if (futex)
        {
            WordWait.While(ref rings[0], rung, Longest, CancellationToken.None);
        }
        else
        {
            lock (rings)
            {
                if (rings[0] == rung)
                {
                    Monitor.Wait(rings);
                }
            }
        }

        Interlocked.Decrement(ref sleepers);
    }
}
