using Akka.Actor;
using DistNet.Coordinator.Data;
using DistNet.Coordinator.Plane;
using DistNet.Data;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Coordinator.Node;

/// <summary>Between the tensor plane and the coordinator's actor: tells the actor who lives, and workers what the run is.</summary>
internal sealed class PlaneLink(OpenRun open, RunDataFiles files, int slots, RunView view, Action<string> warn) : IPlaneOwner, IPlaneContent
{
    private readonly Lock gate = new();
    private readonly HashSet<Guid> attending = [];
    private readonly long started = TimeProvider.System.GetTimestamp();
    private TaskCompletionSource? empty;
    private IActorRef? coordinator;
    private CoordinatorPlane? plane;

    /// <inheritdoc/>
    public string? ControlAddress { get; private set; }

    /// <summary>The coordinator is there: workers are let in from now on.</summary>
    /// <param name="actor">Its actor.</param>
    /// <param name="address">Its actor system's address.</param>
    /// <param name="served">The plane, for the status.</param>
    public void Open(IActorRef actor, string address, CoordinatorPlane served)
    {
        coordinator = actor;
        plane = served;
        ControlAddress = address;
    }

    /// <inheritdoc/>
    public void Attended(AttendanceInfo attendance)
    {
        lock (gate)
        {
            attending.Add(attendance.Id);
        }
    }

    /// <inheritdoc/>
    public void Heard(Guid attendance, WorkerActivity activity) => coordinator?.Tell(new WorkerHeard(attendance, activity));

    /// <inheritdoc/>
    public void Answered(Guid attendance, ShardDone answer)
    {
        if (coordinator is { } actor)
        {
            Helper.Tell(actor, new ShardAnswered(attendance, answer));
        }
    }

    /// <inheritdoc/>
    public void Ended(Guid attendance, string reason)
    {
        coordinator?.Tell(new AttendanceEnded(attendance, reason));
        lock (gate)
        {
            attending.Remove(attendance);
            if (attending.Count == 0)
            {
                empty?.TrySetResult();
            }
        }
    }

    /// <inheritdoc/>
    public void Refused(string sentence) => warn(sentence);

    /// <inheritdoc/>
    public async Task<RunDescription> DescribeAsync()
    {
        RunSetup setup = open.Setup;
        DataDescription data = new(await files.DescribeAsync().ConfigureAwait(false), setup.Data.Fingerprint, setup.Data.Normalization);
        return new RunDescription(open.Run.Definition.Run, open.Run.Definition.Term, setup.JobJson, data, SetupHash.Of(setup), setup.Graph.Layout.ArenaLength, slots);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenDataAsync(string sha256, long offset) => files.OpenAsync(sha256, offset);

    /// <inheritdoc/>
    public ClusterStatus Status()
    {
        CoordinatorPlane served = plane ?? throw DistNetException.Failed("The coordinator is starting.");
        RunStatus run = view.Describe() ?? throw DistNetException.Failed("The coordinator is starting.");
        return StatusReport.Of(
            run,
            open.Setup.Plan,
            served.Attendances,
            served.TransportOf,
            served.Counts,
            open.Run.SamplesPerSecond,
            view.Loss,
            TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Completed when nobody attends, or when the time is over.</summary>
    public async Task WhenEmptyAsync(TimeSpan most)
    {
        Task gone;
        lock (gate)
        {
            if (attending.Count == 0)
            {
                return;
            }

            empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            gone = empty.Task;
        }

        await Task.WhenAny(gone, Task.Delay(most)).ConfigureAwait(false);
    }
}
