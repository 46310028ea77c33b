using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Batch normalisation of the samples of one slice, channel by channel: statistics, outputs and gradients.</summary>
/// <remarks>
/// x is [rows, channels, pixels]; a channel has m = rows · pixels values. In float (<c>fma(a, b, c)</c> = a·b + c, rounded once):
/// <code>
/// mean    = (Σ x) ÷ m                          // in 16 lanes along the pixels, the samples' lanes added in order: see <see cref="PlaneSums"/>
/// V       = Σ (x − mean)²                      // a second pass, so that a mean far from 0 costs no accuracy; in the same order, by fma
/// inverse = 1 ÷ √(V ÷ m + ε)
/// y       = fma(x − mean, weight · inverse, bias)
///
/// B = Σ dy,  D = Σ dy · (x − mean)             // in the same order; the gradients of bias and weight are B and D · inverse
/// dx = fma(x − mean, −(D · inverse · inverse ÷ m), dy − B ÷ m) · (weight · inverse)
/// </code>
/// A channel's planes are gone through one after the other for each of these, so that from the second time on they are in the cache.
/// </remarks>
public static class BatchNormKernels
{
    /// <summary>The floats of scratch that any call needs for each channel.</summary>
    public const int ScratchPerChannel = 3;

    /// <summary>The statistics of a slice, and its outputs.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, channels, pixels]; at least two values of a channel.</param>
    /// <param name="rows">Samples, at least 1.</param>
    /// <param name="weight">[channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <param name="mean">[channels]: the mean.</param>
    /// <param name="variance">[channels]: the unbiased variance V ÷ (m − 1).</param>
    /// <param name="inverse">[channels]: 1 ÷ √(V ÷ m + ε).</param>
    /// <param name="y">As x; overlaps no other.</param>
    /// <param name="scratch">At least <see cref="ScratchPerChannel"/> floats for each channel.</param>
    public static void Forward(
        VectorUnit unit,
        ReadOnlySpan<float> x,
        int rows,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        float epsilon,
        Span<float> mean,
        Span<float> variance,
        Span<float> inverse,
        Span<float> y,
        Span<float> scratch)
    {
        int channels = Check(x, rows, weight, mean, inverse, scratch);
        Invariant.Holds(y.Length == x.Length && bias.Length == channels && variance.Length == channels && x.Length / channels > 1);
        BatchNormForward kernel = new()
        {
            X = x, Y = y, Rows = rows, Weight = weight, Bias = bias, Epsilon = epsilon, Mean = mean, Variance = variance, Inverse = inverse, Scratch = scratch,
        };
        unit.Run(ref kernel);
    }

    /// <summary>y = fma(x − mean, weight · inverse, bias) with given statistics.</summary>
    /// <inheritdoc cref="Forward" path="/param"/>
    public static void Apply(
        VectorUnit unit, ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, ReadOnlySpan<float> mean, ReadOnlySpan<float> inverse, Span<float> y, Span<float> scratch)
    {
        int channels = Check(x, rows, weight, mean, inverse, scratch);
        Invariant.Holds(y.Length == x.Length && bias.Length == channels);
        BatchNormApply kernel = new() { X = x, Y = y, Rows = rows, Weight = weight, Bias = bias, Mean = mean, Inverse = inverse, Scratch = scratch };
        unit.Run(ref kernel);
    }

    /// <summary>The gradients of a slice.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, channels, pixels].</param>
    /// <param name="dy">As x: the gradient by the output.</param>
    /// <param name="rows">Samples, at least 1.</param>
    /// <param name="weight">[channels].</param>
    /// <param name="mean">[channels].</param>
    /// <param name="inverse">[channels].</param>
    /// <param name="ofSlice">Whether mean and inverse are the slice's own, so that its samples act through them; else they are constants and dx = dy · (weight · inverse).</param>
    /// <param name="weightGradient">[channels]: D · inverse.</param>
    /// <param name="biasGradient">[channels]: B.</param>
    /// <param name="dx">As x; overlaps no other; empty where it is not wanted.</param>
    /// <param name="scratch">At least <see cref="ScratchPerChannel"/> floats for each channel.</param>
    public static void Backward(
        VectorUnit unit,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> dy,
        int rows,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> mean,
        ReadOnlySpan<float> inverse,
        bool ofSlice,
        Span<float> weightGradient,
        Span<float> biasGradient,
        Span<float> dx,
        Span<float> scratch)
    {
        int channels = Check(x, rows, weight, mean, inverse, scratch);
        Invariant.Holds(dy.Length == x.Length && (dx.IsEmpty || dx.Length == x.Length) && weightGradient.Length == channels && biasGradient.Length == channels);
        BatchNormBackward kernel = new()
        {
            X = x, OutputGradient = dy, InputGradient = dx, Rows = rows, Weight = weight, Mean = mean, Inverse = inverse, OfSlice = ofSlice,
            WeightGradient = weightGradient, BiasGradient = biasGradient, Scratch = scratch,
        };
        unit.Run(ref kernel);
    }

    private static int Check(ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> weight, ReadOnlySpan<float> mean, ReadOnlySpan<float> inverse, ReadOnlySpan<float> scratch)
    {
        int channels = weight.Length;
        Invariant.Holds(rows > 0 && channels > 0 && x.Length > 0 && x.Length % (rows * channels) == 0);
        Invariant.Holds(mean.Length == channels && inverse.Length == channels && scratch.Length >= ScratchPerChannel * channels);
        return channels;
    }
}

internal unsafe ref struct BatchNormForward : IKernel
{
    public ReadOnlySpan<float> X;
    public Span<float> Y;
    public int Rows;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Bias;
    public float Epsilon;
    public Span<float> Mean;
    public Span<float> Variance;
    public Span<float> Inverse;
    public Span<float> Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int channels = Weight.Length, values = X.Length / channels, pixels = values / Rows, width = channels * pixels;
        fixed (float* x = X, y = Y, weight = Weight, bias = Bias, mean = Mean, variance = Variance, inverse = Inverse, factor = Scratch)
        {
            MomentRule moments = new() { Squares = variance, Weight = weight, Inverse = inverse, Factor = factor, Count = values, Epsilon = Epsilon };
            if (pixels > 1)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    ChannelPlanes planes = new(x + ((nint)channel * pixels), width, Rows, pixels, x + X.Length);
                    mean[channel] = PlaneSums.Of<TVector, TOps, DeviationTerm>(planes, 0, null).First / values;
                    variance[channel] = PlaneSums.Of<TVector, TOps, SquareTerm>(planes, mean[channel], null).First;
                    moments.One(channel);
                    for (nint row = 0; row < Rows; row++)
                    {
                        nint start = (row * width) + ((nint)channel * pixels);
                        EachPlace.Run<TVector, TOps, PlaneApplyRule>(
                            new() { X = x + start, Y = y + start, Mean = mean[channel], Factor = factor[channel], Bias = bias[channel] }, pixels);
                    }
                }

                return;
            }

            Mean.Clear();
            Variance.Clear();
            for (nint row = 0; row < Rows; row++)
            {
                EachPlace.Run<TVector, TOps, SumRule>(new() { X = x + (row * width), Sum = mean }, channels);
            }

            EachPlace.Run<TVector, TOps, DivideRule>(new() { X = mean, Divisor = values }, channels);
            for (nint row = 0; row < Rows; row++)
            {
                EachPlace.Run<TVector, TOps, SquareRule>(new() { X = x + (row * width), Mean = mean, Sum = variance }, channels);
            }

            EachPlace.Run<TVector, TOps, MomentRule>(moments, channels);
            for (nint row = 0; row < Rows; row++)
            {
                EachPlace.Run<TVector, TOps, ApplyRule>(new() { X = x + (row * width), Y = y + (row * width), Mean = mean, Factor = factor, Bias = bias }, channels);
            }
        }
    }

    private struct SumRule : IPlaceRule
    {
        public float* X;
        public float* Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Store(TOps.Add(TOps.Load(in *Sum, index), TOps.Load(in *X, index)), ref *Sum, index);
    }

    private struct DivideRule : IPlaceRule
    {
        public float* X;
        public float Divisor;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Store(TOps.Divide(TOps.Load(in *X, index), TOps.Broadcast(Divisor)), ref *X, index);
    }

    // A plane of one pixel has a sum of one square, which is then added to the others'.
    private struct SquareRule : IPlaceRule
    {
        public float* X;
        public float* Mean;
        public float* Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Load(in *Mean, index));
            TOps.Store(TOps.Add(TOps.Load(in *Sum, index), TOps.Multiply(d, d)), ref *Sum, index);
        }
    }

    // From V to the unbiased variance, 1 ÷ √(V ÷ m + ε) and weight times that.
    private struct MomentRule : IPlaceRule
    {
        public float* Squares;
        public float* Weight;
        public float* Inverse;
        public float* Factor;
        public float Count;
        public float Epsilon;

        public readonly void One(int channel) => Invoke<float, OpsScalar>((nuint)channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector squares = TOps.Load(in *Squares, index);
            TVector deviation = TOps.Sqrt(TOps.Add(TOps.Divide(squares, TOps.Broadcast(Count)), TOps.Broadcast(Epsilon)));
            TVector inverse = TOps.Divide(TOps.Broadcast(1), deviation);
            TOps.Store(TOps.Divide(squares, TOps.Broadcast(Count - 1)), ref *Squares, index);
            TOps.Store(inverse, ref *Inverse, index);
            TOps.Store(TOps.Multiply(TOps.Load(in *Weight, index), inverse), ref *Factor, index);
        }
    }
}

internal unsafe ref struct BatchNormApply : IKernel
{
    public ReadOnlySpan<float> X;
    public Span<float> Y;
    public int Rows;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Bias;
    public ReadOnlySpan<float> Mean;
    public ReadOnlySpan<float> Inverse;
    public Span<float> Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int channels = Weight.Length, pixels = X.Length / channels / Rows;
        fixed (float* x = X, y = Y, weight = Weight, bias = Bias, mean = Mean, inverse = Inverse, factor = Scratch)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                factor[channel] = weight[channel] * inverse[channel];
            }

            for (nint row = 0; row < Rows; row++)
            {
                nint start = row * channels * pixels;
                if (pixels == 1)
                {
                    EachPlace.Run<TVector, TOps, ApplyRule>(new() { X = x + start, Y = y + start, Mean = mean, Factor = factor, Bias = bias }, channels);
                    continue;
                }

                for (int channel = 0; channel < channels; channel++, start += pixels)
                {
                    EachPlace.Run<TVector, TOps, PlaneApplyRule>(
                        new() { X = x + start, Y = y + start, Mean = mean[channel], Factor = factor[channel], Bias = bias[channel] }, pixels);
                }
            }
        }
    }
}

/// <summary>y = fma(x − mean, factor, bias), each place with its own channel.</summary>
internal unsafe struct ApplyRule : IPlaceRule
{
    public float* X;
    public float* Y;
    public float* Mean;
    public float* Factor;
    public float* Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Invoke<TVector, TOps>(nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Load(in *Mean, index));
        TOps.Store(TOps.FusedMultiplyAdd(d, TOps.Load(in *Factor, index), TOps.Load(in *Bias, index)), ref *Y, index);
    }
}
