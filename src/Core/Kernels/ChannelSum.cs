namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="Convolution.BiasGradient"/>: each sample's pixels in 16 lanes, a chain by sample inside a slice, the canonical tree over slices.</summary>
internal ref struct ChannelSum : IKernel
{
    public ReadOnlySpan<float> Values;
    public int Channels;
    public int Pixels;
    public ReadOnlySpan<SliceRows> Slices;
    public Span<float> Result;
    public int From;
    public int To;
    public Span<float> Scratch;

    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        for (int channel = From; channel < To; channel++)
        {
            int waiting = 0;
            for (int slice = 0; slice < Slices.Length; slice++)
            {
                float sum = 0;
                for (int row = Slices[slice].First; row < Slices[slice].First + Slices[slice].Count; row++)
                {
                    sum += RowSums.Sum<TVector, TOps>(Values.Slice(((row * Channels) + channel) * Pixels, Pixels));
                }

                Scratch[waiting++] = sum;
                for (int done = slice + 1; (done & 1) == 0; done >>= 1)
                {
                    waiting--;
                    Scratch[waiting - 1] += Scratch[waiting];
                }
            }

            for (waiting--; waiting > 0; waiting--)
            {
                Scratch[waiting - 1] += Scratch[waiting];
            }

            Result[channel] = Scratch[0];
        }
    }
}
