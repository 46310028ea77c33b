using System.Collections.Immutable;
using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>A worker's end of the tensor plane; one per session, used on the worker's compute thread alone (<see cref="IDisposable.Dispose"/> included).</summary>
public interface IWorkerPlane : IGradientSource, IDisposable
{
    /// <summary>How tensors travel: <c>in-process</c>, <c>shared memory</c> or <c>grpc</c>.</summary>
    string Transport { get; }

    /// <summary>Whether orders stand here: the coordinator can say with a version of the parameters that the order of the step before holds for it too.</summary>
    bool OrdersStand { get; }

    /// <summary>Whether the coordinator has said so of a version, or of a later one. It does before that version is there: from then on no is a no. Safe on any thread.</summary>
    /// <param name="version">Of the parameters.</param>
    bool Stands(long version);

    /// <summary>The parameters of one version; blocks until they can be read. A shard may be given before its parameters exist: then this waits for the update.</summary>
    /// <param name="version">Which. The coordinator asks for no more than one version ahead of its newest.</param>
    /// <param name="unwanted">Cancelled, on any thread, when nobody needs the parameters any more.</param>
    /// <returns>A handle; the default one, never current, when that version is gone (a newer one is there) or <paramref name="unwanted"/> was cancelled first.</returns>
    /// <exception cref="PlaneBrokenException">The link is down: the session is over.</exception>
    ParameterHandle Fetch(long version, CancellationToken unwanted);

    /// <summary>Hands the gradients of a result over; blocks until the coordinator can take them.</summary>
    /// <param name="fence">The shard's fence.</param>
    /// <param name="result">The result; its leases belong to the plane from now on, whether this returns or throws.</param>
    /// <returns>The nodes as the answer tells them.</returns>
    /// <exception cref="PlaneBrokenException">The link is down: the session is over.</exception>
    ImmutableArray<AnsweredNode> Deliver(Fence fence, ShardResult result);

    /// <summary>Answers for a shard where the plane carries answers beside the gradients that they announce. Called by the worker's actor.</summary>
    /// <param name="answer">The answer; its gradients were delivered before.</param>
    /// <returns>False: it does not, and the answer goes to the coordinator as a message. One plane carries all of a session's answers or none, so that they come in order.</returns>
    /// <exception cref="PlaneBrokenException">The coordinator reads none any more: the session is over.</exception>
    bool TryAnswer(ShardDone answer);

    /// <summary>Frees the gradients that were delivered in this session and that the coordinator does not hold: it has returned or never taken them.</summary>
    /// <param name="held">The tickets it holds.</param>
    void ReleaseExcept(ImmutableArray<long> held);
}

/// <summary>The coordinator's end of the tensor plane, for all workers. Members are called by the coordinator's actor, except where they say otherwise; none of them blocks.</summary>
public interface ICoordinatorPlane : IDisposable
{
    /// <summary>Whether a worker's link is up, so that it may register.</summary>
    bool IsLive(Guid incarnation);

    /// <summary>Where a worker is, in words; empty in the coordinator's own process. A worker elsewhere beats (<see cref="WorkerHeard"/>), so that its silence means something.</summary>
    string HostOf(Guid incarnation);

    /// <summary>Takes a delivered gradient, exactly once a ticket.</summary>
    /// <param name="incarnation">The worker's session.</param>
    /// <param name="ticket">Which gradient.</param>
    /// <param name="lease">The gradient, to be returned by the caller.</param>
    /// <returns>False: unknown, or taken before: a second copy of a message.</returns>
    bool TryTake(Guid incarnation, long ticket, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out GradientLease? lease);

    /// <summary>The tickets of a session that were taken and whose leases are not yet returned.</summary>
    ImmutableArray<long> Held(Guid incarnation);

    /// <summary>Whether a worker's end of the plane finds what <see cref="LetStand"/> says.</summary>
    bool OrdersStand(Guid incarnation);

    /// <summary>Says that the orders of the step before hold for the one that is computed with a version of the parameters. Called before that version is there.</summary>
    void LetStand(long version);

    /// <summary>Makes a version readable by all workers. Called by the coordinator's numeric side, one thread at a time, after each overwrite and before any shard with that version.</summary>
    void Publish(ParameterHandle parameters);

    /// <summary>The session is over: its link is ended, what it delivered and nobody took is freed, and its memory is given up when the last taken lease is returned.</summary>
    /// <param name="incarnation">The worker's session; unknown ones are ignored.</param>
    /// <param name="sentence">Why.</param>
    void End(Guid incarnation, string sentence);
}

/// <summary>The tensor plane's link is down; the session that used it is over.</summary>
public sealed class PlaneBrokenException : Exception
{
    /// <summary>Says what happened.</summary>
    /// <param name="message">One clause, without a stop at the end.</param>
    /// <param name="inner">What was thrown underneath.</param>
    public PlaneBrokenException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
