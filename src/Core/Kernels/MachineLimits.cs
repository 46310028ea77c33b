using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>What one core can do at most: the limits beside which every figure stands.</summary>
/// <param name="FmaGflops">Independent fused multiply-adds from registers, in 10⁹ operations a second (a fused one counts as two).</param>
/// <param name="CopyGigabytesPerSecond">A copy between arrays far larger than the caches; bytes read plus bytes written.</param>
public sealed record MachineLimits(double FmaGflops, double CopyGigabytesPerSecond)
{
    private const int CopyBytes = 256 << 20;

    /// <summary>Measures both on the calling thread, within about a second, the best of several short runs each: a limit is what was reached once. Takes half a gigabyte meanwhile.</summary>
    /// <param name="unit">The vector width.</param>
    public static MachineLimits Measure(VectorUnit unit)
    {
        double fma = MeasureFma(unit);
        byte[] from = new byte[CopyBytes];
        byte[] to = new byte[CopyBytes];
        from.AsSpan().Fill(1); // a page never written is the one page of zeros, which stays in the cache
        double copy = 0;
        for (int run = 0; run < 5; run++)
        {
            long start = Stopwatch.GetTimestamp();
            from.CopyTo(to, 0);
            copy = Math.Max(copy, 2.0 * CopyBytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }

        return new MachineLimits(fma, copy);
    }

    /// <summary>The multiply-adds alone, within some tens of milliseconds: the best of several short runs, in 10⁹ operations a second.</summary>
    /// <param name="unit">The vector width.</param>
    public static double MeasureFma(VectorUnit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        double fma = 0;
        for (int run = 0; run < 12; run++)
        {
            FmaLoop loop = new() { Rounds = 2_000_000 };
            long start = Stopwatch.GetTimestamp();
            unit.Run(ref loop);
            fma = Math.Max(fma, loop.Operations / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }

        return fma;
    }

    /// <summary>Twelve chains of multiply-adds: enough to hide the latency of two units, few enough for sixteen registers.</summary>
    private struct FmaLoop : IKernel
    {
        public int Rounds;
        public double Operations;
        public float Result;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            TVector factor = TOps.Broadcast(0.999f);
            TVector term = TOps.Broadcast(0.001f);
            TVector a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term, k = term, l = term;
            for (int round = 0; round < Rounds; round++)
            {
                a = TOps.FusedMultiplyAdd(a, factor, term);
                b = TOps.FusedMultiplyAdd(b, factor, term);
                c = TOps.FusedMultiplyAdd(c, factor, term);
                d = TOps.FusedMultiplyAdd(d, factor, term);
                e = TOps.FusedMultiplyAdd(e, factor, term);
                f = TOps.FusedMultiplyAdd(f, factor, term);
                g = TOps.FusedMultiplyAdd(g, factor, term);
                h = TOps.FusedMultiplyAdd(h, factor, term);
                i = TOps.FusedMultiplyAdd(i, factor, term);
                j = TOps.FusedMultiplyAdd(j, factor, term);
                k = TOps.FusedMultiplyAdd(k, factor, term);
                l = TOps.FusedMultiplyAdd(l, factor, term);
            }

            TVector sum = TOps.Add(TOps.Add(TOps.Add(a, b), TOps.Add(c, d)), TOps.Add(TOps.Add(TOps.Add(e, f), TOps.Add(g, h)), TOps.Add(TOps.Add(i, j), TOps.Add(k, l))));
            Span<float> lanes = stackalloc float[16];
            TOps.Store(sum, ref lanes[0], 0);
            Result = lanes[0];
            Operations = 2.0 * 12 * TOps.Count * Rounds;
        }
    }
}
