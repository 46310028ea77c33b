using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>A file, or a part of one, that is an array of numbers: IDX or npy.</summary>
/// <param name="header">What its header says.</param>
/// <param name="elements">Its elements; null where they are left in the file, to be mapped: bytes, or floats as this machine has them.</param>
internal abstract class NumberArray(ArrayHeader header, byte[]? elements)
{
    /// <summary>The array for messages, in quotes: <c>'FILE'</c>.</summary>
    public string Shown => $"'{header.Name}'";

    /// <summary>The array for messages, as the subject of a sentence: <c>The IDX file 'FILE'</c>.</summary>
    public string Subject => header.Subject;

    /// <summary>The dimensions, the number of samples first; none for a single number.</summary>
    public ImmutableArray<int> Dimensions => header.Dimensions;

    /// <summary>Whether the elements are whole numbers.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>The element type in words.</summary>
    public abstract string TypeWords { get; }

    /// <summary>The number of samples.</summary>
    public int Count => Dimensions[0];

    /// <summary>Whether the elements are unsigned bytes.</summary>
    protected abstract bool IsBytes { get; }

    /// <summary>An element of an array of whole numbers.</summary>
    public long WholeNumber(int index) => WholeNumber(elements.AsSpan(index * header.ElementBytes, header.ElementBytes));

    /// <summary>Where an element stands, for messages: <c>byte 16</c>.</summary>
    public string PlaceOf(int index) => $"byte {DataFile.Shown(header.Bytes + ((long)index * header.ElementBytes))}";

    /// <summary>All elements as floats.</summary>
    /// <exception cref="DistNetException">An element is not finite as a float.</exception>
    public float[] ToFloats()
    {
        ReadOnlySpan<byte> bytes = elements;
        int width = header.ElementBytes;
        float[] values = new float[bytes.Length / width];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * width, width);
            values[i] = IsWhole ? WholeNumber(element) : Float(element);
            if (!float.IsFinite(values[i]))
            {
                throw NotFinite(values[i], i);
            }
        }

        return values;
    }

    /// <summary>The array as the inputs of a dataset.</summary>
    /// <exception cref="DistNetException">An element is not finite as a float.</exception>
    public Dataset ToDataset(Shape inputShape, SampleLabels labels) =>
        elements is null ? MappedDataset.Open(header.Name, header.Bytes, areFloats: !IsBytes, inputShape, Count, labels, NotFinite)
        : IsBytes ? new ByteDataset(inputShape, elements, labels)
        : new FloatDataset(inputShape, ToFloats(), labels);

    /// <summary>A whole number of the array's type.</summary>
    protected abstract long WholeNumber(ReadOnlySpan<byte> element);

    /// <summary>A floating-point number of the array's type, rounded to a float.</summary>
    protected abstract float Float(ReadOnlySpan<byte> element);

    private DistNetException NotFinite(float value, long index)
    {
        long perSample = Dimensions.Skip(1).Aggregate(1L, (product, dimension) => product * dimension);
        return DistNetException.BadInput(
            $"{Subject} has the value {DataFile.ShownNumber(value)} in sample {DataFile.Shown(index / perSample)} (element {DataFile.Shown(index % perSample)}, {PlaceOf((int)Math.Min(index, int.MaxValue))}); expected finite numbers in the range of a 32-bit float.");
    }
}
