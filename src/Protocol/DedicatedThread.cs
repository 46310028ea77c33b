using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>One thread of our own that does work in the order it was posted. Compute never runs on the ThreadPool: heartbeats and sockets live there,
/// and a saturated pool makes a cluster lose all its members.</summary>
/// <remarks>Work is done one piece at a time, whoever does it. It must not throw: it reports its failures by message. <see cref="End"/> does not wait, so that an actor can call it when it stops.</remarks>
public sealed class DedicatedThread
{
    private readonly SleepingQueue<Action> posted;
    private Action? last;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">Its name, for debuggers and thread dumps.</param>
    /// <param name="isHelped">Whether a compute thread that brings the work on and has nothing better to do may do it in its stead (<see cref="Helper"/>).</param>
    public DedicatedThread(string name, bool isHelped = false)
    {
        posted = new(new Doorbell(), isHelped ? work => work() : null, mostServed: 1);
        var thread = new Thread(Run) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Whether the thread has ended.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Whether work waits for the work under way, which may then cut itself short.</summary>
    public bool IsAwaited => posted.IsAwaited;

    /// <summary>Posts work; does nothing once <see cref="End"/> was called.</summary>
    public void Post(Action work) => posted.TryAdd(work);

    /// <summary>Ends the thread after the work under way; what is posted and not begun is dropped. Only the first call counts.</summary>
    /// <param name="dispose">The last work: disposes what belongs to the thread.</param>
    public void End(Action dispose)
    {
        if (Interlocked.CompareExchange(ref last, dispose, null) is null)
        {
            posted.Close(drop: true);
        }
    }

    private void Run()
    {
        SubnormalMode.AssertKept();
        while (posted.TryTake(out Action? work))
        {
            work();
        }

        last!();
        IsEnded = true;
    }
}
