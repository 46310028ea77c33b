using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>A file, or a part of one, that is an array of numbers: IDX or npy.</summary>
internal abstract class NumberArray
{
    /// <summary>The array for messages, in quotes: <c>'FILE'</c>.</summary>
    public abstract string Shown { get; }

    /// <summary>The array for messages, as the subject of a sentence: <c>The IDX file 'FILE'</c>.</summary>
    public abstract string Subject { get; }

    /// <summary>The dimensions, the number of samples first; at least one.</summary>
    public abstract ImmutableArray<int> Dimensions { get; }

    /// <summary>Whether the elements are whole numbers.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>The element type in words.</summary>
    public abstract string TypeWords { get; }

    /// <summary>The number of samples.</summary>
    public int Count => Dimensions[0];

    /// <summary>An element of an array of whole numbers.</summary>
    public abstract long WholeNumber(int index);

    /// <summary>Where an element stands, for messages: <c>byte 16</c>.</summary>
    public abstract string PlaceOf(int index);

    /// <summary>All elements as floats.</summary>
    /// <exception cref="DistNetException">An element is not finite as a float.</exception>
    public abstract float[] ToFloats();

    /// <summary>The array as the inputs of a dataset.</summary>
    /// <exception cref="DistNetException">An element is not finite as a float.</exception>
    public abstract Dataset ToDataset(Shape inputShape, SampleLabels labels);

    /// <summary>The sentence about an element that is not finite.</summary>
    protected DistNetException NotFinite(float value, long index)
    {
        long perSample = Dimensions.Skip(1).Aggregate(1L, (product, dimension) => product * dimension);
        return DistNetException.BadInput(
            $"{Subject} has the value {DataFile.ShownNumber(value)} in sample {DataFile.Shown(index / perSample)} (element {DataFile.Shown(index % perSample)}, {PlaceOf((int)Math.Min(index, int.MaxValue))}); expected finite numbers in the range of a 32-bit float.");
    }
}
