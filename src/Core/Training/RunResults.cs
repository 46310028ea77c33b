using DistNet.Checkpoints;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>Puts a run's result together when it has ended: a finished one's model is measured, an interrupted one is told as its state has it, so that it ends at once.</summary>
internal static class RunResults
{
    public static RunResult Of(RunSetup setup, TrainingRun run, RunWatcher watcher, RunOutcome outcome, VectorUnit unit, int threads)
    {
        Checkpoint final = run.Snapshot();
        bool finished = outcome.Kind == RunOutcomeKind.Finished;
        // What has ended left the model in the parameters' place.
        Arena parameters = finished ? final.Parameters : final.ModelParameters();
        using TrainedModel model = new(setup.Job, final.Model, parameters, unit, threads);
        Evaluation? validation = finished && setup.Data.Validation is { Samples.Length: > 0 } split ? model.Evaluate(split) : null;
        Evaluation? test = finished && setup.Data.Test is { Samples.Length: > 0 } held ? model.Evaluate(held) : null;
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
            ValidationLoss = validation?.Loss ?? run.State.LastValidationLoss,
            ValidationAccuracy = validation?.Accuracy ?? run.State.LastValidationAccuracy,
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
            // Nobody need dispose of a result: its model has no threads of its own.
            Model = new TrainedModel(setup.Job, final.Model, parameters, unit, threads: 1),
        };
    }
}
