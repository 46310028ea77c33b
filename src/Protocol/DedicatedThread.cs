using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>One thread of our own that does work in the order it was posted. Compute never runs on the ThreadPool: heartbeats and sockets live there,
/// and a saturated pool makes a cluster lose all its members.</summary>
/// <remarks>Work is done one piece at a time, whoever does it. It must not throw: it reports its failures by message. <see cref="End"/> does not wait, so that an actor can call it when it stops.</remarks>
public sealed class DedicatedThread
{
    // A helper does one piece at a time, of those that it may.
    private readonly SleepingQueue<Piece> posted = new(new Doorbell(), piece => piece.Work(), piece => piece.IsHelped && Helper.HasTime, mostServed: 1);
    private Action? last;

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
    public bool IsAwaited => posted.IsAwaited;

    /// <summary>Posts work; does nothing once <see cref="End"/> was called.</summary>
    /// <param name="work">The work.</param>
    /// <param name="isHelped">Whether a thread that brings it on, and has the time, may do it in this one's stead (<see cref="Helper"/>).</param>
    public void Post(Action work, bool isHelped = false) => posted.TryAdd(new Piece(work, isHelped));

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
        while (posted.TryTake(out Piece piece))
        {
            piece.Work();
        }

        last!();
        IsEnded = true;
    }

    private readonly record struct Piece(Action Work, bool IsHelped);
}
