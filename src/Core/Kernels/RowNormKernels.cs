using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Normalisation of rows by their own statistics: a layer-norm's rows, and a group-norm's, in which channels have a weight each.</summary>
/// <remarks>
/// For a row of n values (<c>fma(a, b, c)</c> = a·b + c, rounded once), sums in 16 virtual lanes as <see cref="PlaneSums"/> takes them:
/// <code>
/// mean    = (Σ x) ÷ n
/// inverse = 1 ÷ √((Σ (x − mean)²) ÷ n + ε)
/// y       = fma(x − mean, weight · inverse, bias)
/// dx      = fma(x − mean, −(B · inverse · inverse ÷ n), dy · weight − A ÷ n) · inverse    with A = Σ dy · weight,  B = Σ dy · weight · (x − mean)
/// </code>
/// With a weight for each place, A and B are sums of the products dy · weight in the lanes. With a weight for each channel they are chains by channel, of fused multiply-adds from +0, of weight ·
/// (the channel's Σ dy) and weight · (the channel's Σ dy · (x − mean)).
/// </remarks>
public static class RowNormKernels
{
    /// <summary>Normalises rows in which each place has a weight and a bias of its own.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, columns].</param>
    /// <param name="weight">[columns].</param>
    /// <param name="bias">[columns].</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <param name="statistics">[rows, 2]: mean and inverse of each row.</param>
    /// <param name="y">As x; overlaps no other.</param>
    public static void Forward(
        VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> statistics, Span<float> y)
    {
        Invariant.Holds(weight.Length > 0 && bias.Length == weight.Length && x.Length == statistics.Length / 2 * weight.Length && y.Length == x.Length);
        ForwardKernel kernel = new() { X = x, Y = y, Weight = weight, Bias = bias, Pixels = 1, Epsilon = epsilon, Statistics = statistics };
        unit.Run(ref kernel);
    }

    /// <summary>Normalises the groups of samples in which each channel has a weight and a bias of its own.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[samples, channels, pixels].</param>
    /// <param name="weight">[channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="groups">Groups of a sample; a divisor of the channels.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <param name="statistics">[samples, groups, 2]: mean and inverse of each group.</param>
    /// <param name="y">As x; overlaps no other.</param>
    public static void ForwardGroups(
        VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int groups, float epsilon, Span<float> statistics, Span<float> y)
    {
        int samples = CheckGroups(x, weight, groups, statistics);
        Invariant.Holds(bias.Length == weight.Length && y.Length == x.Length);
        ForwardKernel kernel = new()
        {
            X = x, Y = y, Weight = weight, Bias = bias, Groups = groups, Pixels = x.Length / samples / weight.Length, Epsilon = epsilon, Statistics = statistics,
        };
        unit.Run(ref kernel);
    }

    /// <summary>The input gradient where each place has a weight of its own.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, columns].</param>
    /// <param name="dy">As x.</param>
    /// <param name="weight">[columns].</param>
    /// <param name="statistics">[rows, 2]: mean and inverse of each row.</param>
    /// <param name="dx">As x; overlaps no other.</param>
    /// <param name="scratch">At least [columns].</param>
    public static void Backward(
        VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> weight, ReadOnlySpan<float> statistics, Span<float> dx, Span<float> scratch)
    {
        Invariant.Holds(weight.Length > 0 && x.Length == statistics.Length / 2 * weight.Length && dy.Length == x.Length && dx.Length == x.Length && scratch.Length >= weight.Length);
        BackwardKernel kernel = new() { X = x, Dy = dy, Dx = dx, Weight = weight, Statistics = statistics, Scratch = scratch };
        unit.Run(ref kernel);
    }

    /// <summary>sum ← fma(dy, (x − mean) · inverse, sum): what one row adds to the gradient of its weights.</summary>
    public static void AddWeightGradient(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float mean, float inverse, Span<float> sum)
    {
        Invariant.Holds(x.Length == sum.Length && dy.Length == sum.Length);
        WeightKernel kernel = new() { X = x, Dy = dy, Mean = mean, Inverse = inverse, Sum = sum };
        unit.Run(ref kernel);
    }

    /// <summary>The gradients where each channel has a weight of its own.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[samples, channels, pixels].</param>
    /// <param name="dy">As x.</param>
    /// <param name="weight">[channels].</param>
    /// <param name="groups">Groups of a sample.</param>
    /// <param name="statistics">[samples, groups, 2]: mean and inverse of each group.</param>
    /// <param name="weightGradient">[samples, channels]: what each sample adds to it.</param>
    /// <param name="biasGradient">[samples, channels]: what each sample adds to it.</param>
    /// <param name="dx">As x; overlaps no other; empty where it is not wanted.</param>
    public static void BackwardGroups(
        VectorUnit unit,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> dy,
        ReadOnlySpan<float> weight,
        int groups,
        ReadOnlySpan<float> statistics,
        Span<float> weightGradient,
        Span<float> biasGradient,
        Span<float> dx)
    {
        int samples = CheckGroups(x, weight, groups, statistics);
        Invariant.Holds(dy.Length == x.Length && (dx.IsEmpty || dx.Length == x.Length));
        Invariant.Holds(weightGradient.Length == samples * weight.Length && biasGradient.Length == weightGradient.Length);
        GroupBackwardKernel kernel = new()
        {
            X = x, Dy = dy, Dx = dx, Weight = weight, Groups = groups, Pixels = x.Length / samples / weight.Length,
            Statistics = statistics, WeightGradient = weightGradient, BiasGradient = biasGradient,
        };
        unit.Run(ref kernel);
    }

    private static int CheckGroups(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, int groups, ReadOnlySpan<float> statistics)
    {
        Invariant.Holds(groups > 0 && weight.Length > 0 && weight.Length % groups == 0 && statistics.Length % (2 * groups) == 0);
        int samples = statistics.Length / 2 / groups;
        Invariant.Holds(samples > 0 && x.Length > 0 && x.Length % (samples * weight.Length) == 0);
        return samples;
    }

    // Without groups a row has all weights, one for each place; with groups its share of the channels.
    private unsafe ref struct ForwardKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public Span<float> Y;
        public ReadOnlySpan<float> Weight;
        public ReadOnlySpan<float> Bias;
        public int Groups;
        public int Pixels;
        public float Epsilon;
        public Span<float> Statistics;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            int rows = Statistics.Length / 2, values = rows == 0 ? 0 : X.Length / rows, channels = Groups == 0 ? 0 : Weight.Length / Groups;
            fixed (float* x = X, y = Y, weight = Weight, bias = Bias)
            {
                for (int row = 0; row < rows; row++)
                {
                    nint start = (nint)row * values;
                    ChannelPlanes line = new(x + start, 0, 1, values, x + X.Length);
                    float mean = PlaneSums.Of<TVector, TOps, DeviationTerm>(line, 0, null).First / values;
                    float squares = PlaneSums.Of<TVector, TOps, SquareTerm>(line, mean, null).First;
                    float inverse = 1 / MathF.Sqrt((squares / values) + Epsilon);
                    (Statistics[2 * row], Statistics[(2 * row) + 1]) = (mean, inverse);
                    if (channels == 0)
                    {
                        EachPlace.Run<TVector, TOps, RowApplyRule>(new() { X = x + start, Y = y + start, Mean = mean, Inverse = inverse, Weight = weight, Bias = bias }, values);
                        continue;
                    }

                    int first = row % Groups * channels;
                    for (int channel = first; channel < first + channels; channel++, start += Pixels)
                    {
                        EachPlace.Run<TVector, TOps, PlaneApplyRule>(
                            new() { X = x + start, Y = y + start, Mean = mean, Factor = weight[channel] * inverse, Bias = bias[channel] }, Pixels);
                    }
                }
            }
        }
    }

    private unsafe ref struct BackwardKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Dy;
        public Span<float> Dx;
        public ReadOnlySpan<float> Weight;
        public ReadOnlySpan<float> Statistics;
        public Span<float> Scratch;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            int columns = Weight.Length;
            fixed (float* x = X, dy = Dy, dx = Dx, weight = Weight, products = Scratch)
            {
                for (int row = 0; row < Statistics.Length / 2; row++)
                {
                    nint start = (nint)row * columns;
                    float mean = Statistics[2 * row], inverse = Statistics[(2 * row) + 1];
                    EachPlace.Run<TVector, TOps, ProductRule>(new() { A = dy + start, B = weight, Y = products }, columns);

                    // The products' memory ends with their row, so that nothing beyond it may be read.
                    (float a, float b) = PlaneSums.Of<TVector, TOps, GradientTerm>(new(x + start, 0, 1, columns, x + start + columns), mean, products);
                    EachPlace.Run<TVector, TOps, PlaneGradientRule>(
                        new() { X = x + start, Dy = products, Dx = dx + start, Mean = mean, Factor = inverse, Weight = 1, Shift = a / columns, Slope = 0 - (b * inverse * inverse / columns) },
                        columns);
                }
            }
        }
    }

    private unsafe ref struct WeightKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Dy;
        public float Mean;
        public float Inverse;
        public Span<float> Sum;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            fixed (float* x = X, dy = Dy, sum = Sum)
            {
                EachPlace.Run<TVector, TOps, WeightRule>(new() { X = x, Dy = dy, Mean = Mean, Inverse = Inverse, Sum = sum }, Sum.Length);
            }
        }
    }

    private unsafe ref struct GroupBackwardKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Dy;
        public Span<float> Dx;
        public ReadOnlySpan<float> Weight;
        public int Groups;
        public int Pixels;
        public ReadOnlySpan<float> Statistics;
        public Span<float> WeightGradient;
        public Span<float> BiasGradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            int channels = Weight.Length / Groups, values = channels * Pixels;
            fixed (float* x = X, dy = Dy, dx = Dx, weight = Weight, ofWeight = WeightGradient, ofBias = BiasGradient)
            {
                for (int row = 0; row < Statistics.Length / 2; row++)
                {
                    float mean = Statistics[2 * row], inverse = Statistics[(2 * row) + 1];
                    nint start = (nint)row * values;
                    int first = row % Groups * channels;
                    float* rowOfWeight = ofWeight + ((nint)row * channels), rowOfBias = ofBias + ((nint)row * channels);
                    float a = 0, b = 0;
                    for (int channel = 0; channel < channels; channel++)
                    {
                        nint at = start + ((nint)channel * Pixels);
                        (rowOfBias[channel], float d) = PlaneSums.Of<TVector, TOps, GradientTerm>(new(x + at, 0, 1, Pixels, x + X.Length), mean, dy + at);
                        rowOfWeight[channel] = d * inverse;
                        a = OpsScalar.FusedMultiplyAdd(weight[first + channel], rowOfBias[channel], a);
                        b = OpsScalar.FusedMultiplyAdd(weight[first + channel], d, b);
                    }

                    float shift = a / values, slope = 0 - (b * inverse * inverse / values);
                    for (int channel = 0; channel < (dx is null ? 0 : channels); channel++)
                    {
                        nint at = start + ((nint)channel * Pixels);
                        EachPlace.Run<TVector, TOps, PlaneGradientRule>(
                            new() { X = x + at, Dy = dy + at, Dx = dx + at, Mean = mean, Factor = inverse, Weight = weight[first + channel], Shift = shift, Slope = slope }, Pixels);
                    }
                }
            }
        }
    }

    // y = fma(x − mean, weight · inverse, bias), each place with its own weight and bias.
    private unsafe struct RowApplyRule : IPlaceRule
    {
        public float* X;
        public float* Y;
        public float Mean;
        public float Inverse;
        public float* Weight;
        public float* Bias;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Broadcast(Mean));
            TVector factor = TOps.Multiply(TOps.Load(in *Weight, index), TOps.Broadcast(Inverse));
            TOps.Store(TOps.FusedMultiplyAdd(d, factor, TOps.Load(in *Bias, index)), ref *Y, index);
        }
    }

    private unsafe struct ProductRule : IPlaceRule
    {
        public float* A;
        public float* B;
        public float* Y;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Store(TOps.Multiply(TOps.Load(in *A, index), TOps.Load(in *B, index)), ref *Y, index);
    }

    private unsafe struct WeightRule : IPlaceRule
    {
        public float* X;
        public float* Dy;
        public float Mean;
        public float Inverse;
        public float* Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector normalised = TOps.Multiply(TOps.Subtract(TOps.Load(in *X, index), TOps.Broadcast(Mean)), TOps.Broadcast(Inverse));
            TOps.Store(TOps.FusedMultiplyAdd(TOps.Load(in *Dy, index), normalised, TOps.Load(in *Sum, index)), ref *Sum, index);
        }
    }
}
