using System.Collections.Immutable;
using System.Diagnostics;
using DistNet.Protocol;
using DistNet.Runs;
using ActivityKind = DistNet.Runs.ActivityKind;

namespace DistNet.Worker;

/// <summary>One shard on its way through the compute thread, and what came of it.</summary>
/// <param name="request">What is to be computed.</param>
/// <param name="plane">The session's plane.</param>
/// <param name="activity">Told what is done.</param>
/// <param name="stands">Whether nobody has asked for it: an order that stands from the step before, and lapses unless the coordinator lets it stand.</param>
#pragma warning disable CA1001 // A source without a timer needs no disposal, and the actor may still cancel it when the computation is done.
internal sealed class ShardComputation(ComputeShard request, IWorkerPlane plane, ActivityReport activity, bool stands = false) : ILocalMessage
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource unwanted = new();
    private volatile bool withdrawn;
    private volatile bool handedBack;
    private volatile bool overruled;
    private volatile bool replaced;

    public ComputeShard Request => request;

    /// <summary>Whether it was made of an order that stood, not of one that came.</summary>
    public bool Stands => stands;

    /// <summary>Whether it was not asked for after all: then nobody waits for an answer.</summary>
    public bool HasLapsed { get; private set; }

    /// <summary>Whether there is a result, delivered to the plane.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The nodes of the result.</summary>
    public ImmutableArray<AnsweredNode> Nodes { get; private set; } = [];

    /// <summary>Diagnosis: what was found.</summary>
    public ShardFinding? Finding { get; private set; }

    public ShardFailureKind FailureKind { get; private set; }

    public string Reason { get; private set; } = "";

    /// <summary>Why the session can no longer be served: its plane is broken. Null where it is not.</summary>
    public string? BrokenPlane { get; private set; }

    public double Seconds { get; private set; }

    /// <summary>Whether it is this shard that is computed.</summary>
    public bool IsFor(Fence fence, SliceRange slices) => request.Fence == fence && request.Work.Slices == slices;

    /// <summary>The result is no longer needed: if the computation has not begun, it will not; where it waits for its parameters, it ends at once.</summary>
    public void Withdraw()
    {
        withdrawn = true;
        unwanted.Cancel();
    }

    /// <summary>Another order has come: if this one stands and has not begun, it ends.</summary>
    /// <param name="by">The other order; one for the same shard is answered in its place.</param>
    public void Overrule(ComputeShard by)
    {
        if (stands)
        {
            replaced = IsFor(by.Fence, by.Work.Slices);
            overruled = true;
            unwanted.Cancel();
        }
    }

    /// <summary>The worker leaves: if the computation has not begun, it will not, and where it waits for its parameters, it ends at once; a begun one is finished.</summary>
    public void HandBack()
    {
        handedBack = true;
        unwanted.Cancel();
    }

    /// <summary>On the compute thread. Never throws.</summary>
    public void Run(Func<IShardComputer> computer)
    {
        try
        {
            activity.Set(ActivityKind.WaitingForParameters, request.Work.Step, request.Work.Slices, isIdle: stands ? () => !plane.Stands(request.Version) : null);
            Compute(computer);
        }
        catch (PlaneBrokenException broken)
        {
            BrokenPlane = broken.Message.TrimEnd('.');
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Whatever the engine or a user's own module throws must not end the worker's thread.
            Fail(ShardFailureKind.Failed, failure.Message.TrimEnd('.'));
        }
        finally
        {
            activity.Set(ActivityKind.Idle);
        }
    }

    private void Compute(Func<IShardComputer> computer)
    {
        if (IsGivenUp())
        {
            return;
        }

        if (!stands)
        {
            plane.ReleaseExcept(request.Held);
        }

        ParameterHandle parameters = plane.Fetch(request.Version, unwanted.Token);
        if (IsGivenUp())
        {
            return;
        }

        if (stands && !plane.Stands(request.Version))
        {
            HasLapsed = true;
            return;
        }

        if (!parameters.IsCurrent)
        {
            Fail(ShardFailureKind.Overwritten, "the parameters were overwritten before it began");
            return;
        }

        IShardComputer numeric = computer();
        Report(ActivityKind.Computing);
        long started = Stopwatch.GetTimestamp();
        ShardResult result = numeric.Compute(request.Work, parameters, plane);
        Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        // Read in place, so worthless if overwritten meanwhile: a late answer to a step that others completed.
        if (withdrawn || !parameters.IsCurrent)
        {
            Leases.Return(result);
            Fail(withdrawn ? ShardFailureKind.Withdrawn : ShardFailureKind.Overwritten, "another answered first");
            return;
        }

        Report(ActivityKind.Uploading);
        Nodes = plane.Deliver(request.Fence, result);
        Finding = result.Finding;
        IsDone = true;
    }

    // Asked before the computation begins; from then on a worker that leaves finishes it.
    private bool IsGivenUp()
    {
        if (!withdrawn && !handedBack && !overruled)
        {
            return false;
        }

        HasLapsed = stands && !withdrawn && (replaced || !plane.Stands(request.Version));
        Fail(ShardFailureKind.Withdrawn, withdrawn ? "it was withdrawn" : handedBack ? "the worker leaves" : "another order came");
        return true;
    }

    private void Report(ActivityKind kind) => activity.Set(kind, request.Work.Step, request.Work.Slices);

    private void Fail(ShardFailureKind kind, string reason)
    {
        FailureKind = kind;
        Reason = reason;
    }
}
