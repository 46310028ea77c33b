using System.Collections.Immutable;
using DistNet.Coordinator.Plane;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Coordinator.Node;

/// <summary>What <c>distnet status</c> is told: the machine's state, with what the plane knows of each worker.</summary>
internal static class StatusReport
{
    private const double SlowSeconds = 1;

    /// <summary>Puts a report together.</summary>
    /// <param name="run">The run as the machine sees it.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="attending">The plane's workers.</param>
    /// <param name="transportOf">How an attendance's tensors travel.</param>
    /// <param name="counters">What the plane counted.</param>
    /// <param name="samplesPerSecond">The run's speed.</param>
    /// <param name="loss">The last step's mean loss.</param>
    /// <param name="seconds">Since this life of the coordinator began.</param>
    public static ClusterStatus Of(
        RunStatus run,
        TrainingPlan plan,
        ImmutableArray<AttendanceInfo> attending,
        Func<Guid, string> transportOf,
        ImmutableArray<StatusCounter> counters,
        double samplesPerSecond,
        double loss,
        double seconds)
    {
        string Transport(AttendanceInfo? info) => info is null ? "" : transportOf(info.Id);
        var byName = attending.ToDictionary(info => info.Worker, StringComparer.Ordinal);
        var present = run.Workers.Select(worker => worker.Worker.Name).ToHashSet(StringComparer.Ordinal);
        ImmutableArray<ClusterWorker> workers =
        [
            .. run.Workers.Select(worker => (Status: worker, Info: byName.GetValueOrDefault(worker.Worker.Name))).Select(pair => Worker(pair.Status, plan.Slice, pair.Info, Transport(pair.Info))),
            .. attending.Where(info => !present.Contains(info.Worker)).OrderBy(info => info.Worker, StringComparer.Ordinal).Select(info => Preparing(info, Transport(info))),
        ];
        return new ClusterStatus(
            run.Run,
            run.Term,
            Stage(run),
            run.Phase?.ToString().ToLowerInvariant() ?? "",
            run.Step,
            run.TotalSteps,
            run.Epoch,
            run.TotalEpochs,
            samplesPerSecond,
            loss,
            WaitingFor(run),
            workers,
            [.. Counters(run.Counters), .. counters],
            seconds);
    }

    private static ClusterWorker Worker(WorkerStatus worker, int slice, AttendanceInfo? info, string transport) => new(
        worker.Worker.Name,
        worker.Host,
        info?.ProcessId ?? 0,
        worker.Threads,
        transport,
        worker.Session,
        worker.Slices,
        worker.SinceMs / 1000.0,
        worker.Activity ?? default,
        (worker.SilentMs ?? 0) / 1000.0,
        worker.Speed * slice,
        Flags(worker),
        worker.Failures);

    // Attends and has not registered: it opens or fetches its data.
    private static ClusterWorker Preparing(AttendanceInfo info, string transport) => new(
        info.Worker, info.Host, info.ProcessId, info.Threads, transport, 0, default, 0, new WorkerActivity(ActivityKind.PreparingData, 0, default, 0), 0, 0, [], 0);

    private static ImmutableArray<string> Flags(WorkerStatus worker)
    {
        IEnumerable<string> all =
        [
            worker.Late ? "late" : "",
            worker.Suspected ? "silent" : "",
            worker.AsideMs > 0 ? FormattableString.Invariant($"set aside for {worker.AsideMs / 1000.0:0.0} s") : "",
            worker.Activity is { Kind: ActivityKind.Leaving } ? "leaving" : "",
        ];
        return [.. all.Where(flag => flag.Length > 0)];
    }

    private static string Stage(RunStatus run) => run.Stage switch
    {
        _ when run.Stopping && run.Stage != RunStage.Ended => "stopping",
        RunStage.Ready => "starting",
        RunStage.Computing when run.Workers.IsEmpty || run.WorkersAwaited > 0 => "waiting for workers",
        RunStage.Computing or RunStage.Completing => run.Phase switch
        {
            RunPhase.Validation => "validation",
            RunPhase.Diagnosis => "diagnosis",
            _ => "training",
        },
        RunStage.Checkpointing => "checkpoint",
        RunStage.EndingTraining or RunStage.Finishing => "finishing",
        _ => "ended",
    };

    // One sentence where something takes longer than people expect; the machine's own warnings say what is done about it.
    private static string WaitingFor(RunStatus run)
    {
        if (run.WorkersAwaited > 0)
        {
            return FormattableString.Invariant($"The first step waits until {run.WorkersAwaited} {(run.WorkersAwaited == 1 ? "worker is" : "workers are")} present; now there {(run.Workers.Length == 1 ? "is" : "are")} {run.Workers.Length}.");
        }

        if (run.Stage == RunStage.Computing && run.Workers.IsEmpty)
        {
            return "There are no workers; the run goes on when one joins.";
        }

        WorkerStatus? slowest = run.Workers.Where(worker => worker.Step is not null).MaxBy(worker => worker.SinceMs);
        if (run.Stage != RunStage.Computing || slowest is null || slowest.SinceMs < SlowSeconds * 1000)
        {
            return "";
        }

        string what = slowest.Activity?.Kind switch
        {
            ActivityKind.WaitingForParameters => "waits for the parameters of",
            ActivityKind.Uploading => "uploads",
            ActivityKind.PreparingData => "prepares data and has",
            ActivityKind.Idle => "says nothing of",
            _ => "computes",
        };
        return FormattableString.Invariant(
            $"Worker {slowest.Worker} on {slowest.Host} {what} slices {slowest.Slices} of step {slowest.Step} since {slowest.SinceMs / 1000.0:0.0} s{(slowest.Late ? "; they are free for others" : "")}.");
    }

    private static IEnumerable<StatusCounter> Counters(RunCounters counters)
    {
        (string Name, long Value)[] all =
        [
            ("shards", counters.Shards),
            ("recoveries", counters.Recoveries),
            ("shards late", counters.Late),
            ("shards failed", counters.Failed),
            ("shards lost with their worker", counters.Lost),
            ("shards given back", counters.GivenBack),
            ("workers joined", counters.Joined),
            ("workers left", counters.Left),
            ("workers set aside", counters.SetAside),
            ("workers silent", counters.Suspected),
            ("workers ended for silence", counters.Silent + counters.Unheard),
            ("answers of another run or term", counters.Foreign),
            ("answers of an ended session", counters.EndedSession),
            ("answers not asked for", counters.Unasked),
            ("answers too late", counters.Stale),
            ("second answers", counters.Second),
            ("second answers that differ", counters.Differed),
        ];
        return all.Where(counter => counter.Value != 0).Select(counter => new StatusCounter(counter.Name, counter.Value));
    }
}
