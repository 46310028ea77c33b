using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The innermost kernel of all matrix products: a tile of outputs in registers, one fused multiply-add per output and k, in order of k.</summary>
/// <remarks>
/// Segments (slices) are summed by the canonical tree, as a binary counter counts: the value of segment i takes in the left neighbour at each level where
/// i has a trailing 1, and waits at the next one. The last segment takes in whatever waits, from the smallest node up, so that a node whose right half is
/// empty is its left half. The code is written for 12 rows and 2 vectors; the JIT removes what a smaller tile does not have.
/// </remarks>
internal static unsafe class TileKernel
{
    // Optimised from the first call on: unoptimised code, which the runtime would start with, is hundreds of times slower here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TVector, TOps, TRows, TVectors>(ref readonly Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : struct, ITileCount
        where TVectors : struct, ITileCount
    {
        nuint width = (nuint)TOps.Count;
        nint tileWidth = TVectors.Count * TOps.Count;
        nint rowStride = tile.LeftRowStride;
        nint leftStep = tile.LeftStep;
        nint rightStride = tile.RightStride;
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
            float* left3 = left0 + (3 * rowStride), left6 = left3 + (3 * rowStride), left9 = left6 + (3 * rowStride);
            float* right = tile.Right + (rows.First * rightStride);
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
            for (int count = rows.Count; count > 0; count--)
            {
                TVector b0 = TOps.Load(in *right, 0);
                TVector b1 = TVectors.Count > 1 ? TOps.Load(in *right, width) : b0;
                TVector a;
                a = TOps.Broadcast(*left0);
                s0 = TOps.FusedMultiplyAdd(a, b0, s0);
                t0 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t0) : t0;
                if (TRows.Count > 1)
                {
                    a = TOps.Broadcast(*(left0 + rowStride));
                    s1 = TOps.FusedMultiplyAdd(a, b0, s1);
                    t1 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t1) : t1;
                }

                if (TRows.Count > 2)
                {
                    a = TOps.Broadcast(*(left0 + (2 * rowStride)));
                    s2 = TOps.FusedMultiplyAdd(a, b0, s2);
                    t2 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t2) : t2;
                }

                if (TRows.Count > 3)
                {
                    a = TOps.Broadcast(*left3);
                    s3 = TOps.FusedMultiplyAdd(a, b0, s3);
                    t3 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t3) : t3;
                }

                if (TRows.Count > 4)
                {
                    a = TOps.Broadcast(*(left3 + rowStride));
                    s4 = TOps.FusedMultiplyAdd(a, b0, s4);
                    t4 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t4) : t4;
                }

                if (TRows.Count > 5)
                {
                    a = TOps.Broadcast(*(left3 + (2 * rowStride)));
                    s5 = TOps.FusedMultiplyAdd(a, b0, s5);
                    t5 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t5) : t5;
                }

                if (TRows.Count > 6)
                {
                    a = TOps.Broadcast(*left6);
                    s6 = TOps.FusedMultiplyAdd(a, b0, s6);
                    t6 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t6) : t6;
                }

                if (TRows.Count > 7)
                {
                    a = TOps.Broadcast(*(left6 + rowStride));
                    s7 = TOps.FusedMultiplyAdd(a, b0, s7);
                    t7 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t7) : t7;
                }

                if (TRows.Count > 8)
                {
                    a = TOps.Broadcast(*(left6 + (2 * rowStride)));
                    s8 = TOps.FusedMultiplyAdd(a, b0, s8);
                    t8 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t8) : t8;
                }

                if (TRows.Count > 9)
                {
                    a = TOps.Broadcast(*left9);
                    s9 = TOps.FusedMultiplyAdd(a, b0, s9);
                    t9 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t9) : t9;
                }

                if (TRows.Count > 10)
                {
                    a = TOps.Broadcast(*(left9 + rowStride));
                    s10 = TOps.FusedMultiplyAdd(a, b0, s10);
                    t10 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t10) : t10;
                }

                if (TRows.Count > 11)
                {
                    a = TOps.Broadcast(*(left9 + (2 * rowStride)));
                    s11 = TOps.FusedMultiplyAdd(a, b0, s11);
                    t11 = TVectors.Count > 1 ? TOps.FusedMultiplyAdd(a, b1, t11) : t11;
                }

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
                    if (TRows.Count > 1)
                    {
                        s1 = TOps.Add(TOps.Load(in *node, (nuint)tileWidth), s1);
                        t1 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)tileWidth + width), t1) : t1;
                    }

                    if (TRows.Count > 2)
                    {
                        s2 = TOps.Add(TOps.Load(in *node, (nuint)(2 * tileWidth)), s2);
                        t2 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(2 * tileWidth) + width), t2) : t2;
                    }

                    if (TRows.Count > 3)
                    {
                        s3 = TOps.Add(TOps.Load(in *node, (nuint)(3 * tileWidth)), s3);
                        t3 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(3 * tileWidth) + width), t3) : t3;
                    }

                    if (TRows.Count > 4)
                    {
                        s4 = TOps.Add(TOps.Load(in *node, (nuint)(4 * tileWidth)), s4);
                        t4 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(4 * tileWidth) + width), t4) : t4;
                    }

                    if (TRows.Count > 5)
                    {
                        s5 = TOps.Add(TOps.Load(in *node, (nuint)(5 * tileWidth)), s5);
                        t5 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(5 * tileWidth) + width), t5) : t5;
                    }

                    if (TRows.Count > 6)
                    {
                        s6 = TOps.Add(TOps.Load(in *node, (nuint)(6 * tileWidth)), s6);
                        t6 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(6 * tileWidth) + width), t6) : t6;
                    }

                    if (TRows.Count > 7)
                    {
                        s7 = TOps.Add(TOps.Load(in *node, (nuint)(7 * tileWidth)), s7);
                        t7 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(7 * tileWidth) + width), t7) : t7;
                    }

                    if (TRows.Count > 8)
                    {
                        s8 = TOps.Add(TOps.Load(in *node, (nuint)(8 * tileWidth)), s8);
                        t8 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(8 * tileWidth) + width), t8) : t8;
                    }

                    if (TRows.Count > 9)
                    {
                        s9 = TOps.Add(TOps.Load(in *node, (nuint)(9 * tileWidth)), s9);
                        t9 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(9 * tileWidth) + width), t9) : t9;
                    }

                    if (TRows.Count > 10)
                    {
                        s10 = TOps.Add(TOps.Load(in *node, (nuint)(10 * tileWidth)), s10);
                        t10 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(10 * tileWidth) + width), t10) : t10;
                    }

                    if (TRows.Count > 11)
                    {
                        s11 = TOps.Add(TOps.Load(in *node, (nuint)(11 * tileWidth)), s11);
                        t11 = TVectors.Count > 1 ? TOps.Add(TOps.Load(in *node, (nuint)(11 * tileWidth) + width), t11) : t11;
                    }
                }
            }

            if (last && tile.Bias != null)
            {
                TVector bias;
                bias = TOps.Broadcast(tile.Bias[0]);
                s0 = TOps.Add(s0, bias);
                t0 = TVectors.Count > 1 ? TOps.Add(t0, bias) : t0;
                if (TRows.Count > 1)
                {
                    bias = TOps.Broadcast(tile.Bias[1]);
                    s1 = TOps.Add(s1, bias);
                    t1 = TVectors.Count > 1 ? TOps.Add(t1, bias) : t1;
                }

                if (TRows.Count > 2)
                {
                    bias = TOps.Broadcast(tile.Bias[2]);
                    s2 = TOps.Add(s2, bias);
                    t2 = TVectors.Count > 1 ? TOps.Add(t2, bias) : t2;
                }

                if (TRows.Count > 3)
                {
                    bias = TOps.Broadcast(tile.Bias[3]);
                    s3 = TOps.Add(s3, bias);
                    t3 = TVectors.Count > 1 ? TOps.Add(t3, bias) : t3;
                }

                if (TRows.Count > 4)
                {
                    bias = TOps.Broadcast(tile.Bias[4]);
                    s4 = TOps.Add(s4, bias);
                    t4 = TVectors.Count > 1 ? TOps.Add(t4, bias) : t4;
                }

                if (TRows.Count > 5)
                {
                    bias = TOps.Broadcast(tile.Bias[5]);
                    s5 = TOps.Add(s5, bias);
                    t5 = TVectors.Count > 1 ? TOps.Add(t5, bias) : t5;
                }

                if (TRows.Count > 6)
                {
                    bias = TOps.Broadcast(tile.Bias[6]);
                    s6 = TOps.Add(s6, bias);
                    t6 = TVectors.Count > 1 ? TOps.Add(t6, bias) : t6;
                }

                if (TRows.Count > 7)
                {
                    bias = TOps.Broadcast(tile.Bias[7]);
                    s7 = TOps.Add(s7, bias);
                    t7 = TVectors.Count > 1 ? TOps.Add(t7, bias) : t7;
                }

                if (TRows.Count > 8)
                {
                    bias = TOps.Broadcast(tile.Bias[8]);
                    s8 = TOps.Add(s8, bias);
                    t8 = TVectors.Count > 1 ? TOps.Add(t8, bias) : t8;
                }

                if (TRows.Count > 9)
                {
                    bias = TOps.Broadcast(tile.Bias[9]);
                    s9 = TOps.Add(s9, bias);
                    t9 = TVectors.Count > 1 ? TOps.Add(t9, bias) : t9;
                }

                if (TRows.Count > 10)
                {
                    bias = TOps.Broadcast(tile.Bias[10]);
                    s10 = TOps.Add(s10, bias);
                    t10 = TVectors.Count > 1 ? TOps.Add(t10, bias) : t10;
                }

                if (TRows.Count > 11)
                {
                    bias = TOps.Broadcast(tile.Bias[11]);
                    s11 = TOps.Add(s11, bias);
                    t11 = TVectors.Count > 1 ? TOps.Add(t11, bias) : t11;
                }
            }

            float* to = last ? tile.To : tile.Levels + (level * TRows.Count * tileWidth);
            nint toStride = last ? tile.ToStride : tileWidth;
            Store<TVector, TOps, TVectors>(s0, t0, to);
            if (TRows.Count > 1)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s1, t1, to);
            }

            if (TRows.Count > 2)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s2, t2, to);
            }

            if (TRows.Count > 3)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s3, t3, to);
            }

            if (TRows.Count > 4)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s4, t4, to);
            }

            if (TRows.Count > 5)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s5, t5, to);
            }

            if (TRows.Count > 6)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s6, t6, to);
            }

            if (TRows.Count > 7)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s7, t7, to);
            }

            if (TRows.Count > 8)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s8, t8, to);
            }

            if (TRows.Count > 9)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s9, t9, to);
            }

            if (TRows.Count > 10)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s10, t10, to);
            }

            if (TRows.Count > 11)
            {
                to += toStride;
                Store<TVector, TOps, TVectors>(s11, t11, to);
            }

            if (last)
            {
                return;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TOps, TVectors>(TVector first, TVector second, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : struct, ITileCount
    {
        TOps.Store(first, ref *to, 0);
        if (TVectors.Count > 1)
        {
            TOps.Store(second, ref *to, (nuint)TOps.Count);
        }
    }
}
