using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Samples in their source type, in memory or in a file that is mapped into it, with a class label or float targets each. Immutable; safe to read from any thread.</summary>
public abstract class Dataset
{
    /// <summary>The number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>The shape of one sample's input: [features], [height, width] or [channels, height, width].</summary>
    public abstract Shape InputShape { get; }

    /// <summary>The class names, in the order of their indexes; empty for a regression.</summary>
    public abstract ImmutableArray<string> ClassNames { get; }

    /// <summary>The class index of every sample; empty for a regression.</summary>
    public abstract ReadOnlySpan<int> Labels { get; }

    /// <summary>The targets, [Count, TargetWidth] row-major; empty for a classification.</summary>
    public abstract ReadOnlySpan<float> Targets { get; }

    /// <summary>The number of targets of one sample; 0 for a classification.</summary>
    public abstract int TargetWidth { get; }

    /// <summary>SHA-256 of the content (inputs in source type, labels or targets, shape, class names), in lower-case hexadecimal.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>Copies the inputs of samples, not normalised, as floats.</summary>
    /// <param name="samples">The samples' indexes.</param>
    /// <param name="destination">[samples.Length, InputShape.Length], row-major.</param>
    public abstract void CopyInputs(ReadOnlySpan<int> samples, Span<float> destination);
}
