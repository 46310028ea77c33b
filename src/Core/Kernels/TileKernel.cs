using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The innermost kernel of all products, convolutions among them: a tile of outputs in registers, one fused multiply-add per output and k, in order of k.</summary>
/// <remarks>
/// Segments (slices) are summed by the canonical tree, as a binary counter counts: the value of segment i takes in the left neighbour at each level where
/// i has a trailing 1, and waits at the next one. The last segment takes in whatever waits, from the smallest node up, so that a node whose right half is
/// empty is its left half. The code is written for 12 rows and 2 vectors; the JIT removes what a smaller tile does not have.
/// </remarks>
internal static unsafe class TileKernel
{
    // Optimised from the first call on: unoptimised code, which the runtime would start with, is hundreds of times slower here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TVector, TOps, TRows, TVectors, TWalk>(ref readonly Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : struct, ITileCount
        where TVectors : struct, ITileCount
        where TWalk : struct, ITileWalk
    {
        nuint width = (nuint)TOps.Count;
        nint tileWidth = TVectors.Count * TOps.Count;
        nint rowStride = tile.LeftRowStride;
        nint leftStep = TWalk.LeftIsListed ? 0 : tile.LeftStep;
        nint rightStride = TWalk.RightIsListed ? 0 : tile.RightStride;
        int* steps = tile.Steps;
        nint leftAhead = tile.LeftAhead;
        nint aheadStep = tile.Ahead.Step;
        nint aheadSecond = tile.Ahead.Second;
        nint second = TWalk.RightIsListed ? tile.SecondRight : TOps.Count;
        TVector s0, t0;
        TVector s1, t1;
        TVector s2, t2;
        TVector s3, t3;
        TVector s4, t4;
        TVector s5, t5;
        TVector s6, t6;
        TVector s7, t7;
        TVector s8, t8;
        TVector s9, t9;
        TVector s10, t10;
        TVector s11, t11;
        for (int segment = 0; ; segment++)
        {
            // Row pointers for every third row: the two rows after each are one and two strides away, which an address can hold.
            SliceRows rows = tile.Segments[segment];
            float* left0 = tile.Left + (rows.First * leftStep);
            nint groupStride = TWalk.LeftIsListed ? tile.LeftGroupStride : 3 * rowStride;
            float* left3 = left0 + groupStride, left6 = left3 + groupStride, left9 = left6 + groupStride;
            float* right = tile.Right + (rows.First * rightStride);
            float* ahead = tile.Ahead.First == null ? right : tile.Ahead.First + (Math.Min(rows.First, tile.Ahead.Count) * aheadStep);
            nint aheadEnd = rows.First + rows.Count - tile.Ahead.Count;
            s0 = t0 = TOps.Zero;
            s1 = t1 = TOps.Zero;
            s2 = t2 = TOps.Zero;
            s3 = t3 = TOps.Zero;
            s4 = t4 = TOps.Zero;
            s5 = t5 = TOps.Zero;
            s6 = t6 = TOps.Zero;
            s7 = t7 = TOps.Zero;
            s8 = t8 = TOps.Zero;
            s9 = t9 = TOps.Zero;
            s10 = t10 = TOps.Zero;
            s11 = t11 = TOps.Zero;
            if (!TWalk.RightIsListed && tile.Continues)
            {
                // The chain goes on from where the last call left it.
                float* start = tile.To;
                nint stride = tile.ToStride;
                s0 = TOps.Load(in *start, 0);
                t0 = TVectors.Count > 1 ? TOps.Load(in *start, width) : t0;
                s1 = TRows.Count > 1 ? TOps.Load(in *(start + stride), 0) : s1;
                t1 = TVectors.Count > 1 && TRows.Count > 1 ? TOps.Load(in *(start + stride), width) : t1;
                s2 = TRows.Count > 2 ? TOps.Load(in *(start + (2 * stride)), 0) : s2;
                t2 = TVectors.Count > 1 && TRows.Count > 2 ? TOps.Load(in *(start + (2 * stride)), width) : t2;
                s3 = TRows.Count > 3 ? TOps.Load(in *(start + (3 * stride)), 0) : s3;
                t3 = TVectors.Count > 1 && TRows.Count > 3 ? TOps.Load(in *(start + (3 * stride)), width) : t3;
                s4 = TRows.Count > 4 ? TOps.Load(in *(start + (4 * stride)), 0) : s4;
                t4 = TVectors.Count > 1 && TRows.Count > 4 ? TOps.Load(in *(start + (4 * stride)), width) : t4;
                s5 = TRows.Count > 5 ? TOps.Load(in *(start + (5 * stride)), 0) : s5;
                t5 = TVectors.Count > 1 && TRows.Count > 5 ? TOps.Load(in *(start + (5 * stride)), width) : t5;
                s6 = TRows.Count > 6 ? TOps.Load(in *(start + (6 * stride)), 0) : s6;
                t6 = TVectors.Count > 1 && TRows.Count > 6 ? TOps.Load(in *(start + (6 * stride)), width) : t6;
                s7 = TRows.Count > 7 ? TOps.Load(in *(start + (7 * stride)), 0) : s7;
                t7 = TVectors.Count > 1 && TRows.Count > 7 ? TOps.Load(in *(start + (7 * stride)), width) : t7;
                s8 = TRows.Count > 8 ? TOps.Load(in *(start + (8 * stride)), 0) : s8;
                t8 = TVectors.Count > 1 && TRows.Count > 8 ? TOps.Load(in *(start + (8 * stride)), width) : t8;
                s9 = TRows.Count > 9 ? TOps.Load(in *(start + (9 * stride)), 0) : s9;
                t9 = TVectors.Count > 1 && TRows.Count > 9 ? TOps.Load(in *(start + (9 * stride)), width) : t9;
                s10 = TRows.Count > 10 ? TOps.Load(in *(start + (10 * stride)), 0) : s10;
                t10 = TVectors.Count > 1 && TRows.Count > 10 ? TOps.Load(in *(start + (10 * stride)), width) : t10;
                s11 = TRows.Count > 11 ? TOps.Load(in *(start + (11 * stride)), 0) : s11;
                t11 = TVectors.Count > 1 && TRows.Count > 11 ? TOps.Load(in *(start + (11 * stride)), width) : t11;
            }

            for (int count = rows.Count; count > 0; count--)
            {
                TVector b0 = TOps.Load(in *right, 0);
                TVector b1 = TVectors.Count > 1 ? TOps.Load(in *(right + second), 0) : b0;
                if (!TWalk.LeftIsListed && !TWalk.RightIsListed)
                {
                    // Steps while count > aheadEnd, without a branch.
                    Prefetch.Line(left0 + leftAhead);
                    Prefetch.Line(ahead);
                    Prefetch.Line(ahead + aheadSecond);
                    ahead += aheadStep & ((aheadEnd - count) >> 63);
                }

                TVector a;
                a = TOps.Broadcast(*left0);
                s0 = TOps.FusedMultiplyAdd(a, b0, s0);
                t0 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t0) : t0;
                a = TRows.Count > 1 ? TOps.Broadcast(*(left0 + rowStride)) : a;
                s1 = TRows.Count > 1 ? TOps.FusedMultiplyAdd(a, b0, s1) : s1;
                t1 = TVectors.Count > 1 && TRows.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t1) : t1;
                a = TRows.Count > 2 ? TOps.Broadcast(*(left0 + (2 * rowStride))) : a;
                s2 = TRows.Count > 2 ? TOps.FusedMultiplyAdd(a, b0, s2) : s2;
                t2 = TVectors.Count > 1 && TRows.Count > 2 ? TOps.FusedMultiplyAdd(a, b1, t2) : t2;
                a = TRows.Count > 3 ? TOps.Broadcast(*left3) : a;
                s3 = TRows.Count > 3 ? TOps.FusedMultiplyAdd(a, b0, s3) : s3;
                t3 = TVectors.Count > 1 && TRows.Count > 3 ? TOps.FusedMultiplyAdd(a, b1, t3) : t3;
                a = TRows.Count > 4 ? TOps.Broadcast(*(left3 + rowStride)) : a;
                s4 = TRows.Count > 4 ? TOps.FusedMultiplyAdd(a, b0, s4) : s4;
                t4 = TVectors.Count > 1 && TRows.Count > 4 ? TOps.FusedMultiplyAdd(a, b1, t4) : t4;
                a = TRows.Count > 5 ? TOps.Broadcast(*(left3 + (2 * rowStride))) : a;
                s5 = TRows.Count > 5 ? TOps.FusedMultiplyAdd(a, b0, s5) : s5;
                t5 = TVectors.Count > 1 && TRows.Count > 5 ? TOps.FusedMultiplyAdd(a, b1, t5) : t5;
                a = TRows.Count > 6 ? TOps.Broadcast(*left6) : a;
                s6 = TRows.Count > 6 ? TOps.FusedMultiplyAdd(a, b0, s6) : s6;
                t6 = TVectors.Count > 1 && TRows.Count > 6 ? TOps.FusedMultiplyAdd(a, b1, t6) : t6;
                a = TRows.Count > 7 ? TOps.Broadcast(*(left6 + rowStride)) : a;
                s7 = TRows.Count > 7 ? TOps.FusedMultiplyAdd(a, b0, s7) : s7;
                t7 = TVectors.Count > 1 && TRows.Count > 7 ? TOps.FusedMultiplyAdd(a, b1, t7) : t7;
                a = TRows.Count > 8 ? TOps.Broadcast(*(left6 + (2 * rowStride))) : a;
                s8 = TRows.Count > 8 ? TOps.FusedMultiplyAdd(a, b0, s8) : s8;
                t8 = TVectors.Count > 1 && TRows.Count > 8 ? TOps.FusedMultiplyAdd(a, b1, t8) : t8;
                a = TRows.Count > 9 ? TOps.Broadcast(*left9) : a;
                s9 = TRows.Count > 9 ? TOps.FusedMultiplyAdd(a, b0, s9) : s9;
                t9 = TVectors.Count > 1 && TRows.Count > 9 ? TOps.FusedMultiplyAdd(a, b1, t9) : t9;
                a = TRows.Count > 10 ? TOps.Broadcast(*(left9 + rowStride)) : a;
                s10 = TRows.Count > 10 ? TOps.FusedMultiplyAdd(a, b0, s10) : s10;
                t10 = TVectors.Count > 1 && TRows.Count > 10 ? TOps.FusedMultiplyAdd(a, b1, t10) : t10;
                a = TRows.Count > 11 ? TOps.Broadcast(*(left9 + (2 * rowStride))) : a;
                s11 = TRows.Count > 11 ? TOps.FusedMultiplyAdd(a, b0, s11) : s11;
                t11 = TVectors.Count > 1 && TRows.Count > 11 ? TOps.FusedMultiplyAdd(a, b1, t11) : t11;
                leftStep = TWalk.LeftIsListed ? *steps++ : leftStep;
                rightStride = TWalk.RightIsListed ? *steps++ : rightStride;
                left0 += leftStep;
                left3 += leftStep;
                left6 += leftStep;
                left9 += leftStep;
                right += rightStride;
            }

            bool last = segment == tile.SegmentCount - 1;
            int level = 0;
            for (int waiting = segment; waiting != 0 && ((waiting & 1) != 0 || last); waiting >>= 1, level++)
            {
                if ((waiting & 1) != 0)
                {
                    float* node = tile.Levels + (level * TRows.Count * tileWidth);
                    s0 = TOps.Add(TOps.Load(in *node, 0), s0);
                    t0 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, width), t0) : t0;
                    s1 = TRows.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)tileWidth), s1) : s1;
                    t1 = TVectors.Count > 1 && TRows.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)tileWidth + width), t1) : t1;
                    s2 = TRows.Count > 2 ? TOps.Add(TOps.Load(in *node, (nuint)(2 * tileWidth)), s2) : s2;
                    t2 = TVectors.Count > 1 && TRows.Count > 2 ? TOps.Add(TOps.Load(in *node, (nuint)(2 * tileWidth) + width), t2) : t2;
                    s3 = TRows.Count > 3 ? TOps.Add(TOps.Load(in *node, (nuint)(3 * tileWidth)), s3) : s3;
                    t3 = TVectors.Count > 1 && TRows.Count > 3 ? TOps.Add(TOps.Load(in *node, (nuint)(3 * tileWidth) + width), t3) : t3;
                    s4 = TRows.Count > 4 ? TOps.Add(TOps.Load(in *node, (nuint)(4 * tileWidth)), s4) : s4;
                    t4 = TVectors.Count > 1 && TRows.Count > 4 ? TOps.Add(TOps.Load(in *node, (nuint)(4 * tileWidth) + width), t4) : t4;
                    s5 = TRows.Count > 5 ? TOps.Add(TOps.Load(in *node, (nuint)(5 * tileWidth)), s5) : s5;
                    t5 = TVectors.Count > 1 && TRows.Count > 5 ? TOps.Add(TOps.Load(in *node, (nuint)(5 * tileWidth) + width), t5) : t5;
                    s6 = TRows.Count > 6 ? TOps.Add(TOps.Load(in *node, (nuint)(6 * tileWidth)), s6) : s6;
                    t6 = TVectors.Count > 1 && TRows.Count > 6 ? TOps.Add(TOps.Load(in *node, (nuint)(6 * tileWidth) + width), t6) : t6;
                    s7 = TRows.Count > 7 ? TOps.Add(TOps.Load(in *node, (nuint)(7 * tileWidth)), s7) : s7;
                    t7 = TVectors.Count > 1 && TRows.Count > 7 ? TOps.Add(TOps.Load(in *node, (nuint)(7 * tileWidth) + width), t7) : t7;
                    s8 = TRows.Count > 8 ? TOps.Add(TOps.Load(in *node, (nuint)(8 * tileWidth)), s8) : s8;
                    t8 = TVectors.Count > 1 && TRows.Count > 8 ? TOps.Add(TOps.Load(in *node, (nuint)(8 * tileWidth) + width), t8) : t8;
                    s9 = TRows.Count > 9 ? TOps.Add(TOps.Load(in *node, (nuint)(9 * tileWidth)), s9) : s9;
                    t9 = TVectors.Count > 1 && TRows.Count > 9 ? TOps.Add(TOps.Load(in *node, (nuint)(9 * tileWidth) + width), t9) : t9;
                    s10 = TRows.Count > 10 ? TOps.Add(TOps.Load(in *node, (nuint)(10 * tileWidth)), s10) : s10;
                    t10 = TVectors.Count > 1 && TRows.Count > 10 ? TOps.Add(TOps.Load(in *node, (nuint)(10 * tileWidth) + width), t10) : t10;
                    s11 = TRows.Count > 11 ? TOps.Add(TOps.Load(in *node, (nuint)(11 * tileWidth)), s11) : s11;
                    t11 = TVectors.Count > 1 && TRows.Count > 11 ? TOps.Add(TOps.Load(in *node, (nuint)(11 * tileWidth) + width), t11) : t11;
                }
            }

            if (last && tile.Bias != null)
            {
                TVector bias;
                bias = TOps.Broadcast(tile.Bias[0]);
                s0 = TOps.Add(s0, bias);
                t0 = TVectors.Count > 1 ? TOps.Add(t0, bias) : t0;
                bias = TRows.Count > 1 ? TOps.Broadcast(tile.Bias[1]) : bias;
                s1 = TRows.Count > 1 ? TOps.Add(s1, bias) : s1;
                t1 = TVectors.Count > 1 && TRows.Count > 1 ? TOps.Add(t1, bias) : t1;
                bias = TRows.Count > 2 ? TOps.Broadcast(tile.Bias[2]) : bias;
                s2 = TRows.Count > 2 ? TOps.Add(s2, bias) : s2;
                t2 = TVectors.Count > 1 && TRows.Count > 2 ? TOps.Add(t2, bias) : t2;
                bias = TRows.Count > 3 ? TOps.Broadcast(tile.Bias[3]) : bias;
                s3 = TRows.Count > 3 ? TOps.Add(s3, bias) : s3;
                t3 = TVectors.Count > 1 && TRows.Count > 3 ? TOps.Add(t3, bias) : t3;
                bias = TRows.Count > 4 ? TOps.Broadcast(tile.Bias[4]) : bias;
                s4 = TRows.Count > 4 ? TOps.Add(s4, bias) : s4;
                t4 = TVectors.Count > 1 && TRows.Count > 4 ? TOps.Add(t4, bias) : t4;
                bias = TRows.Count > 5 ? TOps.Broadcast(tile.Bias[5]) : bias;
                s5 = TRows.Count > 5 ? TOps.Add(s5, bias) : s5;
                t5 = TVectors.Count > 1 && TRows.Count > 5 ? TOps.Add(t5, bias) : t5;
                bias = TRows.Count > 6 ? TOps.Broadcast(tile.Bias[6]) : bias;
                s6 = TRows.Count > 6 ? TOps.Add(s6, bias) : s6;
                t6 = TVectors.Count > 1 && TRows.Count > 6 ? TOps.Add(t6, bias) : t6;
                bias = TRows.Count > 7 ? TOps.Broadcast(tile.Bias[7]) : bias;
                s7 = TRows.Count > 7 ? TOps.Add(s7, bias) : s7;
                t7 = TVectors.Count > 1 && TRows.Count > 7 ? TOps.Add(t7, bias) : t7;
                bias = TRows.Count > 8 ? TOps.Broadcast(tile.Bias[8]) : bias;
                s8 = TRows.Count > 8 ? TOps.Add(s8, bias) : s8;
                t8 = TVectors.Count > 1 && TRows.Count > 8 ? TOps.Add(t8, bias) : t8;
                bias = TRows.Count > 9 ? TOps.Broadcast(tile.Bias[9]) : bias;
                s9 = TRows.Count > 9 ? TOps.Add(s9, bias) : s9;
                t9 = TVectors.Count > 1 && TRows.Count > 9 ? TOps.Add(t9, bias) : t9;
                bias = TRows.Count > 10 ? TOps.Broadcast(tile.Bias[10]) : bias;
                s10 = TRows.Count > 10 ? TOps.Add(s10, bias) : s10;
                t10 = TVectors.Count > 1 && TRows.Count > 10 ? TOps.Add(t10, bias) : t10;
                bias = TRows.Count > 11 ? TOps.Broadcast(tile.Bias[11]) : bias;
                s11 = TRows.Count > 11 ? TOps.Add(s11, bias) : s11;
                t11 = TVectors.Count > 1 && TRows.Count > 11 ? TOps.Add(t11, bias) : t11;
            }

            float* to = last ? tile.To : tile.Levels + (level * TRows.Count * tileWidth);
            nint toStride = last ? tile.ToStride : tileWidth;
            nint toSecond = TWalk.RightIsListed && last ? tile.SecondTo : TOps.Count;
            Store<TVector, TOps, TVectors>(s0, t0, to, toSecond);
            if (TRows.Count > 1)
            {
                Store<TVector, TOps, TVectors>(s1, t1, to + toStride, toSecond);
            }

            if (TRows.Count > 2)
            {
                Store<TVector, TOps, TVectors>(s2, t2, to + (2 * toStride), toSecond);
            }

            if (TRows.Count > 3)
            {
                Store<TVector, TOps, TVectors>(s3, t3, to + (3 * toStride), toSecond);
            }

            if (TRows.Count > 4)
            {
                Store<TVector, TOps, TVectors>(s4, t4, to + (4 * toStride), toSecond);
            }

            if (TRows.Count > 5)
            {
                Store<TVector, TOps, TVectors>(s5, t5, to + (5 * toStride), toSecond);
            }

            if (TRows.Count > 6)
            {
                Store<TVector, TOps, TVectors>(s6, t6, to + (6 * toStride), toSecond);
            }

            if (TRows.Count > 7)
            {
                Store<TVector, TOps, TVectors>(s7, t7, to + (7 * toStride), toSecond);
            }

            if (TRows.Count > 8)
            {
                Store<TVector, TOps, TVectors>(s8, t8, to + (8 * toStride), toSecond);
            }

            if (TRows.Count > 9)
            {
                Store<TVector, TOps, TVectors>(s9, t9, to + (9 * toStride), toSecond);
            }

            if (TRows.Count > 10)
            {
                Store<TVector, TOps, TVectors>(s10, t10, to + (10 * toStride), toSecond);
            }

            if (TRows.Count > 11)
            {
                Store<TVector, TOps, TVectors>(s11, t11, to + (11 * toStride), toSecond);
            }

            if (last)
            {
                return;
            }
        }
    }

    // The second vector after the first: where the two overlap, its lanes are the ones that count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TOps, TVectors>(TVector first, TVector second, float* to, nint toSecond)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : struct, ITileCount
    {
        TOps.Store(first, ref *to, 0);
        if (TVectors.Count > 1)
        {
            TOps.Store(second, ref *(to + toSecond), 0);
        }
    }
}
