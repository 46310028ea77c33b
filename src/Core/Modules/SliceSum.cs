using System.Numerics;
using DistNet.Kernels;

namespace DistNet.Modules;

/// <summary>What one sample adds to a parameter's gradient.</summary>
public interface ISampleTerm
{
    /// <summary>Adds one sample's term to the floats [from, to) of the gradient.</summary>
    /// <param name="row">The sample's row.</param>
    /// <param name="from">The first float of the gradient.</param>
    /// <param name="sum">The sum to add to: its index 0 is the gradient's float <paramref name="from"/>.</param>
    void AddTo(int row, int from, Span<float> sum);
}

/// <summary>The canonical sum over samples, for modules of your own: a chain by sample inside each slice, from +0, then the binary tree over slices.</summary>
/// <remarks>The tree is built as a binary counter counts: after slice s, as many pending sums are combined as s + 1 has trailing zeros, so that a slice's sum and
/// at most one sum per level are held.</remarks>
public static class SliceSum
{
    /// <summary>The floats of scratch for <see cref="Run"/>.</summary>
    /// <param name="length">The most floats of the gradient in one call.</param>
    /// <param name="slices">The most slices.</param>
    public static int Scratch(int length, int slices) => length * (BitOperations.Log2((uint)Math.Max(slices, 1)) + 2);

    /// <summary>Sums the terms of all samples into the floats [from, to) of the gradient.</summary>
    /// <param name="slices">The rows of each slice.</param>
    /// <param name="term">What one sample adds.</param>
    /// <param name="gradient">The whole gradient.</param>
    /// <param name="from">The first float.</param>
    /// <param name="to">The float after the last.</param>
    /// <param name="scratch">At least <see cref="Scratch"/> floats.</param>
    public static void Run<TTerm>(ReadOnlySpan<SliceRows> slices, scoped ref TTerm term, Span<float> gradient, int from, int to, Span<float> scratch)
        where TTerm : struct, ISampleTerm, allows ref struct
    {
        int length = to - from;
        int pending = 0;
        for (int slice = 0; slice < slices.Length; slice++)
        {
            Span<float> sum = scratch.Slice(pending * length, length);
            sum.Clear();
            for (int row = slices[slice].First; row < slices[slice].First + slices[slice].Count; row++)
            {
                term.AddTo(row, from, sum);
            }

            pending++;
            for (int merges = BitOperations.TrailingZeroCount(slice + 1); merges > 0; merges--)
            {
                Combine(scratch, --pending, length);
            }
        }

        while (pending > 1)
        {
            Combine(scratch, --pending, length);
        }

        scratch[..length].CopyTo(gradient[from..to]);
    }

    // pending[right − 1] += pending[right]
    private static void Combine(Span<float> scratch, int right, int length)
    {
        Span<float> left = scratch.Slice((right - 1) * length, length);
        ReadOnlySpan<float> other = scratch.Slice(right * length, length);
        for (int i = 0; i < left.Length; i++)
        {
            left[i] += other[i];
        }
    }
}
