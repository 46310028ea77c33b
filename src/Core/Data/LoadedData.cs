using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>The samples of one split.</summary>
/// <param name="Data">Where they are.</param>
/// <param name="Samples">Their indexes in <paramref name="Data"/>, ascending.</param>
public sealed record DataSplit(Dataset Data, ReadOnlyMemory<int> Samples)
{
    /// <summary>All samples of a dataset.</summary>
    public static DataSplit All(Dataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(data, Enumerable.Range(0, data.Count).ToArray());
    }
}

/// <summary>The data of a run: read, checked, split.</summary>
public sealed record LoadedData
{
    /// <summary>What the parameters are trained on.</summary>
    public required DataSplit Train { get; init; }

    /// <summary>What decides schedules and stopping; null for none.</summary>
    public DataSplit? Validation { get; init; }

    /// <summary>What is looked at once, at the end; null for none.</summary>
    public DataSplit? Test { get; init; }

    /// <summary>Mean and deviation of the training split; null where inputs are not normalised.</summary>
    public NormalizationStatistics? Normalization { get; init; }

    /// <summary>The class names, in the order of their indexes; empty for a regression.</summary>
    public ImmutableArray<string> ClassNames => Train.Data.ClassNames;

    /// <summary>A table with a header: the names of the features; else empty.</summary>
    public ImmutableArray<string> FeatureNames { get; init; } = [];

    /// <summary>A table with rules for columns: what the training split decided about each column; else empty.</summary>
    public ImmutableArray<FeatureColumn> Columns { get; init; } = [];

    /// <summary>SHA-256 of the files' content (not of the split, but of what it decides about columns with rules), in lower-case hexadecimal; each data set computes its own once.</summary>
    public string Fingerprint => DatasetFingerprint.Of(Train.Data, Validation?.Data, Test?.Data, Columns);
}
