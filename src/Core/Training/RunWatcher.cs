using DistNet.Runs;

namespace DistNet.Training;

/// <summary>Turns what the coordinator tells into progress for a person, the history for the result, and the end for whoever awaits it.</summary>
internal sealed class RunWatcher(RunSetup setup, TrainingState start, IRunObserver? observer, IProgress<TrainingProgress>? progress, Func<double> samplesPerSecond) : IRunObserver
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource<RunOutcome> outcomes = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<EpochRecord> history = [];
    private readonly Dictionary<string, long> workerSamples = [];
    private long begun;
    private long ended;
    private long reported;
    private double learningRate = double.NaN;

    public Task<RunOutcome> Ended => outcomes.Task;

    public IReadOnlyList<EpochRecord> History => history;

    /// <summary>Training samples by the worker whose answer counted.</summary>
    public IReadOnlyDictionary<string, long> WorkerSamples => workerSamples;

    public int Workers { get; private set; }

    /// <summary>From the first worker's joining, before which nothing can be computed, to the end.</summary>
    public TimeSpan TrainingTime => begun == 0 ? TimeSpan.Zero : TimeProvider.System.GetElapsedTime(begun, ended == 0 ? TimeProvider.System.GetTimestamp() : ended);

    public void OnWorkers(WorkerId worker, int workers, string sentence)
    {
        Workers = Math.Max(Workers, workers);
        begun = begun == 0 ? TimeProvider.System.GetTimestamp() : begun;
        observer?.OnWorkers(worker, workers, sentence);
    }

    public void OnAccepted(WorkerId worker, RunPhase phase, long samples)
    {
        if (phase == RunPhase.Training)
        {
            workerSamples[worker.Name] = workerSamples.GetValueOrDefault(worker.Name) + samples;
        }

        observer?.OnAccepted(worker, phase, samples);
    }

    public void OnStep(StepReport report)
    {
        learningRate = double.IsNaN(report.LearningRate) ? learningRate : report.LearningRate;
        observer?.OnStep(report);
        if (report.EpochEnded && setup.Data.Validation is null)
        {
            EpochEnded(report.State);
        }
        else if (progress is not null && TimeProvider.System.GetElapsedTime(reported) >= ReportInterval)
        {
            reported = TimeProvider.System.GetTimestamp();
            progress.Report(Progress(report.State));
        }
    }

    public void OnValidation(ValidationReport report)
    {
        observer?.OnValidation(report);
        EpochEnded(report.State);
    }

    public void OnCheckpoint(CheckpointReport report) => observer?.OnCheckpoint(report);

    public void OnWarning(string sentence) => observer?.OnWarning(sentence);

    public void OnFinished(RunOutcome outcome)
    {
        ended = TimeProvider.System.GetTimestamp();
        observer?.OnFinished(outcome);
        outcomes.TrySetResult(outcome);
    }

    private void EpochEnded(TrainingState state)
    {
        history.Add(new EpochRecord(
            state.Epoch, state.Step, state.LastTrainLoss, state.LastTrainAccuracy, state.LastValidationLoss, state.LastValidationAccuracy, learningRate));
        bool validated = setup.Data.Validation is not null;
        progress?.Report(Progress(state) with
        {
            Epoch = state.Epoch,
            EpochEnded = true,
            Loss = state.LastTrainLoss,
            Accuracy = state.LastTrainAccuracy,
            ValidationLoss = validated ? state.LastValidationLoss : null,
            ValidationAccuracy = validated ? state.LastValidationAccuracy : null,
            Message = state.StoppedEarly ? $"early stopping: the best epoch was {state.BestEpoch}" : null,
        });
    }

    private TrainingProgress Progress(TrainingState state)
    {
        long total = setup.Plan.TotalSteps;
        double secondsPerStep = TimeProvider.System.GetElapsedTime(begun).TotalSeconds / Math.Max(1, state.Step - start.Step);
        return new TrainingProgress
        {
            Epoch = Math.Min(state.Epoch + 1, setup.Plan.Epochs),
            Epochs = setup.Plan.Epochs,
            Step = state.Step,
            TotalSteps = total,
            Loss = state.EpochSums.Weight > 0 ? state.EpochSums.Loss / state.EpochSums.Weight : double.NaN,
            Accuracy = state.EpochSums.Samples > 0 && !setup.Data.ClassNames.IsEmpty ? state.EpochSums.Correct / (double)state.EpochSums.Samples : double.NaN,
            SamplesPerSecond = samplesPerSecond(),
            Remaining = TimeSpan.FromSeconds(Math.Min(secondsPerStep * Math.Max(0, total - state.Step), TimeSpan.MaxValue.TotalSeconds / 2)),
            LearningRate = learningRate,
        };
    }
}
