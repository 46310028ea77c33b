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

/// <summary>What one slice adds to a parameter's gradient, where a rule has summed its samples before.</summary>
public interface ISliceTerm
{
    /// <summary>Writes a slice's term of the floats [from, to) of the gradient.</summary>
    /// <param name="slice">Which of the slices.</param>
    /// <param name="from">The first float of the gradient.</param>
    /// <param name="term">Where to: +0 before; its index 0 is the gradient's float <paramref name="from"/>.</param>
    void Write(int slice, int from, Span<float> term);
}

/// <summary>The canonical sum over samples, for modules of your own: a chain by sample inside each slice, from +0, then the binary tree over slices.</summary>
/// <remarks>The tree is built as a binary counter counts: after slice s, as many pending sums are combined as s + 1 has trailing zeros, so that at most one sum per level is held, that of
/// the slice among them. No slices at all give +0.</remarks>
public static class SliceSum
{
    /// <summary>The floats of scratch for <see cref="Run"/>.</summary>
    /// <param name="length">The most floats of the gradient in one call.</param>
    /// <param name="slices">The most slices.</param>
    public static int Scratch(int length, int slices) => checked(length * MatrixProduct.Levels(slices));

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
        Tree tree = new(scratch, to - from);
        for (int slice = 0; slice < slices.Length; slice++)
        {
            Span<float> sum = tree.Next();
            for (int row = slices[slice].First; row < slices[slice].First + slices[slice].Count; row++)
            {
                term.AddTo(row, from, sum);
            }

            tree.Add(slice);
        }

        tree.Sum().CopyTo(gradient[from..to]);
    }

    /// <summary>Sums the terms of all slices into the floats [from, to) of the gradient, by the same tree.</summary>
    /// <param name="slices">How many slices there are.</param>
    /// <param name="term">What one slice adds.</param>
    /// <param name="gradient">The whole gradient.</param>
    /// <param name="from">The first float.</param>
    /// <param name="to">The float after the last.</param>
    /// <param name="scratch">At least <see cref="Scratch"/> floats.</param>
    public static void RunSlices<TTerm>(int slices, scoped ref TTerm term, Span<float> gradient, int from, int to, Span<float> scratch)
        where TTerm : struct, ISliceTerm, allows ref struct
    {
        Tree tree = new(scratch, to - from);
        for (int slice = 0; slice < slices; slice++)
        {
            term.Write(slice, from, tree.Next());
            tree.Add(slice);
        }

        tree.Sum().CopyTo(gradient[from..to]);
    }

    private ref struct Tree(Span<float> scratch, int length)
    {
        private readonly Span<float> scratch = scratch;
        private int pending;

        // Where the next slice's sum goes, +0.
        public readonly Span<float> Next()
        {
            Span<float> sum = scratch.Slice(pending * length, length);
            sum.Clear();
            return sum;
        }

        public void Add(int slice)
        {
            pending++;
            for (int merges = BitOperations.TrailingZeroCount(slice + 1); merges > 0; merges--)
            {
                Combine();
            }
        }

        public Span<float> Sum()
        {
            while (pending > 1)
            {
                Combine();
            }

            return pending == 0 ? Next() : scratch[..length];
        }

        // The last pending sum goes into the one before it.
        private void Combine()
        {
            pending--;
            Span<float> left = scratch.Slice((pending - 1) * length, length);
            ReadOnlySpan<float> right = scratch.Slice(pending * length, length);
            for (int i = 0; i < left.Length; i++)
            {
                left[i] += right[i];
            }
        }
    }
}
