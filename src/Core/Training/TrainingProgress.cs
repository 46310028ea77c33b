namespace DistNet.Training;

/// <summary>Where a run is. Reported at most twice a second, and always at an epoch's end.</summary>
public sealed record TrainingProgress
{
    /// <summary>The epoch under way, counted from 1; at an epoch's end, the epoch that ended.</summary>
    public int Epoch { get; init; }

    /// <summary>The epochs of the whole run, unless it stops early.</summary>
    public int Epochs { get; init; }

    /// <summary>Steps completed since the run's start, those before a resume included.</summary>
    public long Step { get; init; }

    /// <summary>The steps of the whole run, unless it stops early.</summary>
    public long TotalSteps { get; init; }

    /// <summary>The mean training loss of the epoch so far, penalties excluded.</summary>
    public double Loss { get; init; } = double.NaN;

    /// <summary>The training accuracy of the epoch so far, in [0, 1]; NaN for a regression.</summary>
    public double Accuracy { get; init; } = double.NaN;

    /// <summary>Training samples per second of wall clock; 0 before the first measurement.</summary>
    public double SamplesPerSecond { get; init; }

    /// <summary>The time that the remaining steps will take at the present speed.</summary>
    public TimeSpan Remaining { get; init; }

    /// <summary>The learning rate of the last step.</summary>
    public double LearningRate { get; init; }

    /// <summary>The mean validation loss, when it was just measured; else null.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The validation accuracy in [0, 1], when it was just measured (NaN for a regression); else null.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>Whether an epoch has ended with this report, its validation included.</summary>
    public bool EpochEnded { get; init; }

    /// <summary>Something to tell besides the numbers (a phase, early stopping); null for nothing.</summary>
    public string? Message { get; init; }
}
