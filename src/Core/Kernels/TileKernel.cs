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
        nint leftStep = typeof(TWalk) == typeof(LeftListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? sizeof(TRows) : tile.LeftStep;
        nint rightStride = typeof(TWalk) == typeof(RightListedWalk) ? 0 : typeof(TWalk) == typeof(PackedWalk) ? tileWidth : tile.RightStride;
        int* steps = tile.Steps;
        nint leftAhead = tile.LeftAhead;
        float* ahead = tile.Ahead.First;
        int aheadCount = tile.Ahead.Count;
        nint aheadStep = tile.Ahead.Step;
        nint aheadSecond = tile.Ahead.Second;
        nint second = typeof(TWalk) == typeof(RightListedWalk) ? tile.SecondRight : TOps.Count;
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
            SliceRows rows = tile.Segments[segment];
            float* left0 = tile.Left + (rows.First * leftStep);
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
                Load<TVector, TOps, TVectors>(start, out s0, ref t0);
                if (sizeof(TRows) > 1)
                {
                    Load<TVector, TOps, TVectors>(start + stride, out s1, ref t1);
                }

                if (sizeof(TRows) > 2)
                {
                    Load<TVector, TOps, TVectors>(start + (2 * stride), out s2, ref t2);
                }

                if (sizeof(TRows) > 3)
                {
                    Load<TVector, TOps, TVectors>(start + (3 * stride), out s3, ref t3);
                }

                if (sizeof(TRows) > 4)
                {
                    Load<TVector, TOps, TVectors>(start + (4 * stride), out s4, ref t4);
                }

                if (sizeof(TRows) > 5)
                {
                    Load<TVector, TOps, TVectors>(start + (5 * stride), out s5, ref t5);
                }

                if (sizeof(TRows) > 6)
                {
                    Load<TVector, TOps, TVectors>(start + (6 * stride), out s6, ref t6);
                }

                if (sizeof(TRows) > 7)
                {
                    Load<TVector, TOps, TVectors>(start + (7 * stride), out s7, ref t7);
                }

                if (sizeof(TRows) > 8)
                {
                    Load<TVector, TOps, TVectors>(start + (8 * stride), out s8, ref t8);
                }

                if (sizeof(TRows) > 9)
                {
                    Load<TVector, TOps, TVectors>(start + (9 * stride), out s9, ref t9);
                }

                if (sizeof(TRows) > 10)
                {
                    Load<TVector, TOps, TVectors>(start + (10 * stride), out s10, ref t10);
                }

                if (sizeof(TRows) > 11)
                {
                    Load<TVector, TOps, TVectors>(start + (11 * stride), out s11, ref t11);
                }
            }

            int count = rows.Count;
            for (; typeof(TWalk) != typeof(LeftListedWalk) && typeof(TWalk) != typeof(RightListedWalk) && count >= Block; count -= Block)
            {
                if (aheadCount > 0)
                {
                    Fetch<TRows>(ahead, aheadStep, aheadSecond);
                    ahead += TileShapes.StepsAhead(sizeof(TRows)) * aheadStep;
                    aheadCount -= TileShapes.StepsAhead(sizeof(TRows));
                }

                if (typeof(TWalk) == typeof(PackedWalk))
                {
                    PackedStep<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    PackedStep<TVector, TOps, TRows, TVectors>(left0, sizeof(TRows), right, sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    PackedStep<TVector, TOps, TRows, TVectors>(left0, 2 * sizeof(TRows), right, 2 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    PackedStep<TVector, TOps, TRows, TVectors>(left0, 3 * sizeof(TRows), right, 3 * sizeof(TVectors) * TOps.Count, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += Block * sizeof(TRows);
                    right += Block * sizeof(TVectors) * TOps.Count;
                }
                else
                {
                    if (sizeof(TRows) > TileShapes.FewRows)
                    {
                        Prefetch.Line(left0 + leftAhead);
                        Prefetch.Line(left0 + leftStep + leftAhead);
                        Prefetch.Line(left0 + (2 * leftStep) + leftAhead);
                        Prefetch.Line(left0 + (3 * leftStep) + leftAhead);
                    }

                    Step<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    Step<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    Step<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                    Step<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += leftStep;
                    left3 += sizeof(TRows) > 3 ? leftStep : 0;
                    left6 += sizeof(TRows) > 6 ? leftStep : 0;
                    left9 += sizeof(TRows) > 9 ? leftStep : 0;
                    right += rightStride;
                }
            }

            for (; count > 0; count--)
            {
                if (typeof(TWalk) == typeof(PackedWalk))
                {
                    PackedStep<TVector, TOps, TRows, TVectors>(left0, 0, right, 0, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
                    left0 += sizeof(TRows);
                    right += sizeof(TVectors) * TOps.Count;
                }
                else
                {
                    Step<TVector, TOps, TRows, TVectors>(left0, left3, left6, left9, rowStride, twoRows, right, second, ref s0, ref t0, ref s1, ref t1, ref s2, ref t2, ref s3, ref t3, ref s4, ref t4, ref s5, ref t5, ref s6, ref t6, ref s7, ref t7, ref s8, ref t8, ref s9, ref t9, ref s10, ref t10, ref s11, ref t11);
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
            int level = 0;
            for (int waiting = segment; waiting != 0 && ((waiting & 1) != 0 || last); waiting >>= 1, level++)
            {
                if ((waiting & 1) != 0)
                {
                    float* node = tile.Levels + (level * sizeof(TRows) * tileWidth);
                    AddTo<TVector, TOps, TVectors>(node, ref s0, ref t0);
                    if (sizeof(TRows) > 1)
                    {
                        AddTo<TVector, TOps, TVectors>(node + tileWidth, ref s1, ref t1);
                    }

                    if (sizeof(TRows) > 2)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (2 * tileWidth), ref s2, ref t2);
                    }

                    if (sizeof(TRows) > 3)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (3 * tileWidth), ref s3, ref t3);
                    }

                    if (sizeof(TRows) > 4)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (4 * tileWidth), ref s4, ref t4);
                    }

                    if (sizeof(TRows) > 5)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (5 * tileWidth), ref s5, ref t5);
                    }

                    if (sizeof(TRows) > 6)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (6 * tileWidth), ref s6, ref t6);
                    }

                    if (sizeof(TRows) > 7)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (7 * tileWidth), ref s7, ref t7);
                    }

                    if (sizeof(TRows) > 8)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (8 * tileWidth), ref s8, ref t8);
                    }

                    if (sizeof(TRows) > 9)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (9 * tileWidth), ref s9, ref t9);
                    }

                    if (sizeof(TRows) > 10)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (10 * tileWidth), ref s10, ref t10);
                    }

                    if (sizeof(TRows) > 11)
                    {
                        AddTo<TVector, TOps, TVectors>(node + (11 * tileWidth), ref s11, ref t11);
                    }
                }
            }

            if (last && tile.Bias != null)
            {
                AddBias<TVector, TOps, TVectors>(tile.Bias[0], ref s0, ref t0);
                if (sizeof(TRows) > 1)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[1], ref s1, ref t1);
                }

                if (sizeof(TRows) > 2)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[2], ref s2, ref t2);
                }

                if (sizeof(TRows) > 3)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[3], ref s3, ref t3);
                }

                if (sizeof(TRows) > 4)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[4], ref s4, ref t4);
                }

                if (sizeof(TRows) > 5)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[5], ref s5, ref t5);
                }

                if (sizeof(TRows) > 6)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[6], ref s6, ref t6);
                }

                if (sizeof(TRows) > 7)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[7], ref s7, ref t7);
                }

                if (sizeof(TRows) > 8)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[8], ref s8, ref t8);
                }

                if (sizeof(TRows) > 9)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[9], ref s9, ref t9);
                }

                if (sizeof(TRows) > 10)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[10], ref s10, ref t10);
                }

                if (sizeof(TRows) > 11)
                {
                    AddBias<TVector, TOps, TVectors>(tile.Bias[11], ref s11, ref t11);
                }
            }

            float* to = last ? tile.To : tile.Levels + (level * sizeof(TRows) * tileWidth);
            nint toStride = last ? tile.ToStride : tileWidth;
            nint toSecond = typeof(TWalk) == typeof(RightListedWalk) && last ? tile.SecondTo : TOps.Count;
            Store<TVector, TOps, TVectors>(s0, t0, to, toSecond);
            if (sizeof(TRows) > 1)
            {
                Store<TVector, TOps, TVectors>(s1, t1, to + toStride, toSecond);
            }

            if (sizeof(TRows) > 2)
            {
                Store<TVector, TOps, TVectors>(s2, t2, to + (2 * toStride), toSecond);
            }

            if (sizeof(TRows) > 3)
            {
                Store<TVector, TOps, TVectors>(s3, t3, to + (3 * toStride), toSecond);
            }

            if (sizeof(TRows) > 4)
            {
                Store<TVector, TOps, TVectors>(s4, t4, to + (4 * toStride), toSecond);
            }

            if (sizeof(TRows) > 5)
            {
                Store<TVector, TOps, TVectors>(s5, t5, to + (5 * toStride), toSecond);
            }

            if (sizeof(TRows) > 6)
            {
                Store<TVector, TOps, TVectors>(s6, t6, to + (6 * toStride), toSecond);
            }

            if (sizeof(TRows) > 7)
            {
                Store<TVector, TOps, TVectors>(s7, t7, to + (7 * toStride), toSecond);
            }

            if (sizeof(TRows) > 8)
            {
                Store<TVector, TOps, TVectors>(s8, t8, to + (8 * toStride), toSecond);
            }

            if (sizeof(TRows) > 9)
            {
                Store<TVector, TOps, TVectors>(s9, t9, to + (9 * toStride), toSecond);
            }

            if (sizeof(TRows) > 10)
            {
                Store<TVector, TOps, TVectors>(s10, t10, to + (10 * toStride), toSecond);
            }

            if (sizeof(TRows) > 11)
            {
                Store<TVector, TOps, TVectors>(s11, t11, to + (11 * toStride), toSecond);
            }

            if (last)
            {
                return;
            }
        }
    }

    // One k. Of each three rows, the first has a pointer, and the two after it are one and two strides away, which an address can hold.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TVector, TOps, TRows, TVectors>(
        float* left0, float* left3, float* left6, float* left9, nint rowStride, nint twoRows, float* right, nint second, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TVector b0 = TOps.Load(in *right, 0);
        TVector b1 = sizeof(TVectors) > 1 ? TOps.Load(in *(right + second), 0) : b0;
        Row<TVector, TOps, TVectors>(left0, b0, b1, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            Row<TVector, TOps, TVectors>(left0 + rowStride, b0, b1, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            Row<TVector, TOps, TVectors>(left0 + twoRows, b0, b1, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            Row<TVector, TOps, TVectors>(left3, b0, b1, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            Row<TVector, TOps, TVectors>(left3 + rowStride, b0, b1, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            Row<TVector, TOps, TVectors>(left3 + twoRows, b0, b1, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            Row<TVector, TOps, TVectors>(left6, b0, b1, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            Row<TVector, TOps, TVectors>(left6 + rowStride, b0, b1, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            Row<TVector, TOps, TVectors>(left6 + twoRows, b0, b1, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            Row<TVector, TOps, TVectors>(left9, b0, b1, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            Row<TVector, TOps, TVectors>(left9 + rowStride, b0, b1, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            Row<TVector, TOps, TVectors>(left9 + twoRows, b0, b1, ref s11, ref t11);
        }
    }

    // One k of packed operands: everything lies a constant away from where the turn of the loop began.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackedStep<TVector, TOps, TRows, TVectors>(
        float* left, int leftOffset, float* right, int rightOffset, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TVector b0 = TOps.Load(in *(right + rightOffset), 0);
        TVector b1 = sizeof(TVectors) > 1 ? TOps.Load(in *(right + rightOffset), (nuint)TOps.Count) : b0;
        Row<TVector, TOps, TVectors>(left + leftOffset, b0, b1, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 1), b0, b1, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 2), b0, b1, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 3), b0, b1, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 4), b0, b1, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 5), b0, b1, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 6), b0, b1, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 7), b0, b1, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 8), b0, b1, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 9), b0, b1, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 10), b0, b1, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            Row<TVector, TOps, TVectors>(left + (leftOffset + 11), b0, b1, ref s11, ref t11);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<TVector, TOps, TVectors>(float* left, TVector b0, TVector b1, ref TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        TVector a = TOps.Broadcast(*left);
        first = TOps.FusedMultiplyAdd(a, b0, first);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.FusedMultiplyAdd(a, b1, second);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<TVector, TOps, TVectors>(float* from, out TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        first = TOps.Load(in *from, 0);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.Load(in *from, (nuint)TOps.Count);
        }
    }

    // The node's value is the left one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TVector, TOps, TVectors>(float* node, ref TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        first = TOps.Add(TOps.Load(in *node, 0), first);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.Add(TOps.Load(in *node, (nuint)TOps.Count), second);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBias<TVector, TOps, TVectors>(float value, ref TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        TVector bias = TOps.Broadcast(value);
        first = TOps.Add(first, bias);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.Add(second, bias);
        }
    }

    // The second vector after the first: where the two overlap, its lanes are the ones that count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TOps, TVectors>(TVector first, TVector second, float* to, nint toSecond)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        TOps.Store(first, ref *to, 0);
        if (sizeof(TVectors) > 1)
        {
            TOps.Store(second, ref *(to + toSecond), 0);
        }
    }
}
