using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>What byte and float datasets have in common: shape, labels and a fingerprint computed when first asked for.</summary>
/// <typeparam name="T">The source type of an input value.</typeparam>
public abstract class InMemoryDataset<T> : Dataset
    where T : unmanaged
{
    private readonly T[] inputs;
    private readonly SampleLabels labels;
    private readonly Lazy<string> fingerprint;

    private protected InMemoryDataset(Shape inputShape, T[] inputs, SampleLabels labels)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNotEqual(inputs.Length % inputShape.Length, 0, nameof(inputs));
        Count = inputs.Length / inputShape.Length;
        labels.CheckCount(Count);
        InputShape = inputShape;
        this.inputs = inputs;
        this.labels = labels;
        fingerprint = new(() => DatasetFingerprint.Of(typeof(T).Name, hash => hash.AppendData(MemoryMarshal.AsBytes<T>(inputs)), Count, inputShape, labels));
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames => labels.ClassNames;

    /// <inheritdoc/>
    public override ReadOnlySpan<int> Labels => labels.Labels;

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Targets => labels.Targets;

    /// <inheritdoc/>
    public override int TargetWidth => labels.TargetWidth;

    /// <inheritdoc/>
    public override string Fingerprint => fingerprint.Value;

    /// <summary>All inputs in their source type, [Count, InputShape.Length] row-major.</summary>
    public ReadOnlySpan<T> Inputs => inputs;
}
