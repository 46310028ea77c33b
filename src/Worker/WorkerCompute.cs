using System.Collections.Concurrent;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>A worker's compute thread and its numeric side. It outlives sessions: a worker that was cut off keeps its data and the engine's memory, and what it
/// still computes for an ended session is done before what a new one asks.</summary>
public sealed class WorkerCompute : IDisposable
{
    private readonly DedicatedThread thread;
    private readonly Func<IShardComputer> create;
    private readonly ConcurrentQueue<IDisposable> retired = new();
    private IShardComputer? computer;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">The worker's name.</param>
    /// <param name="create">Makes the numeric side; called on the thread, before the first shard. When it throws, shards fail with its message, and the next one tries again.</param>
    public WorkerCompute(string name, Func<IShardComputer> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        this.create = create;
        thread = new DedicatedThread($"distnet-{name}");
    }

    /// <summary>Whether the thread has ended.</summary>
    public bool IsEnded => thread.IsEnded;

    /// <summary>Makes the numeric side, so that the first shard need not wait for the allocation of the engine's memory.</summary>
    /// <param name="failed">Told when that is not possible yet; called on the thread.</param>
    public void Prepare(Action<Exception> failed) => thread.Post(() =>
    {
        try
        {
            Computer();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            failed(failure);
        }
    });

    /// <summary>Ends the thread after the computation under way, and disposes the numeric side there; does not wait.</summary>
    public void Dispose() => thread.End(() =>
    {
        DisposeRetired();
        computer?.Dispose();
    });

    /// <summary>The numeric side; on the thread alone.</summary>
    internal IShardComputer Computer() => computer ??= create();

    /// <summary>Posts work, which must not throw.</summary>
    internal void Post(Action work) => thread.Post(work);

    /// <summary>Disposes the plane of a session that is over, on the thread, after the last computation that uses it.</summary>
    internal void Retire(IDisposable plane)
    {
        retired.Enqueue(plane);
        thread.Post(DisposeRetired);
    }

    private void DisposeRetired()
    {
        while (retired.TryDequeue(out IDisposable? gone))
        {
            gone.Dispose();
        }
    }
}
