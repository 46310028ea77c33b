using System.Collections.Immutable;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Protocol;

/// <summary>A message between coordinator and worker: data alone, in one process too. Parameters are named by their version and gradients by their tickets;
/// the tensor plane (<see cref="IWorkerPlane"/>, <see cref="ICoordinatorPlane"/>) knows the memory behind them.</summary>
public interface IControlMessage;

/// <summary>One membership of a worker: the part of a <see cref="Fence"/> that outlives a step.</summary>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator.</param>
/// <param name="Session">The session, numbered by the coordinator.</param>
public readonly record struct Membership(RunId Run, int Term, long Session)
{
    /// <summary>The membership that a fence belongs to.</summary>
    public static Membership Of(Fence fence) => new(fence.Run, fence.Term, fence.Session);
}

/// <summary>Worker to coordinator: takes part, or takes part anew. Repeated until answered; a repetition gets the same answer.</summary>
/// <param name="Worker">The worker's name, unique in the run.</param>
/// <param name="Incarnation">Made anew with each life of the worker's session; a new one means that the session before has ended. Across processes it is the attendance's secret.</param>
/// <param name="Threads">Its compute threads.</param>
/// <param name="Membership">The run and the term that the worker believes in, with session 0; the default joins whichever it finds.</param>
public sealed record RegisterWorker(WorkerId Worker, Guid Incarnation, int Threads, Membership Membership = default) : IControlMessage;

/// <summary>Coordinator to worker: the registration is accepted.</summary>
/// <param name="Membership">The new session.</param>
/// <param name="Incarnation">Which registration is answered.</param>
public sealed record Welcome(Membership Membership, Guid Incarnation) : IControlMessage;

/// <summary>Coordinator to worker: compute a shard. A worker has at most one at a time in a session.</summary>
/// <remarks>That of a training step stands, where the tensor plane lets orders stand (<see cref="IWorkerPlane.OrdersStand"/>): a worker that has answered it goes on to <see cref="Next"/>
/// if the plane says so with the next version of the parameters, until it is given another.</remarks>
/// <param name="Fence">What the answer must carry.</param>
/// <param name="Work">Which slices of what.</param>
/// <param name="Version">With which version of the parameters. It may not exist yet: then the worker waits for it at its plane (<see cref="IWorkerPlane.Fetch"/>).</param>
/// <param name="Held">Tickets of this session whose gradients the coordinator still needs; the worker frees all others.</param>
public sealed record ComputeShard(Fence Fence, ShardWork Work, long Version, ImmutableArray<long> Held) : IControlMessage
{
    /// <summary>The same slices of the next step, with the next version of the parameters.</summary>
    public ComputeShard Next => new(
        Fence with { Step = Fence.Step + 1 },
        Work with { Step = Work.Step + 1, StepInEpoch = Work.StepInEpoch + 1 },
        Version + 1,
        []);
}

/// <summary>Coordinator to worker: the shard is no longer needed. The worker answers for it all the same, as soon as it can take another.</summary>
/// <param name="Fence">The shard's fence.</param>
/// <param name="Slices">The shard's slices.</param>
public sealed record WithdrawShard(Fence Fence, SliceRange Slices) : IControlMessage;

/// <summary>One node of an answer.</summary>
/// <param name="Node">Which node.</param>
/// <param name="Metrics">Its loss and counts.</param>
/// <param name="Ticket">Names its gradient on the plane, within the session; counted up from 1 and never used again. 0: it has no gradient.</param>
public readonly record struct AnsweredNode(SumNode Node, NodeMetrics Metrics, long Ticket);

/// <summary>Worker to coordinator: a shard is computed.</summary>
/// <param name="Worker">By whom.</param>
/// <param name="Fence">The shard's fence.</param>
/// <param name="Slices">The shard's slices.</param>
/// <param name="Nodes">Nodes that cover it; their gradients are on the plane already.</param>
/// <param name="Finding">Diagnosis: what was found, or null.</param>
/// <param name="Seconds">How long the computation took.</param>
public sealed record ShardDone(WorkerId Worker, Fence Fence, SliceRange Slices, ImmutableArray<AnsweredNode> Nodes, ShardFinding? Finding, double Seconds) : IControlMessage;

/// <summary>Worker to coordinator: a shard comes back without a result.</summary>
/// <param name="Worker">From whom.</param>
/// <param name="Fence">The shard's fence.</param>
/// <param name="Slices">The shard's slices.</param>
/// <param name="Kind">Why.</param>
/// <param name="Reason">Why, in words, without a stop at the end.</param>
public sealed record ShardNotDone(WorkerId Worker, Fence Fence, SliceRange Slices, ShardFailureKind Kind, string Reason) : IControlMessage;

/// <summary>Worker to coordinator: it leaves. What it still has is computed elsewhere.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Membership">Its session.</param>
/// <param name="Reason">Why, without a stop at the end.</param>
public sealed record Goodbye(WorkerId Worker, Membership Membership, string Reason) : IControlMessage;

/// <summary>Coordinator to worker: its session has ended; it may register again.</summary>
/// <param name="Membership">Which session; session 0 refuses a registration.</param>
/// <param name="Sentence">Why.</param>
public sealed record SessionEnded(Membership Membership, string Sentence) : IControlMessage;

/// <summary>Coordinator to worker: the run is over, and with it the worker's work.</summary>
/// <param name="Membership">Its session; session 0 answers a registration.</param>
public sealed record RunEnded(Membership Membership) : IControlMessage;
