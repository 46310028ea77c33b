using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>What happens to a block of the gradient at the root, before the update rule: sums of nodes, the division, the penalties, the sum of squares.</summary>
/// <remarks>All are element by element but <see cref="SquareSum"/>, which has a fixed order of its own. Lengths are multiples of 16.</remarks>
internal static class GradientKernels
{
    /// <summary>sum[i] = left[i] + right[i]; sum may be left.</summary>
    public static void Add(VectorUnit unit, ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> sum)
    {
        Invariant.Holds(sum.Length % 16 == 0 && left.Length == sum.Length && right.Length == sum.Length);
        AddKernel kernel = new() { Left = left, Right = right, Sum = sum };
        unit.Run(ref kernel);
    }

    /// <summary>quotient[i] = sum[i] ÷ divisor; quotient may be sum.</summary>
    public static void Divide(VectorUnit unit, ReadOnlySpan<float> sum, float divisor, Span<float> quotient)
    {
        Invariant.Holds(sum.Length % 16 == 0 && quotient.Length == sum.Length);
        if (divisor == 1 && sum.Overlaps(quotient, out int offset) && offset == 0)
        {
            return;
        }

        // The product with the reciprocal of a power of two is the same number rounded once, so the same bits, and several times faster.
        bool exact = float.IsPow2(divisor) && float.IsNormal(1 / divisor);
        DivideKernel kernel = new() { Sum = sum, Quotient = quotient, Divisor = divisor, Exact = exact };
        unit.Run(ref kernel);
    }

    /// <summary>gradient[i] = fma(2·α₂, w[i], gradient[i]), then gradient[i] + α₁·sign(w[i]) with sign(0) = 0.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="parameters">The parameters w.</param>
    /// <param name="l2Twice">2·α₂; 0 leaves the step out.</param>
    /// <param name="l1">α₁; 0 leaves the step out.</param>
    /// <param name="gradient">The gradient; updated.</param>
    public static void AddPenalties(VectorUnit unit, ReadOnlySpan<float> parameters, float l2Twice, float l1, Span<float> gradient)
    {
        Invariant.Holds(gradient.Length % 16 == 0 && parameters.Length == gradient.Length);
        PenaltyKernel kernel = new() { Parameters = parameters, Gradient = gradient, L2Twice = l2Twice, L1 = l1 };
        unit.Run(ref kernel);
    }

    /// <summary>Σ x[i]² in double; NaN or infinite exactly where an element is.</summary>
    /// <remarks>Element i goes to lane i mod 16, in order; lanes combine as ((l + 8), (l + 4), (l + 2), (l + 1)). A float's square is exact in double, so that a
    /// fused and a separate addition give the same bits, and no sum of squares of finite floats overflows.</remarks>
    public static double SquareSum(VectorUnit unit, ReadOnlySpan<float> values)
    {
        Span<double> lanes = stackalloc double[16];
        lanes.Clear();
        int whole = values.Length & ~15;
        if (unit.Width >= VectorWidth.Bits256)
        {
            SquareLanes(values[..whole], lanes);
        }
        else
        {
            SquareLanesOneByOne(values[..whole], lanes);
        }

        SquareLanesOneByOne(values[whole..], lanes);
        for (int half = 8; half >= 1; half /= 2)
        {
            for (int lane = 0; lane < half; lane++)
            {
                lanes[lane] += lanes[lane + half];
            }
        }

        return lanes[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SquareLanes(ReadOnlySpan<float> values, Span<double> lanes)
    {
        ref float origin = ref MemoryMarshal.GetReference(values);
        Vector256<double> sum0 = default;
        Vector256<double> sum1 = default;
        Vector256<double> sum2 = default;
        Vector256<double> sum3 = default;
        for (nuint i = 0; i < (nuint)values.Length; i += 16)
        {
            Vector256<float> low = Vector256.LoadUnsafe(ref origin, i);
            Vector256<float> high = Vector256.LoadUnsafe(ref origin, i + 8);
            (Vector256<double> value0, Vector256<double> value1) = Vector256.Widen(low);
            (Vector256<double> value2, Vector256<double> value3) = Vector256.Widen(high);
            sum0 += value0 * value0;
            sum1 += value1 * value1;
            sum2 += value2 * value2;
            sum3 += value3 * value3;
        }

        sum0.CopyTo(lanes);
        sum1.CopyTo(lanes[4..]);
        sum2.CopyTo(lanes[8..]);
        sum3.CopyTo(lanes[12..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SquareLanesOneByOne(ReadOnlySpan<float> values, Span<double> lanes)
    {
        for (int i = 0; i < values.Length; i++)
        {
            lanes[i & 15] += (double)values[i] * values[i];
        }
    }

    private ref struct AddKernel : IKernel
    {
        public ReadOnlySpan<float> Left;
        public ReadOnlySpan<float> Right;
        public Span<float> Sum;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float left = ref MemoryMarshal.GetReference(Left);
            ref float right = ref MemoryMarshal.GetReference(Right);
            ref float sum = ref MemoryMarshal.GetReference(Sum);
            for (nuint i = 0; i < (nuint)Sum.Length; i += (nuint)TOps.Count)
            {
                TOps.Store(TOps.Add(TOps.Load(ref left, i), TOps.Load(ref right, i)), ref sum, i);
            }
        }
    }

    private ref struct DivideKernel : IKernel
    {
        public ReadOnlySpan<float> Sum;
        public Span<float> Quotient;
        public float Divisor;
        public bool Exact;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float sum = ref MemoryMarshal.GetReference(Sum);
            ref float quotient = ref MemoryMarshal.GetReference(Quotient);
            TVector scalar = TOps.Broadcast(Exact ? 1 / Divisor : Divisor);
            if (Exact)
            {
                for (nuint i = 0; i < (nuint)Sum.Length; i += (nuint)TOps.Count)
                {
                    TOps.Store(TOps.Multiply(TOps.Load(ref sum, i), scalar), ref quotient, i);
                }
            }
            else
            {
                for (nuint i = 0; i < (nuint)Sum.Length; i += (nuint)TOps.Count)
                {
                    TOps.Store(TOps.Divide(TOps.Load(ref sum, i), scalar), ref quotient, i);
                }
            }
        }
    }

    private ref struct PenaltyKernel : IKernel
    {
        public ReadOnlySpan<float> Parameters;
        public Span<float> Gradient;
        public float L2Twice;
        public float L1;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float parameters = ref MemoryMarshal.GetReference(Parameters);
            ref float gradients = ref MemoryMarshal.GetReference(Gradient);
            TVector l2Twice = TOps.Broadcast(L2Twice);
            TVector l1 = TOps.Broadcast(L1);
            TVector minusL1 = TOps.Broadcast(-L1);
            for (nuint i = 0; i < (nuint)Gradient.Length; i += (nuint)TOps.Count)
            {
                TVector parameter = TOps.Load(ref parameters, i);
                TVector gradient = TOps.Load(ref gradients, i);
                if (L2Twice != 0)
                {
                    gradient = TOps.FusedMultiplyAdd(l2Twice, parameter, gradient);
                }

                if (L1 != 0)
                {
                    TVector negative = TOps.And(TOps.LessThan(parameter, TOps.Zero), minusL1);
                    TVector positive = TOps.And(TOps.GreaterThan(parameter, TOps.Zero), l1);
                    gradient = TOps.Add(gradient, TOps.Or(negative, positive));
                }

                TOps.Store(gradient, ref gradients, i);
            }
        }
    }
}
