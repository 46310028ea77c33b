using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>What happens to a stretch of the gradient at the root, before the update rule: the last addition of the sum, the division, the penalties, the sum of squares or the
/// question whether all of it is finite.</summary>
internal static class GradientKernels
{
    private const int Lanes = MapKernels.Lanes;

    /// <summary>The gradient g of a stretch, its padding +0.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="left">The stretch's sum S, or the left half of it; whatever its padding holds is ignored.</param>
    /// <param name="right">The right half, S = left + right; empty where <paramref name="left"/> is all of it.</param>
    /// <param name="terms">What makes the gradient of the sum.</param>
    /// <param name="parameters">The parameters w.</param>
    /// <param name="length">The stretch's floats, padding excluded. Spans are as long as it with the padding, a multiple of 16.</param>
    /// <param name="gradient">Where g goes; may be left or right.</param>
    /// <param name="squared">Whether the sum of squares is asked for.</param>
    /// <returns>Σ g² in double, or where it is not asked for 0; NaN or infinite exactly where an element is, either way.</returns>
    /// <remarks>One pass: g = S ÷ divisor, then fma(2·α₂, w, g), then g + α₁·sign(w) with sign(0) = 0. Element i's square goes to lane i mod 16, in order; lanes combine as
    /// ((l + 8), (l + 4), (l + 2), (l + 1)). A float's square is exact in double, so that a fused and a separate addition give the same bits, and no sum of squares of finite floats
    /// overflows.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Root(
        VectorUnit unit, ReadOnlySpan<float> left, ReadOnlySpan<float> right, in RootTerms terms, ReadOnlySpan<float> parameters, int length, Span<float> gradient, bool squared)
    {
        Invariant.Holds(gradient.Length % Lanes == 0 && left.Length == gradient.Length && parameters.Length == gradient.Length);
        Invariant.Holds((right.IsEmpty || right.Length == gradient.Length) && length <= gradient.Length && length > gradient.Length - Lanes);
        Span<double> lanes = stackalloc double[Lanes];
        lanes.Clear();
        int whole = length / Lanes * Lanes;
        RootKernel kernel = new()
        {
            Left = left[..whole],
            Right = right.IsEmpty ? right : right[..whole],
            Parameters = parameters[..whole],
            Gradient = gradient[..whole],
            Terms = terms,
            Squared = squared,
            Sums = lanes,
        };
        unit.Run(ref kernel);
        if (whole < length)
        {
            // A short last line with zeros for its padding: their squares change no lane.
            Span<float> lines = stackalloc float[3 * Lanes];
            lines.Clear();
            Span<float> line = lines[..Lanes], other = lines.Slice(Lanes, Lanes), parameter = lines[(2 * Lanes)..];
            left[whole..length].CopyTo(line);
            parameters[whole..length].CopyTo(parameter);
            if (!right.IsEmpty)
            {
                right[whole..length].CopyTo(other);
            }

            kernel.Left = kernel.Gradient = line;
            kernel.Right = right.IsEmpty ? default : other;
            kernel.Parameters = parameter;
            unit.Run(ref kernel);
            line.CopyTo(gradient[whole..]);
        }

        for (int half = Lanes / 2; half >= 1; half /= 2)
        {
            for (int lane = 0; lane < half; lane++)
            {
                lanes[lane] += lanes[lane + half];
            }
        }

        return lanes[0];
    }

    /// <summary>Whether all values are finite.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="values">The values; as many as a multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool AreFinite(VectorUnit unit, ReadOnlySpan<float> values)
    {
        Span<float> differences = stackalloc float[Lanes];
        FiniteKernel kernel = new() { Values = values, Differences = differences };
        unit.Run(ref kernel);
        return !differences.ContainsAnyExcept(0);
    }

    // A question about a whole block, answered by a type, so that the JIT knows.
    private interface IAnswer
    {
        static abstract bool IsYes { get; }
    }

    private readonly struct Yes : IAnswer
    {
        public static bool IsYes => true;
    }

    private readonly struct No : IAnswer
    {
        public static bool IsYes => false;
    }

    private ref struct RootKernel : IKernel
    {
        public ReadOnlySpan<float> Left;
        public ReadOnlySpan<float> Right;
        public ReadOnlySpan<float> Parameters;
        public Span<float> Gradient;
        public RootTerms Terms;
        public bool Squared;
        public Span<double> Sums;

        // What a step does not have is left out of the loop, where it would cost a jump for each vector.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            if (Right.IsEmpty)
            {
                Divide<TVector, TOps, No>();
            }
            else
            {
                Divide<TVector, TOps, Yes>();
            }
        }

        private readonly void Divide<TVector, TOps, THasRight>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
            where THasRight : struct, IAnswer
        {
            if (Terms.Exact)
            {
                Penalise<TVector, TOps, THasRight, Yes>();
            }
            else
            {
                Penalise<TVector, TOps, THasRight, No>();
            }
        }

        private readonly void Penalise<TVector, TOps, THasRight, TIsExact>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
            where THasRight : struct, IAnswer
            where TIsExact : struct, IAnswer
        {
            if (Terms.HasPenalties)
            {
                Lines<TVector, TOps, THasRight, TIsExact, Yes>();
            }
            else
            {
                Lines<TVector, TOps, THasRight, TIsExact, No>();
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Lines<TVector, TOps, THasRight, TIsExact, THasPenalties>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
            where THasRight : struct, IAnswer
            where TIsExact : struct, IAnswer
            where THasPenalties : struct, IAnswer
        {
            ref float gradients = ref MemoryMarshal.GetReference(Gradient);
            ref float left = ref MemoryMarshal.GetReference(Left), right = ref MemoryMarshal.GetReference(Right), parameters = ref MemoryMarshal.GetReference(Parameters);
            nuint length = (nuint)Gradient.Length;
            TVector divisor = TOps.Broadcast(TIsExact.IsYes ? Terms.Reciprocal : Terms.Divisor);
            if (Squared && TOps.Count == Lanes)
            {
                // The squares wait for nothing but each other, while the next lines come from memory.
                Vector512<double> low = Vector512.LoadUnsafe(ref Sums[0]), high = Vector512.LoadUnsafe(ref Sums[8]);
                for (nuint i = 0; i < length; i += Lanes)
                {
                    TVector gradient = At<TVector, TOps, THasRight, TIsExact, THasPenalties>(ref left, ref right, ref parameters, divisor, i);
                    TOps.Store(gradient, ref gradients, i);
                    (Vector512<double> first, Vector512<double> second) = Vector512.Widen(Unsafe.BitCast<TVector, Vector512<float>>(gradient));
                    low += first * first;
                    high += second * second;
                }

                low.CopyTo(Sums);
                high.CopyTo(Sums[8..]);
                return;
            }

            if (Squared && Avx.IsSupported && TOps.Count > 1)
            {
                Vector256<double> sum0 = Vector256.LoadUnsafe(ref Sums[0]), sum1 = Vector256.LoadUnsafe(ref Sums[4]);
                Vector256<double> sum2 = Vector256.LoadUnsafe(ref Sums[8]), sum3 = Vector256.LoadUnsafe(ref Sums[12]);
                for (nuint i = 0; i < length; i += Lanes)
                {
                    for (nuint lane = 0; lane < Lanes; lane += (nuint)TOps.Count)
                    {
                        TOps.Store(At<TVector, TOps, THasRight, TIsExact, THasPenalties>(ref left, ref right, ref parameters, divisor, i + lane), ref gradients, i + lane);
                    }

                    sum0 += Squares(ref gradients, i);
                    sum1 += Squares(ref gradients, i + 4);
                    sum2 += Squares(ref gradients, i + 8);
                    sum3 += Squares(ref gradients, i + 12);
                }

                sum0.CopyTo(Sums);
                sum1.CopyTo(Sums[4..]);
                sum2.CopyTo(Sums[8..]);
                sum3.CopyTo(Sums[12..]);
                return;
            }

            // A number minus itself is +0, and NaN where it is not finite, which or-ing keeps.
            TVector differences = TOps.Zero;
            for (nuint i = 0; i < length; i += (nuint)TOps.Count)
            {
                TVector gradient = At<TVector, TOps, THasRight, TIsExact, THasPenalties>(ref left, ref right, ref parameters, divisor, i);
                TOps.Store(gradient, ref gradients, i);
                differences = TOps.Or(differences, TOps.Subtract(gradient, gradient));
            }

            Span<float> lanes = stackalloc float[Lanes];
            TOps.Store(differences, ref lanes[0], 0);
            for (int lane = 0; lane < TOps.Count; lane++)
            {
                Sums[lane] += lanes[lane];
            }

            for (int i = 0; Squared && i < Gradient.Length; i++)
            {
                Sums[i % Lanes] += (double)Gradient[i] * Gradient[i];
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TVector At<TVector, TOps, THasRight, TIsExact, THasPenalties>(ref float left, ref float right, ref float parameters, TVector divisor, nuint i)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
            where THasRight : struct, IAnswer
            where TIsExact : struct, IAnswer
            where THasPenalties : struct, IAnswer
        {
            TVector sum = TOps.Load(in left, i);
            if (THasRight.IsYes)
            {
                sum = TOps.Add(sum, TOps.Load(in right, i));
            }

            TVector gradient = TIsExact.IsYes ? TOps.Multiply(sum, divisor) : TOps.Divide(sum, divisor);
            if (!THasPenalties.IsYes)
            {
                return gradient;
            }

            if (Terms.L2Twice != 0)
            {
                gradient = TOps.FusedMultiplyAdd(TOps.Broadcast(Terms.L2Twice), TOps.Load(in parameters, i), gradient);
            }

            if (Terms.L1 != 0)
            {
                TVector parameter = TOps.Load(in parameters, i);
                TVector negative = TOps.And(TOps.LessThan(parameter, TOps.Zero), TOps.Broadcast(-Terms.L1));
                TVector positive = TOps.And(TOps.GreaterThan(parameter, TOps.Zero), TOps.Broadcast(Terms.L1));
                gradient = TOps.Add(gradient, TOps.Or(negative, positive));
            }

            return gradient;
        }
    }

    // As what is not finite is found in the lines of the root.
    private ref struct FiniteKernel : IKernel
    {
        public ReadOnlySpan<float> Values;
        public Span<float> Differences;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float values = ref MemoryMarshal.GetReference(Values);
            TVector differences = TOps.Zero;
            for (nuint i = 0; i < (nuint)Values.Length; i += (nuint)TOps.Count)
            {
                TVector value = TOps.Load(in values, i);
                differences = TOps.Or(differences, TOps.Subtract(value, value));
            }

            TOps.Store(differences, ref MemoryMarshal.GetReference(Differences), 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Squares(ref float origin, nuint i)
    {
        Vector256<double> values = Avx.ConvertToVector256Double(Vector128.LoadUnsafe(ref origin, i));
        return values * values;
    }
}

/// <summary>What makes the gradient at the root of a sum.</summary>
/// <param name="Divisor">What the sum is divided by.</param>
/// <param name="L2Twice">2·α₂; 0 leaves the step out.</param>
/// <param name="L1">α₁; 0 leaves the step out.</param>
internal readonly record struct RootTerms(float Divisor, float L2Twice, float L1)
{
    /// <summary>Whether there are penalties.</summary>
    public bool HasPenalties => L2Twice != 0 || L1 != 0;

    /// <summary>1 ÷ the divisor.</summary>
    public float Reciprocal { get; } = 1 / Divisor;

    /// <summary>Whether the product with the reciprocal is the quotient: so for a power of two, where it is the same number rounded once, and several times faster.</summary>
    public bool Exact { get; } = float.IsPow2(Divisor) && float.IsNormal(1 / Divisor);
}
