using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Samples whose inputs are bytes, a quarter of the memory of floats: images, and CSV files of small whole numbers.</summary>
/// <param name="inputShape">The shape of one sample's input.</param>
/// <param name="inputs">[count, inputShape.Length] row-major; not copied.</param>
/// <param name="labels">What is to be learnt of each sample.</param>
public sealed class ByteDataset(Shape inputShape, byte[] inputs, SampleLabels labels) : InMemoryDataset<byte>(inputShape, inputs, labels)
{
    /// <inheritdoc/>
    public override void CopyInputs(ReadOnlySpan<int> samples, Span<float> destination)
    {
        int length = InputShape.Length;
        RowGather.Bytes(VectorUnit.Widest, Inputs, length, samples, destination[..(samples.Length * length)]);
    }
}
