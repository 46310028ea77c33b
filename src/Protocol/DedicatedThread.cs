using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>One thread of our own that does work in the order it was posted. Compute never runs on the ThreadPool: heartbeats and sockets live there,
/// and a saturated pool makes a cluster lose all its members.</summary>
/// <remarks>Work must not throw: it reports its failures by message. <see cref="End"/> does not wait, so that an actor can call it when it stops.
/// A thread without work sleeps at once: one that spun would take a core from those that compute (measured with two workers on two cores: a tenth of a step).</remarks>
public sealed class DedicatedThread
{
    private readonly object gate = new();
    private readonly Queue<Action> posted = new();
    private Action? last;
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

    /// <summary>Whether work waits for the work under way, which may then cut itself short.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (gate)
            {
                return posted.Count > 0 || last is not null;
            }
        }
    }

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
        lock (gate)
        {
            while (posted.Count == 0 && last is null)
            {
                asleep = true;
                Monitor.Wait(gate);
                asleep = false;
            }

            return posted.TryDequeue(out Action? next) ? next : null;
        }
    }
}
