using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistNet.Data;

/// <summary>Sums over the samples of a split, per feature, in double by the canonical tree. Vectors split features, never a sum.</summary>
/// <param name="split">The samples.</param>
internal sealed class FeatureSums(DataSplit split)
{
    private readonly int features = split.Data.InputShape.Length;

    /// <summary>Σx of every feature.</summary>
    public double[] Sums() => Tree(null);

    /// <summary>Σ(x − m)² of every feature.</summary>
    /// <param name="means">m of every feature.</param>
    public double[] SquaredDeviations(double[] means) => Tree(means);

    // The tree as a binary counter: pending[l] is a full node of level l waiting for its right neighbour.
    private double[] Tree(double[]? means)
    {
        ReadOnlySpan<int> samples = split.Samples.Span;
        float[] row = new float[features];
        List<double[]?> pending = [];
        Stack<double[]> spare = [];
        for (int first = 0; first < samples.Length; first += NormalizationStatistics.LeafSamples)
        {
            ReadOnlySpan<int> leaf = samples.Slice(first, Math.Min(NormalizationStatistics.LeafSamples, samples.Length - first));
            if (!spare.TryPop(out double[]? node))
            {
                node = new double[features];
            }

            Array.Clear(node);
            for (int i = 0; i < leaf.Length; i++)
            {
                split.Data.CopyInputs(leaf.Slice(i, 1), row);
                Accumulate(row, means, node);
            }

            int level = 0;
            for (; level < pending.Count && pending[level] is { } left; level++)
            {
                AddTo(left, node);
                spare.Push(left);
                pending[level] = null;
            }

            if (level == pending.Count)
            {
                pending.Add(null);
            }

            pending[level] = node;
        }

        double[]? result = null;
        foreach (double[]? left in pending)
        {
            if (left is not null && result is not null)
            {
                AddTo(left, result);
            }

            result ??= left;
        }

        return result!;
    }

    private static void Accumulate(ReadOnlySpan<float> row, ReadOnlySpan<double> means, Span<double> sums)
    {
        ref float x = ref MemoryMarshal.GetReference(row);
        ref double m = ref MemoryMarshal.GetReference(means);
        ref double s = ref MemoryMarshal.GetReference(sums);
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= row.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)i));
                int next = i + Vector256<double>.Count;
                if (!means.IsEmpty)
                {
                    lower -= Vector256.LoadUnsafe(ref m, (nuint)i);
                    upper -= Vector256.LoadUnsafe(ref m, (nuint)next);
                    lower *= lower;
                    upper *= upper;
                }

                (Vector256.LoadUnsafe(ref s, (nuint)i) + lower).StoreUnsafe(ref s, (nuint)i);
                (Vector256.LoadUnsafe(ref s, (nuint)next) + upper).StoreUnsafe(ref s, (nuint)next);
            }
        }

        for (; i < row.Length; i++)
        {
            double value = row[i];
            if (!means.IsEmpty)
            {
                value -= means[i];
                value *= value;
            }

            sums[i] += value;
        }
    }

    private static void AddTo(ReadOnlySpan<double> left, Span<double> right)
    {
        for (int i = 0; i < right.Length; i++)
        {
            right[i] = left[i] + right[i];
        }
    }
}
