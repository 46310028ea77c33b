using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Sums pixels of a row that have the same taps, with 16 channels as lanes. Eight chains at once hide the latency of each; the last eight of a row overlap with those before. Where taps follow each other as
/// pixels do, what one pixel reads for a tap is what the next reads for the tap before, and is loaded once.</summary>
internal unsafe struct DepthwisePixels
{
    /// <summary>Taps that share what they load.</summary>
    public const int TapsTogether = 3;

    private const int Lanes = Depthwise.Lanes, Many = 8, Some = 4;

    /// <summary>How many taps each pixel has.</summary>
    public int Taps;

    /// <summary>Where each tap is, from the pixel's place.</summary>
    public int* Offsets;

    /// <summary>For each tap the channels' weights.</summary>
    public float* Weights;

    /// <summary>The channels' values that are added last; null for none.</summary>
    public float* Bias;

    /// <summary>From one pixel's place to the next's.</summary>
    public nint Step;

    /// <summary>From one result to the next.</summary>
    public nint ToStep;

    /// <summary>Sums so many pixels.</summary>
    public readonly void Run<TVector, TOps>(float* from, int count, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        for (int lane = 0; lane < Lanes; lane += TOps.Count, from += TOps.Count, to += TOps.Count)
        {
            for (int done = 0, next; done < count; done = next)
            {
                int left = count - done, width = count >= Many && left > Some ? Many : count >= Some ? Some : 1;
                int first = Math.Min(done, count - width);
                next = first + width;
                switch (width)
                {
                    case Many:
                        SumMany<TVector, TOps>(from + (first * Step), lane, to + (first * ToStep));
                        break;
                    case Some:
                        SumSome<TVector, TOps>(from + (first * Step), lane, to + (first * ToStep));
                        break;
                    default:
                        SumOne<TVector, TOps>(from + (first * Step), lane, to + (first * ToStep));
                        break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Follow(int* offset, int left, nint step) => left >= TapsTogether && offset[1] - offset[0] == step && offset[2] - offset[1] == step;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SumMany<TVector, TOps>(float* from, int lane, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector a0 = TOps.Zero, a1 = TOps.Zero, a2 = TOps.Zero, a3 = TOps.Zero, a4 = TOps.Zero, a5 = TOps.Zero, a6 = TOps.Zero, a7 = TOps.Zero;
        float* weight = Weights + lane;
        nint step = Step;
        int* offset = Offsets;
        for (int left = Taps; left > 0;)
        {
            float* x = from + *offset, y = x + (4 * step);
            TVector w = TOps.Load(in *weight, 0);
            TVector x0 = TOps.Load(in *x, 0), x1 = TOps.Load(in *(x + step), 0), x2 = TOps.Load(in *(x + (2 * step)), 0), x3 = TOps.Load(in *(x + (3 * step)), 0);
            TVector x4 = TOps.Load(in *y, 0), x5 = TOps.Load(in *(y + step), 0), x6 = TOps.Load(in *(y + (2 * step)), 0), x7 = TOps.Load(in *(y + (3 * step)), 0);
            a0 = TOps.FusedMultiplyAdd(w, x0, a0);
            a1 = TOps.FusedMultiplyAdd(w, x1, a1);
            a2 = TOps.FusedMultiplyAdd(w, x2, a2);
            a3 = TOps.FusedMultiplyAdd(w, x3, a3);
            a4 = TOps.FusedMultiplyAdd(w, x4, a4);
            a5 = TOps.FusedMultiplyAdd(w, x5, a5);
            a6 = TOps.FusedMultiplyAdd(w, x6, a6);
            a7 = TOps.FusedMultiplyAdd(w, x7, a7);
            if (!Follow(offset, left, step))
            {
                weight += Lanes;
                offset++;
                left--;
                continue;
            }

            y += 4 * step;
            TVector x8 = TOps.Load(in *y, 0), x9 = TOps.Load(in *(y + step), 0);
            w = TOps.Load(in *(weight + Lanes), 0);
            a0 = TOps.FusedMultiplyAdd(w, x1, a0);
            a1 = TOps.FusedMultiplyAdd(w, x2, a1);
            a2 = TOps.FusedMultiplyAdd(w, x3, a2);
            a3 = TOps.FusedMultiplyAdd(w, x4, a3);
            a4 = TOps.FusedMultiplyAdd(w, x5, a4);
            a5 = TOps.FusedMultiplyAdd(w, x6, a5);
            a6 = TOps.FusedMultiplyAdd(w, x7, a6);
            a7 = TOps.FusedMultiplyAdd(w, x8, a7);
            w = TOps.Load(in *(weight + (2 * Lanes)), 0);
            a0 = TOps.FusedMultiplyAdd(w, x2, a0);
            a1 = TOps.FusedMultiplyAdd(w, x3, a1);
            a2 = TOps.FusedMultiplyAdd(w, x4, a2);
            a3 = TOps.FusedMultiplyAdd(w, x5, a3);
            a4 = TOps.FusedMultiplyAdd(w, x6, a4);
            a5 = TOps.FusedMultiplyAdd(w, x7, a5);
            a6 = TOps.FusedMultiplyAdd(w, x8, a6);
            a7 = TOps.FusedMultiplyAdd(w, x9, a7);
            weight += TapsTogether * Lanes;
            offset += TapsTogether;
            left -= TapsTogether;
        }

        Store<TVector, TOps>(a0, a1, a2, a3, lane, to);
        Store<TVector, TOps>(a4, a5, a6, a7, lane, to + (4 * ToStep));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SumSome<TVector, TOps>(float* from, int lane, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector a0 = TOps.Zero, a1 = TOps.Zero, a2 = TOps.Zero, a3 = TOps.Zero;
        float* weight = Weights + lane;
        nint step = Step;
        int* offset = Offsets;
        for (int left = Taps; left > 0;)
        {
            float* x = from + *offset;
            TVector w = TOps.Load(in *weight, 0);
            TVector x0 = TOps.Load(in *x, 0), x1 = TOps.Load(in *(x + step), 0), x2 = TOps.Load(in *(x + (2 * step)), 0), x3 = TOps.Load(in *(x + (3 * step)), 0);
            a0 = TOps.FusedMultiplyAdd(w, x0, a0);
            a1 = TOps.FusedMultiplyAdd(w, x1, a1);
            a2 = TOps.FusedMultiplyAdd(w, x2, a2);
            a3 = TOps.FusedMultiplyAdd(w, x3, a3);
            if (!Follow(offset, left, step))
            {
                weight += Lanes;
                offset++;
                left--;
                continue;
            }

            x += 4 * step;
            TVector x4 = TOps.Load(in *x, 0), x5 = TOps.Load(in *(x + step), 0);
            w = TOps.Load(in *(weight + Lanes), 0);
            a0 = TOps.FusedMultiplyAdd(w, x1, a0);
            a1 = TOps.FusedMultiplyAdd(w, x2, a1);
            a2 = TOps.FusedMultiplyAdd(w, x3, a2);
            a3 = TOps.FusedMultiplyAdd(w, x4, a3);
            w = TOps.Load(in *(weight + (2 * Lanes)), 0);
            a0 = TOps.FusedMultiplyAdd(w, x2, a0);
            a1 = TOps.FusedMultiplyAdd(w, x3, a1);
            a2 = TOps.FusedMultiplyAdd(w, x4, a2);
            a3 = TOps.FusedMultiplyAdd(w, x5, a3);
            weight += TapsTogether * Lanes;
            offset += TapsTogether;
            left -= TapsTogether;
        }

        Store<TVector, TOps>(a0, a1, a2, a3, lane, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SumOne<TVector, TOps>(float* from, int lane, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector sum = TOps.Zero;
        for (nint tap = 0; tap < Taps; tap++)
        {
            sum = TOps.FusedMultiplyAdd(TOps.Load(in *(Weights + (tap * Lanes) + lane), 0), TOps.Load(in *(from + Offsets[tap]), 0), sum);
        }

        TOps.Store(Bias == null ? sum : TOps.Add(sum, TOps.Load(in *(Bias + lane), 0)), ref *to, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Store<TVector, TOps>(TVector a0, TVector a1, TVector a2, TVector a3, int lane, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        if (Bias != null)
        {
            TVector bias = TOps.Load(in *(Bias + lane), 0);
            a0 = TOps.Add(a0, bias);
            a1 = TOps.Add(a1, bias);
            a2 = TOps.Add(a2, bias);
            a3 = TOps.Add(a3, bias);
        }

        nint step = ToStep;
        TOps.Store(a0, ref *to, 0);
        TOps.Store(a1, ref *(to + step), 0);
        TOps.Store(a2, ref *(to + (2 * step)), 0);
        TOps.Store(a3, ref *(to + (3 * step)), 0);
    }
}
