using DistNet.Checkpoints;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>Puts a run's result together when it has ended.</summary>
internal static class RunResults
{
    public static RunResult Of(RunSetup setup, TrainingRun run, RunWatcher watcher, RunOutcome outcome, VectorUnit unit)
    {
        Checkpoint final = run.Snapshot();
        // What has ended left the model in the parameters' place.
        Arena parameters = outcome.Kind == RunOutcomeKind.Finished ? final.Parameters : final.ModelParameters();
        TrainedModel model = new(setup.Job, final.Model, parameters, unit);
        Evaluation? validation = setup.Data.Validation is { } split ? model.Evaluate(split) : null;
        Evaluation? test = watcher.Test is null ? null : model.Evaluate(setup.Data.Test!);
        return new RunResult
        {
            Outcome = outcome.Kind,
            StoppedEarly = run.State.StoppedEarly,
            ParametersSha256 = Digest.Parameters(model.Parameters),
            StateSha256 = Digest.State(final),
            Steps = run.State.Step,
            SkippedSteps = run.State.SkippedSteps,
            Epochs = run.State.Epoch,
            SamplesPerSecond = run.SamplesPerSecond,
            TrainLoss = run.State.LastTrainLoss,
            ValidationLoss = validation?.Loss ?? double.NaN,
            ValidationAccuracy = validation?.Accuracy ?? double.NaN,
            TestLoss = test?.Loss ?? double.NaN,
            TestAccuracy = test?.Accuracy ?? double.NaN,
            TrainingTime = watcher.TrainingTime,
            Workers = watcher.Workers,
            Term = run.Definition.Term,
            WorkerSamples = watcher.WorkerSamples,
            Recoveries = checked((int)outcome.Counters.Recoveries),
            StepTimes = run.Times,
            History = [.. watcher.History],
            ConfusionMatrix = (test ?? validation)?.Confusion,
            Model = model,
        };
    }
}
