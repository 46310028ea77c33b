using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>One thread of our own that does work in the order it was posted. Compute never runs on the ThreadPool: heartbeats and sockets live there,
/// and a saturated pool makes a cluster lose all its members.</summary>
/// <remarks>Work must not throw: it reports its failures by message. <see cref="End"/> does not wait, so that an actor can call it when it stops.</remarks>
public sealed class DedicatedThread
{
    private static readonly long SpinTicks = System.Diagnostics.Stopwatch.Frequency / 1_000_000 * SpinMicroseconds;

    // A step's messages follow one another within microseconds; to sleep and be woken costs about fifty. Spinning yields the core to whoever wants it.
    private const int SpinMicroseconds = 40;

    private readonly object gate = new();
    private readonly Queue<Action> posted = new();
    private Action? last;
    private int waiting;
    private bool asleep;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">Its name, for debuggers and thread dumps.</param>
    public DedicatedThread(string name)
    {
        var thread = new Thread(Run) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Whether the thread has ended.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Posts work; does nothing once <see cref="End"/> was called.</summary>
    public void Post(Action work)
    {
        lock (gate)
        {
            if (last is null)
            {
                posted.Enqueue(work);
                Wake();
            }
        }
    }

    /// <summary>Ends the thread after the work under way; what is posted and not begun is dropped.</summary>
    /// <param name="dispose">The last work: disposes what belongs to the thread.</param>
    public void End(Action dispose)
    {
        lock (gate)
        {
            if (last is null)
            {
                last = dispose;
                posted.Clear();
                Wake();
            }
        }
    }

    private void Wake()
    {
        Volatile.Write(ref waiting, 1);
        if (asleep)
        {
            Monitor.Pulse(gate);
        }
    }

    private void Run()
    {
        SubnormalMode.AssertKept();
        while (Next() is { } work)
        {
            work();
        }

        last!();
        IsEnded = true;
    }

    private Action? Next()
    {
        Spin();
        lock (gate)
        {
            while (posted.Count == 0 && last is null)
            {
                asleep = true;
                Monitor.Wait(gate);
                asleep = false;
            }

            Action? work = posted.TryDequeue(out Action? next) ? next : null;
            Volatile.Write(ref waiting, posted.Count + (last is null ? 0 : 1));
            return work;
        }
    }

    private void Spin()
    {
        long until = System.Diagnostics.Stopwatch.GetTimestamp() + SpinTicks;
        SpinWait spin = default;
        while (Volatile.Read(ref waiting) == 0 && System.Diagnostics.Stopwatch.GetTimestamp() < until)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }
}
