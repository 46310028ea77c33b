namespace DistNet.Runs;

/// <summary>Makes the report from the machine's state.</summary>
internal static class RunStatusOf
{
    public static RunStatus State(RunState state, long nowMs) => State(state, state.Phase ?? state.Completing, nowMs);

    private static RunStatus State(RunState state, PhaseState? phase, long nowMs) => new()
    {
        Run = state.Definition.Run,
        Term = state.Definition.Term,
        Stage = state.Stage,
        Phase = phase?.Whole.Phase,
        Step = state.Training.Step,
        TotalSteps = state.Definition.Plan.TotalSteps,
        Epoch = state.Training.Epoch,
        TotalEpochs = state.Definition.Plan.Epochs,
        SlicesDone = phase?.AcceptedSlices ?? 0,
        Slices = phase?.Whole.SliceCount ?? 0,
        WorkersAwaited = state.Gathered ? 0 : state.Definition.MinimumWorkers,
        CheckpointStep = state.CheckpointStep,
        Stopping = state.Stop is not null,
        Workers = [.. state.Workers.Select(worker => Worker(worker, nowMs))],
        Counters = state.Counters,
        Outcome = state.Outcome,
    };

    private static WorkerStatus Worker(WorkerState worker, long nowMs) => new()
    {
        Worker = worker.Id,
        Host = worker.Host,
        Session = worker.Session,
        Threads = worker.Threads,
        Speed = worker.Speed,
        Step = worker.Work?.Step,
        Slices = worker.Work?.Slices ?? default,
        SinceMs = worker.Work is { } work ? nowMs - work.SentMs : 0,
        Late = worker.Work is { Late: true },
        Suspected = worker.Suspected,
        AsideMs = Math.Max(0, worker.AsideUntilMs - nowMs),
        Failures = worker.Failures,
        SilentMs = worker.Beats ? nowMs - worker.HeardMs : null,
        Activity = worker.Beats ? worker.Activity : null,
    };
}
