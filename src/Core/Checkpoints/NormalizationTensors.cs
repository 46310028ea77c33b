using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Checkpoints;

/// <summary>The normalisation of the inputs as tensors: <c>normalization.mean</c> and <c>normalization.deviation</c>.</summary>
internal static class NormalizationTensors
{
    private const string Mean = "normalization.mean";
    private const string Deviation = "normalization.deviation";

    /// <summary>The tensors of statistics; none where inputs are not normalised.</summary>
    public static ImmutableArray<NamedTensor> Of(NormalizationStatistics? statistics) => statistics is null
        ? []
        : [Tensor(Mean, statistics.Mean), Tensor(Deviation, statistics.Deviation)];

    /// <summary>Reads the statistics of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">What they are statistics of.</param>
    /// <exception cref="DistNetException">The file is not whole or lacks one of the tensors.</exception>
    public static NormalizationStatistics Read(string path, NormalizeMode mode)
    {
        ImmutableArray<NamedTensor> tensors = SafetensorsFile.Read(path);
        return new NormalizationStatistics(mode, Values(Mean), Values(Deviation));

        ImmutableArray<float> Values(string name) => tensors.FirstOrDefault(tensor => tensor.Name == name) is { } found
            ? [.. found.Values.Span]
            : throw DistNetException.BadInput($"The file '{path}' has no tensor '{name}'; expected one.");
    }

    private static NamedTensor Tensor(string name, ImmutableArray<float> values) => new(name, new Shape(values.Length), values.AsMemory());
}
