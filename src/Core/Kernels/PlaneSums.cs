using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>One channel of some samples: a plane of pixels in each, at equal distances.</summary>
/// <param name="first">The first sample's plane.</param>
/// <param name="distance">Floats from one plane to the next.</param>
/// <param name="count">How many planes.</param>
/// <param name="pixels">Floats of a plane.</param>
/// <param name="end">Where the memory ends that may be read.</param>
internal readonly unsafe struct ChannelPlanes(float* first, int distance, int count, int pixels, float* end)
{
    public float* First => first;

    public int Distance => distance;

    public int Count => count;

    public int Pixels => pixels;

    public float* End => end;
}

/// <summary>What is summed over planes: of d = x − mean, and where it is asked for, of a gradient g at the same places.</summary>
internal interface IPlaneTerm
{
    /// <summary>Whether there is a gradient, and with it a second sum.</summary>
    static abstract bool HasGradient { get; }

    /// <summary>The first sum with d and g taken in. Where both are +0 it stays as it is.</summary>
    static abstract TVector First<TVector, TOps>(TVector sum, TVector d, TVector g)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Sums over the planes of one channel, in 16 virtual lanes whatever the hardware's width: in each plane pixel i goes to lane i mod 16, in order from +0; the planes' lanes
/// are added up in order, a chain by sample from +0; then lane l + lane l + 8, then + 4, + 2, + 1. A short last line is filled up with +0, which changes no lane.</summary>
internal static unsafe class PlaneSums
{
    private const int Lanes = MapKernels.Lanes;

    // All ones, then zeros: read from 16 − n on, a mask of n lanes.
    private static ReadOnlySpan<uint> Mask =>
    [
        ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>The term's sum, and Σ g · d, a chain of fused multiply-adds, where the term has a gradient.</summary>
    /// <param name="planes">Where x is.</param>
    /// <param name="mean">What d is the distance from.</param>
    /// <param name="gradient">The first plane of g, which lies as x does; anything where there is none.</param>
    /// <remarks>As many lanes at a time as a vector has, through all planes. Nothing is called in the loops, so that sums stay in registers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float First, float Second) Of<TVector, TOps, TTerm>(in ChannelPlanes planes, float mean, float* gradient)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TTerm : struct, IPlaneTerm
    {
        LaneBuffer first, second;
        Unsafe.SkipInit(out first);
        Unsafe.SkipInit(out second);
        LaneBuffer lastX = default, lastG = default;
        nuint whole = (nuint)(planes.Pixels / Lanes * Lanes), rest = (nuint)planes.Pixels % Lanes, width = (nuint)TOps.Count;
        TVector m = TOps.Broadcast(mean);
        for (nuint lane = 0; lane < Lanes; lane += width)
        {
            float* x = planes.First + lane, g = TTerm.HasGradient ? gradient + lane : x;
            TVector present = TOps.Load(in Unsafe.As<uint, float>(ref Unsafe.AsRef(in Mask[Lanes - (int)rest])), lane);
            TVector sum = TOps.Zero, product = TOps.Zero;
            for (int plane = 0; plane < planes.Count; plane++)
            {
                TVector s = TOps.Zero, u = TOps.Zero;
                for (nuint i = 0; i < whole; i += Lanes)
                {
                    TVector d = TOps.Subtract(TOps.Load(in *x, i), m), at = TTerm.HasGradient ? TOps.Load(in *g, i) : TOps.Zero;
                    s = TTerm.First<TVector, TOps>(s, d, at);
                    u = TTerm.HasGradient ? TOps.FusedMultiplyAdd(at, d, u) : u;
                }

                if (lane < rest)
                {
                    // What follows the plane is read and masked; nothing follows the last one.
                    bool inside = x + whole + width <= planes.End;
                    for (nuint i = 0; !inside && i < rest - lane && i < width; i++)
                    {
                        lastX[(int)i] = x[whole + i];
                        lastG[(int)i] = g[whole + i];
                    }

                    TVector d = TOps.And(present, TOps.Subtract(inside ? TOps.Load(in *x, whole) : TOps.Load(in lastX[0], 0), m));
                    TVector at = !TTerm.HasGradient ? TOps.Zero : TOps.And(present, inside ? TOps.Load(in *g, whole) : TOps.Load(in lastG[0], 0));
                    s = TTerm.First<TVector, TOps>(s, d, at);
                    u = TTerm.HasGradient ? TOps.FusedMultiplyAdd(at, d, u) : u;
                }

                sum = TOps.Add(sum, s);
                product = TOps.Add(product, u);
                x += planes.Distance;
                g += planes.Distance;
            }

            TOps.Store(sum, ref first[0], lane);
            TOps.Store(product, ref second[0], lane);
        }

        return (RowSums.Combine(ref first), TTerm.HasGradient ? RowSums.Combine(ref second) : 0);
    }
}

/// <summary>Σ d.</summary>
internal readonly struct DeviationTerm : IPlaneTerm
{
    public static bool HasGradient => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector First<TVector, TOps>(TVector sum, TVector d, TVector g)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Add(sum, d);
}

/// <summary>Σ d², a chain of fused multiply-adds.</summary>
internal readonly struct SquareTerm : IPlaneTerm
{
    public static bool HasGradient => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector First<TVector, TOps>(TVector sum, TVector d, TVector g)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.FusedMultiplyAdd(d, d, sum);
}

/// <summary>Σ g.</summary>
internal readonly struct GradientTerm : IPlaneTerm
{
    public static bool HasGradient => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector First<TVector, TOps>(TVector sum, TVector d, TVector g)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Add(sum, g);
}
