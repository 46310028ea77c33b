using System.Runtime.InteropServices;
using DistNet.Tensors;

namespace DistNet.Checkpoints;

/// <summary>A tensor with its name, as files hold it.</summary>
/// <param name="Name">The name, <c>fc1.weight</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Values">Its elements, row-major.</param>
public sealed record NamedTensor(string Name, Shape Shape, ReadOnlyMemory<float> Values);

/// <summary>A whole number with its name: in files of tensors one without dimensions.</summary>
/// <param name="Name">The name, <c>bn1.num_batches_tracked</c>.</param>
/// <param name="Value">The number.</param>
public sealed record NamedNumber(string Name, long Value);

/// <summary>Floats as the little-endian bytes that files and digests are made of.</summary>
internal static class FloatBytes
{
    // A span holds no more bytes than 2 GiB less one, and floats may be four times as many.
    private const int MostFloats = 1 << 28;

    public static ReadOnlySpan<byte> Of(ReadOnlySpan<float> values)
    {
        Invariant.Holds(BitConverter.IsLittleEndian);
        return MemoryMarshal.AsBytes(values);
    }

    /// <summary>Writes floats, some at a time.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="values">The floats, of any number.</param>
    /// <param name="most">How many at a time.</param>
    public static void Write(Stream stream, ReadOnlySpan<float> values, int most = MostFloats)
    {
        for (; !values.IsEmpty; values = values[Math.Min(most, values.Length)..])
        {
            stream.Write(Of(values[..Math.Min(most, values.Length)]));
        }
    }

    /// <summary>Reads floats, some at a time.</summary>
    /// <param name="stream">Where from.</param>
    /// <param name="values">Where to.</param>
    /// <param name="most">How many at a time.</param>
    /// <exception cref="EndOfStreamException">The stream ends before.</exception>
    public static void Read(Stream stream, Span<float> values, int most = MostFloats)
    {
        Invariant.Holds(BitConverter.IsLittleEndian);
        for (; !values.IsEmpty; values = values[Math.Min(most, values.Length)..])
        {
            stream.ReadExactly(MemoryMarshal.AsBytes(values[..Math.Min(most, values.Length)]));
        }
    }
}
