using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The innermost kernel of all matrix products: a tile of outputs in registers, one fused multiply-add per output and k, in order of k.</summary>
/// <remarks>
/// Segments (slices) are summed by the canonical tree, as a binary counter counts: the value of segment i takes in the left neighbour at each level where
/// i has a trailing 1, and waits at the next one. The last segment takes in whatever waits, from the smallest node up, so that a node whose right half is
/// empty is its left half. The code is written for 12 rows and 2 vectors; the JIT removes what a smaller shape does not have.
/// </remarks>
internal static unsafe class TileKernel
{
    // Optimised from the first call on: unoptimised code, which the runtime would start with, is hundreds of times slower here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TVector, TOps, TShape>(ref readonly Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TShape : struct, ITileShape
    {
        nuint width = (nuint)TOps.Count;
        nuint tileWidth = (nuint)(TShape.Vectors * TOps.Count);
        nint rightStride = tile.RightStride;
        float* left = tile.Left;
        float* right = tile.Right;
        TVector s0 = TOps.Zero, t0 = TOps.Zero;
        TVector s1 = TOps.Zero, t1 = TOps.Zero;
        TVector s2 = TOps.Zero, t2 = TOps.Zero;
        TVector s3 = TOps.Zero, t3 = TOps.Zero;
        TVector s4 = TOps.Zero, t4 = TOps.Zero;
        TVector s5 = TOps.Zero, t5 = TOps.Zero;
        TVector s6 = TOps.Zero, t6 = TOps.Zero;
        TVector s7 = TOps.Zero, t7 = TOps.Zero;
        TVector s8 = TOps.Zero, t8 = TOps.Zero;
        TVector s9 = TOps.Zero, t9 = TOps.Zero;
        TVector s10 = TOps.Zero, t10 = TOps.Zero;
        TVector s11 = TOps.Zero, t11 = TOps.Zero;
        for (int segment = 0; ; segment++)
        {
            float* start = tile.Start;
            if (start == null)
            {
                s0 = t0 = TOps.Zero;
                s1 = t1 = TOps.Zero;
                s2 = t2 = TOps.Zero;
                s3 = t3 = TOps.Zero;
                if (TShape.Rows > 4)
                {
                    s4 = t4 = TOps.Zero;
                    s5 = t5 = TOps.Zero;
                }

                if (TShape.Rows > 6)
                {
                    s6 = t6 = TOps.Zero;
                    s7 = t7 = TOps.Zero;
                }

                if (TShape.Rows > 8)
                {
                    s8 = t8 = TOps.Zero;
                    s9 = t9 = TOps.Zero;
                    s10 = t10 = TOps.Zero;
                    s11 = t11 = TOps.Zero;
                }
            }
            else
            {
                s0 = TOps.Load(in *start, 0);
                t0 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                start += tile.StartStride;
                s1 = TOps.Load(in *start, 0);
                t1 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                start += tile.StartStride;
                s2 = TOps.Load(in *start, 0);
                t2 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                start += tile.StartStride;
                s3 = TOps.Load(in *start, 0);
                t3 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                start += tile.StartStride;
                if (TShape.Rows > 4)
                {
                    s4 = TOps.Load(in *start, 0);
                    t4 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                    s5 = TOps.Load(in *start, 0);
                    t5 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                }

                if (TShape.Rows > 6)
                {
                    s6 = TOps.Load(in *start, 0);
                    t6 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                    s7 = TOps.Load(in *start, 0);
                    t7 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                }

                if (TShape.Rows > 8)
                {
                    s8 = TOps.Load(in *start, 0);
                    t8 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                    s9 = TOps.Load(in *start, 0);
                    t9 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                    s10 = TOps.Load(in *start, 0);
                    t10 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                    s11 = TOps.Load(in *start, 0);
                    t11 = TShape.Vectors > 1 ? TOps.Load(in *start, width) : TOps.Zero;
                    start += tile.StartStride;
                }
            }

            for (int count = tile.Counts[segment]; count > 0; count--)
            {
                TVector b0 = TOps.Load(in *right, 0);
                TVector b1 = TShape.Vectors > 1 ? TOps.Load(in *right, width) : b0;
                TVector a;
                a = TOps.Broadcast(left[0]);
                s0 = TOps.FusedMultiplyAdd(a, b0, s0);
                t0 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t0) : t0;
                a = TOps.Broadcast(left[1]);
                s1 = TOps.FusedMultiplyAdd(a, b0, s1);
                t1 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t1) : t1;
                a = TOps.Broadcast(left[2]);
                s2 = TOps.FusedMultiplyAdd(a, b0, s2);
                t2 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t2) : t2;
                a = TOps.Broadcast(left[3]);
                s3 = TOps.FusedMultiplyAdd(a, b0, s3);
                t3 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t3) : t3;
                if (TShape.Rows > 4)
                {
                    a = TOps.Broadcast(left[4]);
                    s4 = TOps.FusedMultiplyAdd(a, b0, s4);
                    t4 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t4) : t4;
                    a = TOps.Broadcast(left[5]);
                    s5 = TOps.FusedMultiplyAdd(a, b0, s5);
                    t5 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t5) : t5;
                }

                if (TShape.Rows > 6)
                {
                    a = TOps.Broadcast(left[6]);
                    s6 = TOps.FusedMultiplyAdd(a, b0, s6);
                    t6 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t6) : t6;
                    a = TOps.Broadcast(left[7]);
                    s7 = TOps.FusedMultiplyAdd(a, b0, s7);
                    t7 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t7) : t7;
                }

                if (TShape.Rows > 8)
                {
                    a = TOps.Broadcast(left[8]);
                    s8 = TOps.FusedMultiplyAdd(a, b0, s8);
                    t8 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t8) : t8;
                    a = TOps.Broadcast(left[9]);
                    s9 = TOps.FusedMultiplyAdd(a, b0, s9);
                    t9 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t9) : t9;
                    a = TOps.Broadcast(left[10]);
                    s10 = TOps.FusedMultiplyAdd(a, b0, s10);
                    t10 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t10) : t10;
                    a = TOps.Broadcast(left[11]);
                    s11 = TOps.FusedMultiplyAdd(a, b0, s11);
                    t11 = TShape.Vectors > 1 ? TOps.FusedMultiplyAdd(a, b1, t11) : t11;
                }
                left += TShape.Rows;
                right += rightStride;
            }

            bool last = segment == tile.Segments - 1;
            int level = 0;
            for (int waiting = segment; waiting != 0; waiting >>= 1, level++)
            {
                if ((waiting & 1) != 0)
                {
                    float* node = tile.Levels + ((nuint)(level * TShape.Rows) * tileWidth);
                    s0 = TOps.Add(TOps.Load(in *node, 0 * tileWidth), s0);
                    t0 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (0 * tileWidth) + width), t0) : t0;
                    s1 = TOps.Add(TOps.Load(in *node, 1 * tileWidth), s1);
                    t1 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (1 * tileWidth) + width), t1) : t1;
                    s2 = TOps.Add(TOps.Load(in *node, 2 * tileWidth), s2);
                    t2 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (2 * tileWidth) + width), t2) : t2;
                    s3 = TOps.Add(TOps.Load(in *node, 3 * tileWidth), s3);
                    t3 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (3 * tileWidth) + width), t3) : t3;
                    if (TShape.Rows > 4)
                    {
                        s4 = TOps.Add(TOps.Load(in *node, 4 * tileWidth), s4);
                        t4 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (4 * tileWidth) + width), t4) : t4;
                        s5 = TOps.Add(TOps.Load(in *node, 5 * tileWidth), s5);
                        t5 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (5 * tileWidth) + width), t5) : t5;
                    }

                    if (TShape.Rows > 6)
                    {
                        s6 = TOps.Add(TOps.Load(in *node, 6 * tileWidth), s6);
                        t6 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (6 * tileWidth) + width), t6) : t6;
                        s7 = TOps.Add(TOps.Load(in *node, 7 * tileWidth), s7);
                        t7 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (7 * tileWidth) + width), t7) : t7;
                    }

                    if (TShape.Rows > 8)
                    {
                        s8 = TOps.Add(TOps.Load(in *node, 8 * tileWidth), s8);
                        t8 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (8 * tileWidth) + width), t8) : t8;
                        s9 = TOps.Add(TOps.Load(in *node, 9 * tileWidth), s9);
                        t9 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (9 * tileWidth) + width), t9) : t9;
                        s10 = TOps.Add(TOps.Load(in *node, 10 * tileWidth), s10);
                        t10 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (10 * tileWidth) + width), t10) : t10;
                        s11 = TOps.Add(TOps.Load(in *node, 11 * tileWidth), s11);
                        t11 = TShape.Vectors > 1 ? TOps.Add(TOps.Load(in *node, (11 * tileWidth) + width), t11) : t11;
                    }
                }
                else if (!last)
                {
                    break;
                }
            }

            float* to = tile.To;
            nint toStride = tile.ToStride;
            if (!last)
            {
                to = tile.Levels + ((nuint)(level * TShape.Rows) * tileWidth);
                toStride = (nint)tileWidth;
            }
            else if (tile.Bias != null)
            {
                TVector b0 = TOps.Load(in *tile.Bias, 0);
                TVector b1 = TShape.Vectors > 1 ? TOps.Load(in *tile.Bias, width) : b0;
                s0 = TOps.Add(s0, b0);
                t0 = TOps.Add(t0, b1);
                s1 = TOps.Add(s1, b0);
                t1 = TOps.Add(t1, b1);
                s2 = TOps.Add(s2, b0);
                t2 = TOps.Add(t2, b1);
                s3 = TOps.Add(s3, b0);
                t3 = TOps.Add(t3, b1);
                if (TShape.Rows > 4)
                {
                    s4 = TOps.Add(s4, b0);
                    t4 = TOps.Add(t4, b1);
                    s5 = TOps.Add(s5, b0);
                    t5 = TOps.Add(t5, b1);
                }

                if (TShape.Rows > 6)
                {
                    s6 = TOps.Add(s6, b0);
                    t6 = TOps.Add(t6, b1);
                    s7 = TOps.Add(s7, b0);
                    t7 = TOps.Add(t7, b1);
                }

                if (TShape.Rows > 8)
                {
                    s8 = TOps.Add(s8, b0);
                    t8 = TOps.Add(t8, b1);
                    s9 = TOps.Add(s9, b0);
                    t9 = TOps.Add(t9, b1);
                    s10 = TOps.Add(s10, b0);
                    t10 = TOps.Add(t10, b1);
                    s11 = TOps.Add(s11, b0);
                    t11 = TOps.Add(t11, b1);
                }
            }

            TOps.Store(s0, ref *to, 0);
            if (TShape.Vectors > 1)
            {
                TOps.Store(t0, ref *to, width);
            }
            
            to += toStride;
            TOps.Store(s1, ref *to, 0);
            if (TShape.Vectors > 1)
            {
                TOps.Store(t1, ref *to, width);
            }
            
            to += toStride;
            TOps.Store(s2, ref *to, 0);
            if (TShape.Vectors > 1)
            {
                TOps.Store(t2, ref *to, width);
            }
            
            to += toStride;
            TOps.Store(s3, ref *to, 0);
            if (TShape.Vectors > 1)
            {
                TOps.Store(t3, ref *to, width);
            }
            
            to += toStride;
            if (TShape.Rows > 4)
            {
                TOps.Store(s4, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t4, ref *to, width);
                }
                
                to += toStride;
                TOps.Store(s5, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t5, ref *to, width);
                }
                
                to += toStride;
            }

            if (TShape.Rows > 6)
            {
                TOps.Store(s6, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t6, ref *to, width);
                }
                
                to += toStride;
                TOps.Store(s7, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t7, ref *to, width);
                }
                
                to += toStride;
            }

            if (TShape.Rows > 8)
            {
                TOps.Store(s8, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t8, ref *to, width);
                }
                
                to += toStride;
                TOps.Store(s9, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t9, ref *to, width);
                }
                
                to += toStride;
                TOps.Store(s10, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t10, ref *to, width);
                }
                
                to += toStride;
                TOps.Store(s11, ref *to, 0);
                if (TShape.Vectors > 1)
                {
                    TOps.Store(t11, ref *to, width);
                }
                
                to += toStride;
            }

            if (last)
            {
                return;
            }
        }
    }
}
