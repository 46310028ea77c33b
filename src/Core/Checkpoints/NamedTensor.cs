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
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<float> values)
    {
        Invariant.Holds(BitConverter.IsLittleEndian);
        return MemoryMarshal.AsBytes(values);
    }

    public static Span<byte> Of(Span<float> values)
    {
        Invariant.Holds(BitConverter.IsLittleEndian);
        return MemoryMarshal.AsBytes(values);
    }
}
