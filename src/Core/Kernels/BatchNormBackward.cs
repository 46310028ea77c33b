using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="BatchNormKernels.Backward"/>.</summary>
internal unsafe ref struct BatchNormBackward : IKernel
{
    public ReadOnlySpan<float> X;
    public ReadOnlySpan<float> OutputGradient;
    public Span<float> InputGradient;
    public int Rows;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Mean;
    public ReadOnlySpan<float> Inverse;
    public bool OfSlice;
    public Span<float> WeightGradient;
    public Span<float> BiasGradient;
    public Span<float> Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int channels = Weight.Length, values = X.Length / channels, pixels = values / Rows, width = channels * pixels;
        fixed (float* x = X, dy = OutputGradient, dx = InputGradient, weight = Weight, mean = Mean, inverse = Inverse, ofWeight = WeightGradient, ofBias = BiasGradient, scratch = Scratch)
        {
            FactorRule factors = new()
            {
                Weight = weight, Inverse = inverse, OfWeight = ofWeight, OfBias = ofBias, Factor = scratch, Shift = scratch + channels, Slope = scratch + (2 * channels),
                Count = values, OfSlice = OfSlice,
            };
            if (pixels > 1)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    nint offset = (nint)channel * pixels;
                    ChannelPlanes planes = new(x + offset, width, Rows, pixels, x + X.Length);
                    (ofBias[channel], ofWeight[channel]) = PlaneSums.Of<TVector, TOps, GradientTerm>(planes, mean[channel], dy + offset);
                    factors.One(channel);
                    for (nint row = 0; row < (dx is null ? 0 : Rows); row++)
                    {
                        nint start = (row * width) + offset;
                        EachPlace.Run<TVector, TOps, PlaneGradientRule>(
                            new()
                            {
                                X = x + start, Dy = dy + start, Dx = dx + start,
                                Mean = mean[channel], Factor = factors.Factor[channel], Weight = 1, Shift = factors.Shift[channel], Slope = factors.Slope[channel],
                            },
                            pixels);
                    }
                }

                return;
            }

            WeightGradient.Clear();
            BiasGradient.Clear();
            for (nint row = 0; row < Rows; row++)
            {
                EachPlace.Run<TVector, TOps, SumRule>(new() { X = x + (row * width), Dy = dy + (row * width), Mean = mean, OfWeight = ofWeight, OfBias = ofBias }, channels);
            }

            EachPlace.Run<TVector, TOps, FactorRule>(factors, channels);
            for (nint row = 0; row < (dx is null ? 0 : Rows); row++)
            {
                nint start = row * width;
                EachPlace.Run<TVector, TOps, RowRule>(
                    new() { X = x + start, Dy = dy + start, Dx = dx + start, Mean = mean, Factor = factors.Factor, Shift = factors.Shift, Slope = factors.Slope }, channels);
            }
        }
    }

    // ofBias += dy; ofWeight += dy · (x − mean): a plane of one pixel has a sum of one product.
    private struct SumRule : IPlaceRule
    {
        public float* X;
        public float* Dy;
        public float* Mean;
        public float* OfWeight;
        public float* OfBias;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Load(in *Mean, index)), dy = TOps.Load(in *Dy, index);
            TOps.Store(TOps.Add(TOps.Load(in *OfBias, index), dy), ref *OfBias, index);
            TOps.Store(TOps.Add(TOps.Load(in *OfWeight, index), TOps.Multiply(dy, d)), ref *OfWeight, index);
        }
    }

    // From B and D to the gradients of bias and weight, and to what makes dx.
    private struct FactorRule : IPlaceRule
    {
        public float* Weight;
        public float* Inverse;
        public float* OfWeight;
        public float* OfBias;
        public float* Factor;
        public float* Shift;
        public float* Slope;
        public float Count;
        public bool OfSlice;

        public readonly void One(int channel) => Invoke<float, OpsScalar>((nuint)channel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector inverse = TOps.Load(in *Inverse, index), count = TOps.Broadcast(Count);
            TVector ofWeight = TOps.Multiply(TOps.Load(in *OfWeight, index), inverse);
            TOps.Store(ofWeight, ref *OfWeight, index);
            TOps.Store(TOps.Multiply(TOps.Load(in *Weight, index), inverse), ref *Factor, index);
            TVector slope = TOps.Divide(TOps.Multiply(ofWeight, inverse), count);
            TOps.Store(OfSlice ? TOps.Divide(TOps.Load(in *OfBias, index), count) : TOps.Zero, ref *Shift, index);
            TOps.Store(OfSlice ? TOps.Subtract(TOps.Zero, slope) : TOps.Zero, ref *Slope, index);
        }
    }

    // dx = fma(x − mean, slope, dy − shift) · factor, each place with its own channel.
    private struct RowRule : IPlaceRule
    {
        public float* X;
        public float* Dy;
        public float* Dx;
        public float* Mean;
        public float* Factor;
        public float* Shift;
        public float* Slope;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Invoke<TVector, TOps>(nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Load(in *Mean, index));
            TVector centred = TOps.Subtract(TOps.Load(in *Dy, index), TOps.Load(in *Shift, index));
            TOps.Store(TOps.Multiply(TOps.FusedMultiplyAdd(d, TOps.Load(in *Slope, index), centred), TOps.Load(in *Factor, index)), ref *Dx, index);
        }
    }
}
