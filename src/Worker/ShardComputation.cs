using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>One shard on its way through the compute thread, and what came of it.</summary>
/// <param name="request">The coordinator's message.</param>
internal sealed class ShardComputation(ComputeShard request) : INoSerializationVerificationNeeded
{
    private volatile bool withdrawn;

    public ComputeShard Request => request;

    /// <summary>Whether there is a result, delivered to the plane.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The nodes of the result.</summary>
    public ImmutableArray<AnsweredNode> Nodes { get; private set; } = [];

    /// <summary>Diagnosis: what was found.</summary>
    public ShardFinding? Finding { get; private set; }

    public ShardFailureKind FailureKind { get; private set; }

    public string Reason { get; private set; } = "";

    public double Seconds { get; private set; }

    /// <summary>The result is no longer needed: if the computation has not begun, it will not.</summary>
    public void Withdraw() => withdrawn = true;

    /// <summary>On the compute thread. Never throws.</summary>
    public void Run(Func<IShardComputer> computer, IWorkerPlane plane)
    {
        if (withdrawn)
        {
            Fail(ShardFailureKind.Withdrawn, "it was withdrawn");
            return;
        }

        try
        {
            plane.ReleaseExcept(request.Held);
            ParameterHandle parameters = plane.Fetch(request.Version);
            if (!parameters.IsCurrent)
            {
                Fail(ShardFailureKind.Overwritten, "the parameters were overwritten before it began");
                return;
            }

            Compute(computer(), plane, parameters);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Whatever the engine or a user's own module throws must not end the worker's thread.
            Fail(ShardFailureKind.Failed, failure.Message.TrimEnd('.'));
        }
    }

    private void Compute(IShardComputer computer, IWorkerPlane plane, ParameterHandle parameters)
    {
        long started = Stopwatch.GetTimestamp();
        ShardResult result = computer.Compute(request.Work, parameters, plane);
        Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        // Read in place, so worthless if overwritten meanwhile: a late answer to a step that others completed.
        if (withdrawn || !parameters.IsCurrent)
        {
            Leases.Return(result);
            Fail(withdrawn ? ShardFailureKind.Withdrawn : ShardFailureKind.Overwritten, "another answered first");
            return;
        }

        Nodes = plane.Deliver(request.Fence, result);
        Finding = result.Finding;
        IsDone = true;
    }

    private void Fail(ShardFailureKind kind, string reason)
    {
        FailureKind = kind;
        Reason = reason;
    }
}
