using DistNet.Runs;

namespace DistNet.Training;

/// <summary>One finished epoch.</summary>
/// <param name="Epoch">Its number, counted from 1.</param>
/// <param name="Steps">Steps completed at its end, since the run's start.</param>
/// <param name="TrainLoss">The mean training loss of the epoch, penalties excluded.</param>
/// <param name="TrainAccuracy">The training accuracy in [0, 1]; NaN for a regression.</param>
/// <param name="ValidationLoss">The mean validation loss; NaN without validation.</param>
/// <param name="ValidationAccuracy">The validation accuracy in [0, 1]; NaN without validation or for a regression.</param>
/// <param name="LearningRate">The learning rate of its last step.</param>
public sealed record EpochRecord(
    int Epoch,
    long Steps,
    double TrainLoss,
    double TrainAccuracy,
    double ValidationLoss,
    double ValidationAccuracy,
    double LearningRate);

/// <summary>What a run came to. Losses and accuracies are NaN where they were not measured.</summary>
public sealed record RunResult
{
    /// <summary>How it ended: finished, or interrupted after a checkpoint (a run that fails throws).</summary>
    public required RunOutcomeKind Outcome { get; init; }

    /// <summary>Whether early stopping ended the training and the best parameters were restored.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>The digest of the final model, after the best parameters were restored where early stopping asks for it.</summary>
    public required string ParametersSha256 { get; init; }

    /// <summary>The digest of parameters, optimizer slots and training state.</summary>
    public required string StateSha256 { get; init; }

    /// <summary>Steps completed since the run's start, those before a resume included.</summary>
    public long Steps { get; init; }

    /// <summary>Steps skipped because of a gradient that was not finite.</summary>
    public long SkippedSteps { get; init; }

    /// <summary>Epochs completed since the run's start.</summary>
    public int Epochs { get; init; }

    /// <summary>Samples per second of wall clock from the end of step 10 to the end of the last step, less validation and checkpoints; 0 with fewer steps.</summary>
    public double SamplesPerSecond { get; init; }

    /// <summary>The last epoch's mean training loss, penalties excluded.</summary>
    public double TrainLoss { get; init; } = double.NaN;

    /// <summary>The mean validation loss of the final model; of an interrupted run that of its last epoch.</summary>
    public double ValidationLoss { get; init; } = double.NaN;

    /// <summary>The validation accuracy of the final model, in [0, 1]; of an interrupted run that of its last epoch.</summary>
    public double ValidationAccuracy { get; init; } = double.NaN;

    /// <summary>The mean test loss of the final model; NaN for an interrupted run.</summary>
    public double TestLoss { get; init; } = double.NaN;

    /// <summary>The test accuracy of the final model, in [0, 1]; NaN for an interrupted run.</summary>
    public double TestAccuracy { get; init; } = double.NaN;

    /// <summary>Wall clock from the first worker's joining in this process to the end of the training, validation and checkpoints included.</summary>
    public TimeSpan TrainingTime { get; init; }

    /// <summary>Workers that took part.</summary>
    public int Workers { get; init; }

    /// <summary>The processes that they were in.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>The lives of the coordinator so far, this one included: one more with each resume.</summary>
    public int Term { get; init; } = 1;

    /// <summary>How many training samples were computed by each worker in this life of the coordinator, by the worker's name; of what was computed twice, the answer that counted.</summary>
    public IReadOnlyDictionary<string, long> WorkerSamples { get; init; } = new Dictionary<string, long>();

    /// <summary>How often work was computed again because a worker failed or was late.</summary>
    public int Recoveries { get; init; }

    /// <summary>What the time of a step goes to.</summary>
    public required StepTimes StepTimes { get; init; }

    /// <summary>The epochs that this process finished, in order.</summary>
    public IReadOnlyList<EpochRecord> History { get; init; } = [];

    /// <summary>Counts of samples by true class (first index) and predicted class (second), on the test data, or on validation without test; null for a regression, with very many classes (<see cref="Evaluation.MaximumConfusionClasses"/>), or where neither was measured.</summary>
    public int[,]? ConfusionMatrix { get; init; }

    /// <summary>The final model, ready to evaluate and predict.</summary>
    public required TrainedModel Model { get; init; }
}
