using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>The tensor plane inside one process: handles and leases pass from side to side, nothing is copied.</summary>
/// <remarks>A gradient that was delivered and not taken (its message was dropped) is freed when the worker gets its next shard, or when its session ends.</remarks>
/// <param name="pool">Where gradients are written.</param>
/// <param name="crew">Who makes the parameters: compute threads that wait for them take part. Its bell is rung when a version was published, a session ended, or a wait was given up.</param>
public sealed class InProcessPlane(GradientPool pool, Crew crew) : ICoordinatorPlane
{
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, WorkerEnd> sessions = [];

    private volatile Published? current;
    private long standing;
    private int waiting;

    /// <summary>How many wait for parameters that are not there yet.</summary>
    internal int Waiting => Volatile.Read(ref waiting);

    /// <summary>Makes the worker's end of a new session.</summary>
    /// <param name="incarnation">The session's.</param>
    public IWorkerPlane CreateWorkerPlane(Guid incarnation)
    {
        var end = new WorkerEnd(this, incarnation);
        lock (gate)
        {
            sessions[incarnation] = end;
        }

        return end;
    }

    /// <inheritdoc/>
    public bool IsLive(Guid incarnation) => true;

    /// <inheritdoc/>
    public string HostOf(Guid incarnation) => "";

    /// <inheritdoc/>
    public bool TryTake(Guid incarnation, long ticket, [NotNullWhen(true)] out GradientLease? lease)
    {
        lock (gate)
        {
            lease = null;
            return sessions.TryGetValue(incarnation, out WorkerEnd? end) && end.Delivered.Remove(ticket, out lease);
        }
    }

    /// <summary>Nothing: a taken lease is the coordinator's alone, whatever the worker frees.</summary>
    public ImmutableArray<long> Held(Guid incarnation) => [];

    /// <inheritdoc/>
    public bool OrdersStand(Guid incarnation) => true;

    /// <inheritdoc/>
    public void LetStand(long version) => Interlocked.Exchange(ref standing, version);

    /// <inheritdoc/>
    public void Publish(ParameterHandle parameters)
    {
        current = new Published(parameters);
        crew.Ring();
    }

    /// <inheritdoc/>
    public void End(Guid incarnation, string sentence)
    {
        lock (gate)
        {
            if (sessions.Remove(incarnation, out WorkerEnd? end))
            {
                end.EndLocked();
            }
        }

        crew.Ring();
    }

    /// <summary>Ends all sessions. What is delivered later goes straight back to the pool.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            foreach (WorkerEnd end in sessions.Values)
            {
                end.EndLocked();
            }

            sessions.Clear();
        }

        crew.Ring();
    }

    // Whether it is decided what a worker gets: that version, or nothing as a newer one is there.
    private bool TryFetch(long version, out ParameterHandle parameters)
    {
        Published? published = current;
        parameters = published is not null && published.Parameters.Version == version ? published.Parameters : default;
        return version <= 0 || published?.Parameters.Version >= version;
    }

    private ParameterHandle Await(long version, WorkerEnd end, CancellationToken unwanted)
    {
        using CancellationTokenRegistration givenUp = unwanted.UnsafeRegister(static crew => ((Crew)crew!).Ring(), crew);
        Interlocked.Increment(ref waiting);
        ParameterHandle parameters;
        for (long rung = crew.Rings; !TryFetch(version, out parameters) && !end.HasEnded && !unwanted.IsCancellationRequested; rung = crew.Rings)
        {
            crew.WorkOrSleepSince(rung);
        }

        Interlocked.Decrement(ref waiting);
        return parameters;
    }

    private sealed record Published(ParameterHandle Parameters);

    private sealed class WorkerEnd(InProcessPlane plane, Guid incarnation) : IWorkerPlane
    {
        private long lastTicket;
        private volatile bool ended;

        public string Transport => "in-process";

        public bool OrdersStand => true;

        public bool HasEnded => ended;

        public Dictionary<long, GradientLease> Delivered { get; } = [];

        public GradientLease Lease() => plane.LeaseFromPool();

        public bool Stands(long version) => Volatile.Read(ref plane.standing) >= version;

        // A session that has ended waits for nothing.
        public ParameterHandle Fetch(long version, CancellationToken unwanted) =>
            plane.TryFetch(version, out ParameterHandle parameters) ? parameters : plane.Await(version, this, unwanted);

        public ImmutableArray<AnsweredNode> Deliver(Fence fence, ShardResult result)
        {
            var nodes = ImmutableArray.CreateBuilder<AnsweredNode>(result.Nodes.Length);
            lock (plane.gate)
            {
                foreach (ShardNode node in result.Nodes)
                {
                    long ticket = 0;
                    if (node.Gradient is { } lease)
                    {
                        ticket = ++lastTicket;
                        Delivered.Add(ticket, lease);
                    }

                    nodes.Add(new AnsweredNode(node.Node, node.Metrics, ticket));
                }

                if (ended)
                {
                    ReturnAllLocked();
                }
            }

            return nodes.MoveToImmutable();
        }

        public bool TryAnswer(ShardDone answer) => false;

        public void ReleaseExcept(ImmutableArray<long> held)
        {
            lock (plane.gate)
            {
                ReturnAllLocked();
            }
        }

        // The last answer may still be on its way to the coordinator: then it is the coordinator that ends the session.
        public void Dispose()
        {
            lock (plane.gate)
            {
                if (Delivered.Count == 0)
                {
                    ended = true;
                    plane.sessions.Remove(incarnation);
                }
            }
        }

        public void EndLocked()
        {
            ended = true;
            ReturnAllLocked();
        }

        private void ReturnAllLocked()
        {
            foreach (GradientLease lease in Delivered.Values)
            {
                lease.Return();
            }

            Delivered.Clear();
        }
    }

    private GradientLease LeaseFromPool() => pool.Lease();
}
