using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The sums of <see cref="ConvolutionWeightGradient{TSlice}"/> of one slice where <see cref="Depthwise.Suits"/>: 16 channels are the lanes of a vector, and nine taps are summed down the pixels at once.</summary>
internal unsafe struct DepthwiseWeightGradient : ISliceWeightGradient<DepthwiseWeightGradient>
{
    private const int Lanes = Depthwise.Lanes, TapsTogether = 9;

    private ConvolutionShape shape;
    private DepthwiseBand inputs;
    private int* offsets;
    private float* turned;
    private float* band;
    private float* gradients;

    /// <inheritdoc/>
    public static DepthwiseWeightGradient Lay(in ConvolutionShape shape, ref Scratch space)
    {
        DepthwiseBand inputs = new(new(shape.Rows, isGradient: false), new(shape.Columns, isGradient: false));
        return new DepthwiseWeightGradient
        {
            shape = shape,
            inputs = inputs,
            offsets = (int*)space.Take(checked(shape.KernelArea + TapsTogether)),
            turned = space.Take(inputs.TurnedLength),
            band = space.Take(inputs.Length),
            gradients = space.Take(checked(inputs.RowsTogether * shape.Columns.Output * Lanes)),
        };
    }

    /// <inheritdoc/>
    public readonly void Run<TVector, TOps>(float* input, float* outputGradient, SliceRows rows, OutputPanels panels, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        MakeOffsets(inputs.Pitch);
        int columns = shape.Columns.Output, together = inputs.RowsTogether, area = shape.KernelArea;
        foreach (OutputPanel panel in panels)
        {
            new Span<float>(sums, area * Lanes).Clear();
            if (panel.Outputs < Lanes)
            {
                new Span<float>(turned, inputs.TurnedLength).Clear();
                new Span<float>(band, inputs.Length).Clear();
                new Span<float>(gradients, together * columns * Lanes).Clear();
            }

            for (nint sample = rows.First; sample < rows.First + rows.Count; sample++)
            {
                nint channel = (sample * shape.Channels) + panel.First;
                float* x = input + (channel * shape.Rows.Input * shape.Columns.Input), dy = outputGradient + (channel * shape.OutputPixels);
                for (int first = 0; first < shape.Rows.Output; first += together)
                {
                    int height = Math.Min(together, shape.Rows.Output - first);
                    inputs.Fill(x, panel.Outputs, first, first + height, turned, band);
                    Transposition.Run(dy + ((nint)first * columns), shape.OutputPixels, panel.Outputs, height * columns, gradients, Lanes, panel.Outputs);
                    for (int tap = 0; tap < area; tap += TapsTogether)
                    {
                        for (int lane = 0; lane < Lanes; lane += TOps.Count)
                        {
                            Sum<TVector, TOps>(offsets + tap, Math.Min(TapsTogether, area - tap), lane, height, inputs.Pitch, sums + ((nint)tap * Lanes) + lane);
                        }
                    }
                }
            }

            sums += (nint)area * Lanes;
        }
    }

    // Beyond the last tap, nine are filled up with its first pixel again.
    private readonly void MakeOffsets(int pitch)
    {
        for (int tap = 0; tap < shape.KernelArea + TapsTogether; tap++)
        {
            (int row, int column) = Math.DivRem(tap, shape.Columns.Kernel);
            offsets[tap] = tap >= shape.KernelArea ? 0 : (row * shape.Rows.Dilation * pitch) + (column * shape.Columns.Dilation * Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Sum<TVector, TOps>(int* offset, int taps, int lane, int rows, int pitch, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nint o0 = offset[0], o1 = offset[1], o2 = offset[2], o3 = offset[3], o4 = offset[4], o5 = offset[5], o6 = offset[6], o7 = offset[7], o8 = offset[8];
        TVector a0 = At(0), a1 = At(1), a2 = At(2), a3 = At(3), a4 = At(4), a5 = At(5), a6 = At(6), a7 = At(7), a8 = At(8);
        float* dy = gradients + lane, row = band + lane;
        nint step = shape.Columns.Stride * Lanes, rowStep = (nint)shape.Rows.Stride * pitch;
        int columns = shape.Columns.Output;
        for (; rows > 0; rows--, row += rowStep)
        {
            float* x = row;
            for (int left = columns; left > 0; left--, x += step, dy += Lanes)
            {
                TVector g = TOps.Load(in *dy, 0);
                a0 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o0), 0), a0);
                a1 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o1), 0), a1);
                a2 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o2), 0), a2);
                a3 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o3), 0), a3);
                a4 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o4), 0), a4);
                a5 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o5), 0), a5);
                a6 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o6), 0), a6);
                a7 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o7), 0), a7);
                a8 = TOps.FusedMultiplyAdd(g, TOps.Load(in *(x + o8), 0), a8);
            }
        }

        Keep(0, a0);
        Keep(1, a1);
        Keep(2, a2);
        Keep(3, a3);
        Keep(4, a4);
        Keep(5, a5);
        Keep(6, a6);
        Keep(7, a7);
        Keep(8, a8);

        TVector At(int tap) => tap < taps ? TOps.Load(in *(sums + (tap * Lanes)), 0) : TOps.Zero;

        void Keep(int tap, TVector sum)
        {
            if (tap < taps)
            {
                TOps.Store(sum, ref *(sums + (tap * Lanes)), 0);
            }
        }
    }
}
