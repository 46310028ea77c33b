namespace DistNet.Training;

/// <summary>Everything a step depends on besides job, data, seed and parameters: small, explicit, and in every checkpoint.</summary>
/// <remarks>Losses of +infinity mean "none yet".</remarks>
public sealed record TrainingState
{
    /// <summary>Steps completed, skipped ones included; the next step has this number (steps count from 0).</summary>
    public long Step { get; init; }

    /// <summary>Epochs completed; the epoch under way has this number (epochs count from 0).</summary>
    public int Epoch { get; init; }

    /// <summary>Steps completed in the epoch under way.</summary>
    public int StepInEpoch { get; init; }

    /// <summary>Steps skipped because of a non-finite gradient.</summary>
    public long SkippedSteps { get; init; }

    /// <summary>Adam's t: updates applied.</summary>
    public long Updates { get; init; }

    /// <summary>β₁^t by repeated multiplication.</summary>
    public double Beta1Power { get; init; } = 1;

    /// <summary>β₂^t by repeated multiplication.</summary>
    public double Beta2Power { get; init; } = 1;

    /// <summary>The plateau schedule's factor.</summary>
    public double PlateauFactor { get; init; } = 1;

    /// <summary>The lowest validation loss the plateau schedule has seen.</summary>
    public double PlateauBestLoss { get; init; } = double.PositiveInfinity;

    /// <summary>Epochs since it fell.</summary>
    public int PlateauBadEpochs { get; init; }

    /// <summary>The lowest validation loss so far (mean per sample).</summary>
    public double BestLoss { get; init; } = double.PositiveInfinity;

    /// <summary>The number of epochs completed when it was seen; 0 for none.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Epochs since the best, for early stopping.</summary>
    public int EpochsSinceBest { get; init; }

    /// <summary>Whether early stopping has ended the run.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>The epoch's running sums of training loss and counts: steps folded in order.</summary>
    public NodeMetrics EpochSums { get; init; }

    /// <summary>The last epoch's mean training loss; NaN before the first epoch's end.</summary>
    public double LastTrainLoss { get; init; } = double.NaN;

    /// <summary>The last epoch's training accuracy in [0, 1]; NaN before, or for a regression.</summary>
    public double LastTrainAccuracy { get; init; } = double.NaN;

    /// <summary>The last validation's mean loss; NaN before, or without validation.</summary>
    public double LastValidationLoss { get; init; } = double.NaN;

    /// <summary>The last validation's accuracy in [0, 1]; NaN before, without validation, or for a regression.</summary>
    public double LastValidationAccuracy { get; init; } = double.NaN;
}
