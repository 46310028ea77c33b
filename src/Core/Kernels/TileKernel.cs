using System.Numerics;
using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The innermost kernel of all products, convolutions among them: a tile of outputs in registers, one fused multiply-add per output and k, in order of k.</summary>
/// <remarks>
/// Tiles that follow each other (<see cref="Tile.After"/>) are computed in one call, which moves <see cref="Tile"/> on from one to the next and leaves it at the last. Segments (slices) are summed by the canonical tree, as a binary counter counts: the value of segment i takes in the left neighbour at each level where
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
    public static void Run<TVector, TOps, TRows, TVectors, TWalk>(ref Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
        where TWalk : struct, ITileWalk
    {
        nint tileWidth = sizeof(TVectors) * TOps.Count;
        nint rowStride = tile.LeftRowStride;
        nint leftStep = typeof(TWalk) == typeof(LeftListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? sizeof(TRows) : typeof(TWalk) == typeof(ColumnsWalk) ? tile.LeftStep : 1;
        nint rightStride = typeof(TWalk) == typeof(RightListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? tileWidth : tile.RightStride;
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
            nint groupStride = typeof(TWalk) == typeof(LeftListedWalk) ? tile.LeftGroupStride : 3 * rowStride;
            float* left3 = left0 + groupStride, left6 = left3 + groupStride, left9 = left6 + groupStride;
            float* right = tile.Right + (rows.First * rightStride);
            int* steps = tile.Steps;
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
                TileSums.Load<TVector, TOps, TRows, TVectors>(tile.To, tile.ToStride, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
            }

            for (uint turns = (uint)rows.Count / Block; turns != 0; turns--)
            {
                if (aheadCount > 0)
                {
                    Fetch<TRows>(ahead, aheadStep, aheadSecond);
                    ahead += TileShapes.StepsAhead(sizeof(TRows)) * aheadStep;
                    aheadCount -= TileShapes.StepsAhead(sizeof(TRows));
                }

                if (typeof(TWalk) == typeof(PackedWalk))
                {
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, sizeof(TRows), right, sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 2 * sizeof(TRows), right, 2 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 3 * sizeof(TRows), right, 3 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += Block * sizeof(TRows);
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

                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    right += rightStride;
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    right += rightStride;
                }
                else if (typeof(TWalk) == typeof(LeftListedWalk))
                {
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[0];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[1];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    leftStep = steps[2];
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
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
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[0] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 1, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[1] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 2, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[2] : rightStride;
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 3, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    right += typeof(TWalk) == typeof(RightListedWalk) ? steps[3] : rightStride;
                    left0 += Block;
                    left3 += sizeof(TRows) > 3 ? Block : 0;
                    left6 += sizeof(TRows) > 6 ? Block : 0;
                    left9 += sizeof(TRows) > 9 ? Block : 0;
                    steps += typeof(TWalk) == typeof(RightListedWalk) ? Block : 0;
                }
            }

            for (uint left = (uint)rows.Count % Block; left != 0; left--)
            {
                if (typeof(TWalk) == typeof(PackedWalk) || typeof(TWalk) == typeof(ColumnsWalk))
                {
                    TileStep.SideBySide<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    right += rightStride;
                }
                else
                {
                    TileStep.Rows<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, 0, rowStride, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
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
                TileSums.AddTo<TVector, TOps, TRows, TVectors>(node, sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
            }

            if (!last)
            {
                float* node = tile.Levels + (BitOperations.TrailingZeroCount(~segment) * sizeof(TRows) * tileWidth);
                TileSums.Store<TVector, TOps, TRows, TVectors>(node, sizeof(TVectors) * TOps.Count, TOps.Count, s0, t0, s1, t1, s2, t2, s3, t3, s4, t4, s5, t5, s6, t6, s7, t7, s8, t8, s9, t9, s10, t10, s11, t11);
                continue;
            }

            if (tile.Bias != null && typeof(TWalk) == typeof(PackedWalk))
            {
                TileSums.AddRow<TVector, TOps, TRows, TVectors>(tile.Bias, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
            }
            else if (tile.Bias != null)
            {
                TileSums.AddBias<TVector, TOps, TRows, TVectors>(tile.Bias, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
            }

            TileSums.Store<TVector, TOps, TRows, TVectors>(tile.To, tile.ToStride, typeof(TWalk) == typeof(RightListedWalk) ? tile.SecondTo : TOps.Count, s0, t0, s1, t1, s2, t2, s3, t3, s4, t4, s5, t5, s6, t6, s7, t7, s8, t8, s9, t9, s10, t10, s11, t11);
            if (tile.After <= 0)
            {
                return;
            }

            tile.After--;
            tile.Left += tile.LeftToNext;
            tile.Right += tile.RightToNext;
            tile.To += tile.ToNext;
            tile.Bias += tile.BiasToNext;
            segment = -1;
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
