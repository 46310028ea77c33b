using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Samples whose inputs are floats.</summary>
/// <param name="inputShape">The shape of one sample's input.</param>
/// <param name="inputs">[count, inputShape.Length] row-major, all finite; not copied.</param>
/// <param name="labels">What is to be learnt of each sample.</param>
public sealed class FloatDataset(Shape inputShape, float[] inputs, SampleLabels labels) : InMemoryDataset<float>(inputShape, inputs, labels)
{
    /// <inheritdoc/>
    public override void CopyInputs(ReadOnlySpan<int> samples, Span<float> destination)
    {
        int length = InputShape.Length;
        RowGather.Floats(VectorUnit.Widest, Inputs, length, samples, destination[..(samples.Length * length)]);
    }
}
