using System.Numerics;
using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The innermost kernel of all products, convolutions among them: a tile of outputs in registers, one fused multiply-add per output and k, in order of k.</summary>
/// <remarks>
/// Segments (slices) are summed by the canonical tree, as a binary counter counts: the value of segment i takes in the left neighbour at each level where
/// i has a trailing 1, and waits at the next one. The last segment takes in whatever waits, from the smallest node up, so that a node whose right half is
/// empty is its left half. The code is written for 12 rows and 2 vectors; the JIT never reads what a smaller tile does not have, since it knows the sizes and
/// the kinds of types beforehand. What is not a multiply-add is kept out of the loop: processors take in a fixed number of instructions each cycle, and where
/// two programs share a core, half of them.
/// </remarks>
internal static unsafe class TileKernel
{
    // The k of a turn of the loop.
    private const int Block = 4;

    // Optimised from the first call on: unoptimised code, which the runtime would start with, is hundreds of times slower here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TVector, TOps, TRows, TVectors, TWalk>(ref readonly Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
        where TWalk : struct, ITileWalk
    {
        nint tileWidth = sizeof(TVectors) * TOps.Count;
        nint rowStride = tile.LeftRowStride, twoRows = 2 * rowStride;
        nint leftStep = typeof(TWalk) == typeof(LeftListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? sizeof(TRows) : typeof(TWalk) == typeof(ColumnsWalk) ? tile.LeftStep : 1;
        nint rightStride = typeof(TWalk) == typeof(RightListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? tileWidth : tile.RightStride;
        int* steps = tile.Steps;
        nint leftAhead = tile.LeftAhead;
        float* ahead = tile.Ahead.First;
        int aheadCount = tile.Ahead.Count;
        nint aheadStep = tile.Ahead.Step;
        nint aheadSecond = tile.Ahead.Second;
        nint second = typeof(TWalk) == typeof(RightListedWalk) ? tile.SecondRight : TOps.Count;
        TVector s0, t0, s1, t1, s2, t2, s3, t3, s4, t4, s5, t5;
        TVector s6, t6, s7, t7, s8, t8, s9, t9, s10, t10, s11, t11;
        for (int segment = 0; ; segment++)
        {
            SliceRows rows = tile.Segments[segment];
            float* left0 = tile.Left + (rows.First * leftStep);
            float* again = (typeof(TWalk) == typeof(PackedWalk) || typeof(TWalk) == typeof(ColumnsWalk)) && TOps.Count == TileShapes.MostLanes ? TileRow.Again(left0) : left0;
            nint groupStride = typeof(TWalk) == typeof(LeftListedWalk) ? tile.LeftGroupStride : 3 * rowStride;
            float* left3 = left0 + groupStride, left6 = left3 + groupStride, left9 = left6 + groupStride;
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
            if (typeof(TWalk) != typeof(RightListedWalk) && typeof(TWalk) != typeof(PackedWalk) && tile.Continues)
            {
                // The chain goes on from where the last call left it.
                float* start = tile.To;
                nint stride = tile.ToStride;
                TileRow.Load<TVector, TOps, TVectors>(start, out s0, ref t0);
                if (sizeof(TRows) > 1)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + stride, out s1, ref t1);
                }

                if (sizeof(TRows) > 2)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (2 * stride), out s2, ref t2);
                }

                if (sizeof(TRows) > 3)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (3 * stride), out s3, ref t3);
                }

                if (sizeof(TRows) > 4)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (4 * stride), out s4, ref t4);
                }

                if (sizeof(TRows) > 5)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (5 * stride), out s5, ref t5);
                }

                if (sizeof(TRows) > 6)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (6 * stride), out s6, ref t6);
                }

                if (sizeof(TRows) > 7)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (7 * stride), out s7, ref t7);
                }

                if (sizeof(TRows) > 8)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (8 * stride), out s8, ref t8);
                }

                if (sizeof(TRows) > 9)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (9 * stride), out s9, ref t9);
                }

                if (sizeof(TRows) > 10)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (10 * stride), out s10, ref t10);
                }

                if (sizeof(TRows) > 11)
                {
                    TileRow.Load<TVector, TOps, TVectors>(start + (11 * stride), out s11, ref t11);
                }
            }

            int count = rows.Count;
            for (; count >= Block; count -= Block)
            {
                if (aheadCount > 0)
                {
                    Fetch<TRows>(ahead, aheadStep, aheadSecond);
                    ahead += TileShapes.StepsAhead(sizeof(TRows)) * aheadStep;
                    aheadCount -= TileShapes.StepsAhead(sizeof(TRows));
                }

                if (typeof(TWalk) == typeof(PackedWalk))
                {
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, sizeof(TRows), right, sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 2 * sizeof(TRows), right, 2 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 3 * sizeof(TRows), right, 3 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += Block * sizeof(TRows);
                    again += Block * sizeof(TRows);
                    right += Block * sizeof(TVectors) * TOps.Count;
                }
                else if (typeof(TWalk) == typeof(ColumnsWalk))
                {
                    if (sizeof(TRows) > TileShapes.MostShortRows)
                    {
                        Prefetch.Line(left0 + leftAhead);
                        Prefetch.Line(left0 + leftStep + leftAhead);
                        Prefetch.Line(left0 + (2 * leftStep) + leftAhead);
                        Prefetch.Line(left0 + (3 * leftStep) + leftAhead);
                    }

                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    again += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    again += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    again += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    again += leftStep;
                    right += rightStride;
                }
                else if (typeof(TWalk) == typeof(LeftListedWalk))
                {
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[0];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[1];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[2];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[3];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    steps += Block;
                }
                else
                {
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[0] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0 + 1, left3 + 1, left6 + 1, left9 + 1, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[1] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0 + 2, left3 + 2, left6 + 2, left9 + 2, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[2] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0 + 3, left3 + 3, left6 + 3, left9 + 3, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[3] : rightStride;
                    left0 += Block;
                    left3 += sizeof(TRows) > 3 ? Block : 0;
                    left6 += sizeof(TRows) > 6 ? Block : 0;
                    left9 += sizeof(TRows) > 9 ? Block : 0;
                    steps += typeof(TWalk) == typeof(RightListedWalk) ? Block : 0;
                }
            }

            for (; count > 0; count--)
            {
                if (typeof(TWalk) == typeof(PackedWalk) || typeof(TWalk) == typeof(ColumnsWalk))
                {
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, again, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    again += leftStep;
                    right += rightStride;
                }
                else
                {
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = typeof(TWalk) == typeof(LeftListedWalk) ? *steps++ : leftStep;
                    rightStride = typeof(TWalk) == typeof(RightListedWalk) ? *steps++ : rightStride;
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                }
            }

            bool last = segment == tile.SegmentCount - 1;
            for (int waiting = last ? segment : segment & ~(segment + 1); waiting != 0; waiting &= waiting - 1)
            {
                float* node = tile.Levels + (BitOperations.TrailingZeroCount(waiting) * sizeof(TRows) * tileWidth);
                TileRow.AddTo<TVector, TOps, TVectors>(node, ref s0, ref t0);
                if (sizeof(TRows) > 1)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + tileWidth, ref s1, ref t1);
                }

                if (sizeof(TRows) > 2)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (2 * tileWidth), ref s2, ref t2);
                }

                if (sizeof(TRows) > 3)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (3 * tileWidth), ref s3, ref t3);
                }

                if (sizeof(TRows) > 4)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (4 * tileWidth), ref s4, ref t4);
                }

                if (sizeof(TRows) > 5)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (5 * tileWidth), ref s5, ref t5);
                }

                if (sizeof(TRows) > 6)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (6 * tileWidth), ref s6, ref t6);
                }

                if (sizeof(TRows) > 7)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (7 * tileWidth), ref s7, ref t7);
                }

                if (sizeof(TRows) > 8)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (8 * tileWidth), ref s8, ref t8);
                }

                if (sizeof(TRows) > 9)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (9 * tileWidth), ref s9, ref t9);
                }

                if (sizeof(TRows) > 10)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (10 * tileWidth), ref s10, ref t10);
                }

                if (sizeof(TRows) > 11)
                {
                    TileRow.AddTo<TVector, TOps, TVectors>(node + (11 * tileWidth), ref s11, ref t11);
                }
            }

            if (last && tile.Bias != null)
            {
                TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[0], ref s0, ref t0);
                if (sizeof(TRows) > 1)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[1], ref s1, ref t1);
                }

                if (sizeof(TRows) > 2)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[2], ref s2, ref t2);
                }

                if (sizeof(TRows) > 3)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[3], ref s3, ref t3);
                }

                if (sizeof(TRows) > 4)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[4], ref s4, ref t4);
                }

                if (sizeof(TRows) > 5)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[5], ref s5, ref t5);
                }

                if (sizeof(TRows) > 6)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[6], ref s6, ref t6);
                }

                if (sizeof(TRows) > 7)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[7], ref s7, ref t7);
                }

                if (sizeof(TRows) > 8)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[8], ref s8, ref t8);
                }

                if (sizeof(TRows) > 9)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[9], ref s9, ref t9);
                }

                if (sizeof(TRows) > 10)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[10], ref s10, ref t10);
                }

                if (sizeof(TRows) > 11)
                {
                    TileRow.AddBias<TVector, TOps, TVectors>(tile.Bias[11], ref s11, ref t11);
                }
            }

            float* to = last ? tile.To : tile.Levels + (BitOperations.TrailingZeroCount(~segment) * sizeof(TRows) * tileWidth);
            nint toStride = last ? tile.ToStride : tileWidth;
            nint toSecond = typeof(TWalk) == typeof(RightListedWalk) && last ? tile.SecondTo : TOps.Count;
            TileRow.Store<TVector, TOps, TVectors>(s0, t0, to, toSecond);
            if (sizeof(TRows) > 1)
            {
                TileRow.Store<TVector, TOps, TVectors>(s1, t1, to + toStride, toSecond);
            }

            if (sizeof(TRows) > 2)
            {
                TileRow.Store<TVector, TOps, TVectors>(s2, t2, to + (2 * toStride), toSecond);
            }

            if (sizeof(TRows) > 3)
            {
                TileRow.Store<TVector, TOps, TVectors>(s3, t3, to + (3 * toStride), toSecond);
            }

            if (sizeof(TRows) > 4)
            {
                TileRow.Store<TVector, TOps, TVectors>(s4, t4, to + (4 * toStride), toSecond);
            }

            if (sizeof(TRows) > 5)
            {
                TileRow.Store<TVector, TOps, TVectors>(s5, t5, to + (5 * toStride), toSecond);
            }

            if (sizeof(TRows) > 6)
            {
                TileRow.Store<TVector, TOps, TVectors>(s6, t6, to + (6 * toStride), toSecond);
            }

            if (sizeof(TRows) > 7)
            {
                TileRow.Store<TVector, TOps, TVectors>(s7, t7, to + (7 * toStride), toSecond);
            }

            if (sizeof(TRows) > 8)
            {
                TileRow.Store<TVector, TOps, TVectors>(s8, t8, to + (8 * toStride), toSecond);
            }

            if (sizeof(TRows) > 9)
            {
                TileRow.Store<TVector, TOps, TVectors>(s9, t9, to + (9 * toStride), toSecond);
            }

            if (sizeof(TRows) > 10)
            {
                TileRow.Store<TVector, TOps, TVectors>(s10, t10, to + (10 * toStride), toSecond);
            }

            if (sizeof(TRows) > 11)
            {
                TileRow.Store<TVector, TOps, TVectors>(s11, t11, to + (11 * toStride), toSecond);
            }

            if (last)
            {
                return;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch<TRows>(float* ahead, nint step, nint second)
        where TRows : unmanaged, ITileCount
    {
        Prefetch.Line(ahead);
        Prefetch.Line(ahead + second);
        if (TileShapes.StepsAhead(sizeof(TRows)) > 1)
        {
            Prefetch.Line(ahead + step);
            Prefetch.Line(ahead + step + second);
            Prefetch.Line(ahead + (2 * step));
            Prefetch.Line(ahead + (2 * step) + second);
            Prefetch.Line(ahead + (3 * step));
            Prefetch.Line(ahead + (3 * step) + second);
        }
    }
}
