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

    public ShardResult? Result { get; private set; }

    public ShardFailureKind FailureKind { get; private set; }

    public string Reason { get; private set; } = "";

    public double Seconds { get; private set; }

    /// <summary>The result is no longer needed: if the computation has not begun, it will not.</summary>
    public void Withdraw() => withdrawn = true;

    /// <summary>On the compute thread. Never throws.</summary>
    public void Run(Func<IShardComputer> computer)
    {
        if (withdrawn)
        {
            Fail(ShardFailureKind.Withdrawn, "it was withdrawn");
            return;
        }

        if (!request.Parameters.IsCurrent)
        {
            Fail(ShardFailureKind.Overwritten, "the parameters were overwritten before it began");
            return;
        }

        try
        {
            long started = Stopwatch.GetTimestamp();
            Result = computer().Compute(request.Work, request.Parameters);
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Whatever the engine or a user's own module throws must not end the worker's thread.
            Fail(ShardFailureKind.Failed, failure.Message.TrimEnd('.'));
            return;
        }

        // Read in place, so worthless if overwritten meanwhile: a late answer to a step that others completed.
        if (withdrawn || !request.Parameters.IsCurrent)
        {
            Fail(withdrawn ? ShardFailureKind.Withdrawn : ShardFailureKind.Overwritten, "another answered first");
        }
    }

    /// <summary>Gives back the leases of a result that is not sent.</summary>
    public void Drop()
    {
        ShardResult? result = Result;
        Result = null;
        Leases.Release(result);
    }

    private void Fail(ShardFailureKind kind, string reason)
    {
        Drop();
        FailureKind = kind;
        Reason = reason;
    }
}
