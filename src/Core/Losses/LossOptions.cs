using System.Collections.Immutable;

namespace DistNet.Losses;

/// <summary>The losses.</summary>
public enum LossKind
{
    /// <summary>Cross-entropy on the log-softmax of the logits (lecture: "Use cross-entropy loss").</summary>
    CrossEntropy,

    /// <summary>Binary cross-entropy on one logit.</summary>
    BinaryCrossEntropy,

    /// <summary>Mean squared error.</summary>
    MeanSquaredError,
}

/// <summary>The <c>loss</c> section of a job.</summary>
public sealed record LossOptions
{
    /// <summary>Which loss.</summary>
    public LossKind Kind { get; init; } = LossKind.CrossEntropy;

    /// <summary>Cross-entropy: a weight per class, in the order of the class names; empty weighs all alike.</summary>
    public ImmutableArray<float> ClassWeights { get; init; } = [];

    /// <summary>Cross-entropy: the share s of a sample's target that all classes share alike, in [0, 1); 0 for none.</summary>
    public double LabelSmoothing { get; init; }
}
