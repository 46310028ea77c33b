using System.Collections.Immutable;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>What a further file (validation, test, data to evaluate or to predict for) must fit: the training file decides.</summary>
/// <param name="InputShape">The shape of one sample's input.</param>
/// <param name="ClassNames">The known classes; empty for a regression.</param>
/// <param name="TargetWidth">Targets of one sample; 0 for a classification.</param>
public sealed record DataExpectation(Shape InputShape, ImmutableArray<string> ClassNames, int TargetWidth = 0)
{
    /// <summary>CSV: the names of the feature columns, compared where both files have a header; empty where they are not known.</summary>
    public ImmutableArray<string> FeatureNames { get; init; } = [];
}

/// <summary>What labels are for a loss.</summary>
internal enum LabelKind
{
    None,
    Classes,
    TwoClasses,
    Numbers,
}

internal static class LabelKinds
{
    public static LabelKind Of(LossKind loss) => loss switch
    {
        LossKind.CrossEntropy => LabelKind.Classes,
        LossKind.BinaryCrossEntropy => LabelKind.TwoClasses,
        LossKind.MeanSquaredError => LabelKind.Numbers,
        _ => throw new ArgumentOutOfRangeException(nameof(loss)),
    };
}
