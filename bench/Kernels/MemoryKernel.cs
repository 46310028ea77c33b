using DistNet.Tensors;

namespace DistNet.Kernels.Bench;

/// <summary>A kernel that is bound by memory, and what it has to move at the least: every input read once, every output written once.</summary>
/// <param name="Name">As it stands in the table.</param>
/// <param name="Reads">Floats read for each float of an array.</param>
/// <param name="Writes">Floats written for each float of an array.</param>
/// <param name="Arrays">The arrays it works on.</param>
/// <param name="Bind">The call, for given arrays of equal lengths.</param>
/// <param name="Columns">The lengths are multiples of it.</param>
public sealed record MemoryKernel(string Name, double Reads, double Writes, int Arrays, Func<KernelArrays, Action> Bind, int Columns = 16)
{
    /// <summary>The floats of each array.</summary>
    public int Length(ArraySize size)
    {
        int length = size == ArraySize.Memory ? KernelArrays.FloatsOfEach : KernelArrays.FloatsInSecondLevel / Arrays;
        return length / Columns * Columns;
    }

    /// <summary>The bytes that one call reads and writes at the least.</summary>
    public double Bytes(ArraySize size) => (Reads + Writes) * Length(size) * sizeof(float);

    /// <summary>As it stands in the table.</summary>
    public override string ToString() => Name;
}

/// <summary>Where the arrays of a kernel lie.</summary>
public enum ArraySize
{
    /// <summary>128 MiB each, at least four times any third-level cache met so far.</summary>
    Memory,

    /// <summary>256 KiB in all: beyond the first-level cache, well inside the second-level one.</summary>
    SecondLevelCache,
}

/// <summary>The arrays of one kernel, filled with values like a network's.</summary>
public sealed class KernelArrays
{
    internal const int FloatsOfEach = (128 << 20) / sizeof(float);
    internal const int FloatsInSecondLevel = (256 << 10) / sizeof(float);

    // Kept from kernel to kernel: the first touch of their pages takes longer than all measurements.
    private static readonly List<AlignedBuffer> Pool = [];
    private static readonly float[] Pattern = Values.Of(16_384);

    private readonly Memory<float>[] arrays;

    /// <summary>Takes and fills arrays.</summary>
    public KernelArrays(MemoryKernel kernel, ArraySize size)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Length = kernel.Length(size);
        arrays = [.. Enumerable.Range(0, kernel.Arrays).Select(index => size == ArraySize.Memory ? Pooled(index)[..Length] : new AlignedBuffer(Length).Memory)];
        for (int index = 0; index < arrays.Length; index++)
        {
            Fill(arrays[index].Span, index * 1021);
        }
    }

    /// <summary>How many there are.</summary>
    public int Count => arrays.Length;

    /// <summary>The floats of each.</summary>
    public int Length { get; }

    /// <summary>One array.</summary>
    public Memory<float> this[int index] => arrays[index];

    private static Memory<float> Pooled(int index)
    {
        while (Pool.Count <= index)
        {
            Pool.Add(new AlignedBuffer(FloatsOfEach));
        }

        return Pool[index].Memory;
    }

    private static void Fill(Span<float> array, int phase)
    {
        for (int start = 0; start < array.Length;)
        {
            ReadOnlySpan<float> part = Pattern.AsSpan(start == 0 ? phase : 0);
            part = part[..Math.Min(part.Length, array.Length - start)];
            part.CopyTo(array[start..]);
            start += part.Length;
        }
    }
}
