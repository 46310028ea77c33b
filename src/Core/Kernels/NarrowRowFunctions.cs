using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The functions of <see cref="RowKernels"/> for rows side by side: the same operations on each element.</summary>
internal static class NarrowRowFunctions
{
    internal readonly struct SoftMax : INarrowRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            NarrowRows.Exponentials<TVector, TOps>(ref a, columns, NarrowRows.Maximum<TVector, TOps>(ref a, columns), ref a);
            Divide<TVector, TOps>(ref a, columns, NarrowRows.Sum<TVector, TOps>(ref a, columns, ref lanes));
        }
    }

    internal readonly struct SoftMaxBackward : INarrowRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector dot = NarrowRows.Dot<TVector, TOps>(ref a, ref b, columns, ref lanes);
            nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
            for (nuint index = 0; index < end; index += width)
            {
                TOps.Store(TOps.Multiply(TOps.Load(in a, index), TOps.Subtract(TOps.Load(in b, index), dot)), ref a, index);
            }
        }
    }

    internal readonly struct LogSoftMax : INarrowRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector maximum = NarrowRows.Maximum<TVector, TOps>(ref a, columns);
            NarrowRows.Exponentials<TVector, TOps>(ref a, columns, maximum, ref b);
            TVector logarithm = VectorFunctions.Log<TVector, TOps>(NarrowRows.Sum<TVector, TOps>(ref b, columns, ref lanes));
            nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
            for (nuint index = 0; index < end; index += width)
            {
                TOps.Store(TOps.Subtract(TOps.Subtract(TOps.Load(in a, index), maximum), logarithm), ref a, index);
            }
        }
    }

    internal readonly struct LogSoftMaxBackward : INarrowRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector negativeSum = TOps.Xor(NarrowRows.Sum<TVector, TOps>(ref b, columns, ref lanes), TOps.Broadcast(-0f));
            nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
            for (nuint index = 0; index < end; index += width)
            {
                TOps.Store(TOps.FusedMultiplyAdd(VectorFunctions.Exp<TVector, TOps>(TOps.Load(in a, index)), negativeSum, TOps.Load(in b, index)), ref a, index);
            }
        }
    }

    internal ref struct CrossEntropy : INarrowRow
    {
        public ReadOnlySpan<int> Labels;
        public ReadOnlySpan<float> Weights;
        public Span<float> Losses;
        public bool WithGradient;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            LaneBuffer maxima, logarithms, weights = default;
            Unsafe.SkipInit(out maxima);
            Unsafe.SkipInit(out logarithms);
            TVector maximum = NarrowRows.Maximum<TVector, TOps>(ref a, columns);
            NarrowRows.Exponentials<TVector, TOps>(ref a, columns, maximum, ref b);
            TVector sum = NarrowRows.Sum<TVector, TOps>(ref b, columns, ref lanes);
            TOps.Store(maximum, ref maxima[0], 0);
            TOps.Store(VectorFunctions.Log<TVector, TOps>(sum), ref logarithms[0], 0);
            ReadOnlySpan<int> labels = Labels.Slice(first, count);
            Span<float> losses = Losses.Slice(first, count);
            for (int row = 0; row < labels.Length; row++)
            {
                losses[row] = logarithms[row] - (Unsafe.Add(ref a, (labels[row] * TOps.Count) + row) - maxima[row]);
            }

            if (!WithGradient)
            {
                return;
            }

            Divide<TVector, TOps>(ref b, columns, sum);
            for (int row = 0; row < labels.Length; row++)
            {
                Unsafe.Add(ref b, (labels[row] * TOps.Count) + row) -= 1f;
            }

            bool weighted = !Weights.IsEmpty;
            if (weighted)
            {
                Weights.Slice(first, count).CopyTo(weights);
            }

            TVector weight = TOps.Load(in weights[0], 0);
            nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
            for (nuint index = 0; index < end; index += width)
            {
                TVector gradient = TOps.Load(in b, index);
                TOps.Store(weighted ? TOps.Multiply(gradient, weight) : gradient, ref a, index);
            }
        }
    }

    // a ← a ÷ sum
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Divide<TVector, TOps>(ref float a, int columns, TVector sum)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
        for (nuint index = 0; index < end; index += width)
        {
            TOps.Store(TOps.Divide(TOps.Load(in a, index), sum), ref a, index);
        }
    }
}
