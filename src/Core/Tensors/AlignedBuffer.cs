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

    /// <summary>The most floats of one buffer.</summary>
    public static readonly int MaximumLength = Array.MaxLength - AlignmentFloats;

    private readonly float[] storage;
    private readonly int offset;

    /// <summary>Allocates <paramref name="length"/> floats, all +0.</summary>
    /// <param name="length">The number of floats; 0 is allowed, and at most <see cref="MaximumLength"/>.</param>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumLength);
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

    /// <summary>The length of a buffer for so many floats.</summary>
    /// <param name="floats">How many.</param>
    /// <param name="subject">What they are, as the sentence begins.</param>
    /// <param name="remedy">What to do where they are too many, as the sentence ends.</param>
    /// <exception cref="DistNetException">They are more than <see cref="MaximumLength"/>.</exception>
    internal static int LengthOf(long floats, string subject, string remedy) => floats <= MaximumLength
        ? (int)floats
        : throw DistNetException.BadInput($"{subject} would be {floats} floats, more than the {MaximumLength} that one buffer can hold; {remedy}.");
}
