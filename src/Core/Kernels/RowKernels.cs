using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>Functions of whole rows. A sum along a row uses 16 virtual lanes whatever the hardware's width: element i goes to lane i mod 16, in order from
/// +0, and the lanes are combined as lane l + lane l + 8, then + 4, + 2, + 1. A row's maximum does not depend on the order (a maximum of −0 counts as +0).
/// Stable for logits of any size: only differences from the row's maximum are exponentiated.</summary>
public static class RowKernels
{
    private const int Lanes = MapKernels.Lanes;

    /// <summary>y = e^(x − m) ÷ Σ e^(x − m) in each row, m being the row's maximum.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, columns].</param>
    /// <param name="columns">At least 1.</param>
    /// <param name="y">[rows, columns]; may be <paramref name="x"/>.</param>
    public static void SoftMax(VectorUnit unit, ReadOnlySpan<float> x, int columns, Span<float> y)
    {
        CheckRows(x.Length, columns, y.Length);
        if (columns <= NarrowRows.MostColumns)
        {
            NarrowRows<NarrowRowFunctions.SoftMax> narrow = new() { A = x, Y = y, Columns = columns };
            unit.Run(ref narrow);
            return;
        }

        RowsKernel<SoftMaxRow> kernel = new() { A = x, Y = y, Columns = columns };
        unit.Run(ref kernel);
    }

    /// <summary>dx = y · (dy − Σ y · dy) in each row, y being the output; the sum is a chain of FMA per lane.</summary>
    public static void SoftMaxBackward(VectorUnit unit, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int columns, Span<float> dx)
    {
        CheckRows(y.Length, columns, dx.Length);
        Invariant.Holds(dy.Length == y.Length);
        if (columns <= NarrowRows.MostColumns)
        {
            NarrowRows<NarrowRowFunctions.SoftMaxBackward> narrow = new() { A = y, B = dy, Y = dx, Columns = columns };
            unit.Run(ref narrow);
            return;
        }

        RowsKernel<SoftMaxBackwardRow> kernel = new() { A = y, B = dy, Y = dx, Columns = columns };
        unit.Run(ref kernel);
    }

    /// <summary>y = (x − m) − ln Σ e^(x − m) in each row, m being the row's maximum.</summary>
    public static void LogSoftMax(VectorUnit unit, ReadOnlySpan<float> x, int columns, Span<float> y)
    {
        CheckRows(x.Length, columns, y.Length);
        if (columns <= NarrowRows.MostColumns)
        {
            NarrowRows<NarrowRowFunctions.LogSoftMax> narrow = new() { A = x, Y = y, Columns = columns };
            unit.Run(ref narrow);
            return;
        }

        RowsKernel<LogSoftMaxRow> kernel = new() { A = x, Y = y, Columns = columns };
        unit.Run(ref kernel);
    }

    /// <summary>dx = dy − e^y · Σ dy in each row, rounded once after e^y and Σ, y being the output.</summary>
    public static void LogSoftMaxBackward(VectorUnit unit, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int columns, Span<float> dx)
    {
        CheckRows(y.Length, columns, dx.Length);
        Invariant.Holds(dy.Length == y.Length);
        if (columns <= NarrowRows.MostColumns)
        {
            NarrowRows<NarrowRowFunctions.LogSoftMaxBackward> narrow = new() { A = y, B = dy, Y = dx, Columns = columns };
            unit.Run(ref narrow);
            return;
        }

        RowsKernel<LogSoftMaxBackwardRow> kernel = new() { A = y, B = dy, Y = dx, Columns = columns };
        unit.Run(ref kernel);
    }

    /// <summary>Cross-entropy on the log-softmax of logits, fused: losses[r] = (ln Σ e^(x − m)) − (x[label] − m), unweighted, and the gradient of the
    /// weighted loss, weight · (softmax(x) − onehot(label)).</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="logits">[rows, columns].</param>
    /// <param name="columns">The number of classes, at least 1.</param>
    /// <param name="labels">[rows], each below <paramref name="columns"/>.</param>
    /// <param name="weights">[rows], or empty where all weigh 1.</param>
    /// <param name="losses">[rows].</param>
    /// <param name="gradient">[rows, columns]; may be <paramref name="logits"/>, or empty where it is not wanted.</param>
    public static void CrossEntropy(
        VectorUnit unit, ReadOnlySpan<float> logits, int columns, ReadOnlySpan<int> labels, ReadOnlySpan<float> weights, Span<float> losses, Span<float> gradient)
    {
        CheckRows(logits.Length, columns, gradient.IsEmpty ? logits.Length : gradient.Length);
        int rows = logits.Length / columns;
        Invariant.Holds(labels.Length == rows && losses.Length == rows && (weights.IsEmpty || weights.Length == rows));
        if (columns <= NarrowRows.MostColumns)
        {
            NarrowRowFunctions.CrossEntropy row = new() { Labels = labels, Weights = weights, Losses = losses, WithGradient = !gradient.IsEmpty };
            NarrowRows<NarrowRowFunctions.CrossEntropy> narrow = new() { Row = row, A = logits, Y = gradient, Columns = columns };
            unit.Run(ref narrow);
            return;
        }

        CrossEntropyKernel kernel = new() { Logits = logits, Columns = columns, Labels = labels, Weights = weights, Losses = losses, Gradient = gradient };
        unit.Run(ref kernel);
    }

    /// <summary>The index of a row's largest element, the first of several; NaN never wins.</summary>
    public static int ArgMax(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int index = 1; index < row.Length; index++)
        {
            if (row[index] > row[best])
            {
                best = index;
            }
        }

        return best;
    }

    private static void CheckRows(int length, int columns, int outputLength) =>
        Invariant.Holds(columns > 0 && length % columns == 0 && outputLength == length);

    private interface IRow
    {
        // A and Y are one row; scratch is 2 · 16 floats.
        static abstract void Invoke<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>;
    }

    private ref struct RowsKernel<TRow> : IKernel
        where TRow : struct, IRow
    {
        public ReadOnlySpan<float> A;
        public ReadOnlySpan<float> B;
        public Span<float> Y;
        public int Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int start = 0; start < Y.Length; start += Columns)
            {
                TRow.Invoke<TVector, TOps>(A.Slice(start, Columns), B.IsEmpty ? B : B.Slice(start, Columns), Y.Slice(start, Columns));
            }
        }
    }

    private readonly struct SoftMaxRow : IRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Invoke<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            float sum = RowSums.Exponentials<TVector, TOps>(a, RowSums.Maximum<TVector, TOps>(a), y);
            MapRow<TVector, TOps, DivideBy>(new(sum), y, y);
        }
    }

    private readonly struct SoftMaxBackwardRow : IRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Invoke<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            float dot = RowSums.Dot<TVector, TOps>(a, b);
            MapRow<TVector, TOps, TimesDifference>(new(dot), a, b, y);
        }
    }

    private readonly struct LogSoftMaxRow : IRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Invoke<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            float maximum = RowSums.Maximum<TVector, TOps>(a);
            float sum = RowSums.Exponentials<TVector, TOps>(a, maximum, default);
            MapRow<TVector, TOps, MinusBoth>(new(maximum, CanonicalFunctions.Log(sum)), a, y);
        }
    }

    private readonly struct LogSoftMaxBackwardRow : IRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Invoke<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            float sum = RowSums.Sum<TVector, TOps>(b);
            MapRow<TVector, TOps, MinusExponential>(new(-sum), a, b, y);
        }
    }

    private ref struct CrossEntropyKernel : IKernel
    {
        public ReadOnlySpan<float> Logits;
        public int Columns;
        public ReadOnlySpan<int> Labels;
        public ReadOnlySpan<float> Weights;
        public Span<float> Losses;
        public Span<float> Gradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int row = 0; row < Labels.Length; row++)
            {
                ReadOnlySpan<float> x = Logits.Slice(row * Columns, Columns);
                Span<float> dx = Gradient.IsEmpty ? default : Gradient.Slice(row * Columns, Columns);
                int label = Labels[row];
                float maximum = RowSums.Maximum<TVector, TOps>(x);
                float ofLabel = x[label] - maximum;
                float sum = RowSums.Exponentials<TVector, TOps>(x, maximum, dx);
                Losses[row] = CanonicalFunctions.Log(sum) - ofLabel;
                if (!dx.IsEmpty)
                {
                    float weight = Weights.IsEmpty ? 1f : Weights[row];
                    MapRow<TVector, TOps, DivideBy>(new(sum), dx, dx);
                    dx[label] -= 1f;
                    if (!Weights.IsEmpty)
                    {
                        MapRow<TVector, TOps, Times>(new(weight), dx, dx);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MapRow<TVector, TOps, TMap>(TMap map, ReadOnlySpan<float> x, Span<float> y)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TMap : struct, IMap1
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        nuint length = (nuint)y.Length, width = (nuint)TOps.Count, index = 0;
        for (; index + width <= length; index += width)
        {
            TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in from, index)), ref to, index);
        }

        if (index < length)
        {
            LaneBuffer tail = default;
            x[(int)index..].CopyTo(tail);
            TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in tail[0], 0)), ref tail[0], 0);
            tail[..(int)(length - index)].CopyTo(y[(int)index..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MapRow<TVector, TOps, TMap>(TMap map, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TMap : struct, IMap2
    {
        ref float from = ref MemoryMarshal.GetReference(a);
        ref float other = ref MemoryMarshal.GetReference(b);
        ref float to = ref MemoryMarshal.GetReference(y);
        nuint length = (nuint)y.Length, width = (nuint)TOps.Count, index = 0;
        for (; index + width <= length; index += width)
        {
            TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in from, index), TOps.Load(in other, index)), ref to, index);
        }

        if (index < length)
        {
            LaneBuffer first = default, second = default;
            a[(int)index..].CopyTo(first);
            b[(int)index..].CopyTo(second);
            TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in first[0], 0), TOps.Load(in second[0], 0)), ref first[0], 0);
            first[..(int)(length - index)].CopyTo(y[(int)index..]);
        }
    }

    private readonly struct DivideBy(float sum) : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Divide(a, TOps.Broadcast(sum));
    }

    private readonly struct Times(float factor) : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(a, TOps.Broadcast(factor));
    }

    private readonly struct TimesDifference(float dot) : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector y, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(y, TOps.Subtract(dy, TOps.Broadcast(dot)));
    }

    private readonly struct MinusBoth(float maximum, float logarithm) : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Subtract(TOps.Subtract(x, TOps.Broadcast(maximum)), TOps.Broadcast(logarithm));
    }

    private readonly struct MinusExponential(float negativeSum) : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector y, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> =>
            TOps.FusedMultiplyAdd(VectorFunctions.Exp<TVector, TOps>(y), TOps.Broadcast(negativeSum), dy);
    }
}
