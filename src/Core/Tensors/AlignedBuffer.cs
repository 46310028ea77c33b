using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Tensors;

/// <summary>A zeroed run of floats whose first element lies on a 64-byte boundary (a cache line, and the widest vector).</summary>
/// <remarks>The memory is a pinned managed array: it lives as long as anyone can still read it, so a worker that is late can
/// never touch freed memory.</remarks>
public sealed class AlignedBuffer
{
    /// <summary>The alignment, in floats.</summary>
    public const int AlignmentFloats = 16;

    private readonly float[] storage;
    private readonly int offset;

    /// <summary>Allocates <paramref name="length"/> floats, all +0.</summary>
    /// <param name="length">The number of floats; 0 is allowed.</param>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        storage = GC.AllocateArray<float>(length + AlignmentFloats, pinned: true);
        nuint address;
        unsafe
        {
            address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(storage));
        }

        nuint bytes = AlignmentFloats * sizeof(float);
        offset = (int)((((address + bytes - 1) / bytes * bytes) - address) / sizeof(float));
        Length = length;
    }

    /// <summary>The number of floats.</summary>
    public int Length { get; }

    /// <summary>All floats.</summary>
    public Span<float> Span => storage.AsSpan(offset, Length);

    /// <summary>All floats, as memory that can be kept.</summary>
    public Memory<float> Memory => storage.AsMemory(offset, Length);
}
