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
    /// <summary>Tables: what the training data decided about each column; empty where no column has a rule.</summary>
    public ImmutableArray<FeatureColumn> Columns { get; init; } = [];

    /// <summary>The number of a table's feature columns.</summary>
    internal int TableWidth => Columns.IsEmpty ? InputShape.Length : Columns.Length;

    /// <summary>The names of a table's feature columns; empty where they are not known.</summary>
    internal ImmutableArray<string> ColumnNames => Columns.IsEmpty ? FeatureNames : Columns[0].Name.Length == 0 ? [] : [.. Columns.Select(column => column.Name)];

    /// <summary>Tables: the names of the features, compared where both files have a header; empty where they are not known.</summary>
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
