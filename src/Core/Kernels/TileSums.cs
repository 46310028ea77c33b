using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The sums of a tile, in registers: what happens to all of them at once. Rows go by threes: the first of three has a pointer, and the two after it are one and two strides away, which an address can hold.</summary>
/// <remarks>Row by row on purpose: the JIT keeps what has a name in registers, and no array.</remarks>
internal static unsafe class TileSums
{
    /// <summary>The tile as it was left in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TVector, TOps, TRows, TVectors>(
        float* from, nint stride, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        float* from3 = from + (3 * stride), from6 = from3 + (3 * stride), from9 = from6 + (3 * stride);
        TileRow.Load<TVector, TOps, TVectors>(from, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.Load<TVector, TOps, TVectors>(from + stride, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.Load<TVector, TOps, TVectors>(from + (2 * stride), ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.Load<TVector, TOps, TVectors>(from3, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.Load<TVector, TOps, TVectors>(from3 + stride, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.Load<TVector, TOps, TVectors>(from3 + (2 * stride), ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.Load<TVector, TOps, TVectors>(from6, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.Load<TVector, TOps, TVectors>(from6 + stride, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.Load<TVector, TOps, TVectors>(from6 + (2 * stride), ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.Load<TVector, TOps, TVectors>(from9, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.Load<TVector, TOps, TVectors>(from9 + stride, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.Load<TVector, TOps, TVectors>(from9 + (2 * stride), ref s11, ref t11);
        }
    }

    /// <summary>A node of the tree that waited, row after row of <paramref name="width"/> floats, takes the tile in: its value is the left one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TVector, TOps, TRows, TVectors>(
        float* node, int width, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TileRow.AddTo<TVector, TOps, TVectors>(node, 0, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, width, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 2 * width, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 3 * width, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 4 * width, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 5 * width, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 6 * width, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 7 * width, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 8 * width, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 9 * width, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 10 * width, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.AddTo<TVector, TOps, TVectors>(node, 11 * width, ref s11, ref t11);
        }
    }

    /// <summary>Adds to each row its value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddBias<TVector, TOps, TRows, TVectors>(
        float* bias, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TileRow.AddBias<TVector, TOps, TVectors>(bias[0], ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[1], ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[2], ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[3], ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[4], ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[5], ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[6], ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[7], ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[8], ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[9], ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[10], ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.AddBias<TVector, TOps, TVectors>(bias[11], ref s11, ref t11);
        }
    }

    /// <summary>Adds one row to all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddRow<TVector, TOps, TRows, TVectors>(
        float* row, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TVector b0 = TOps.Load(in *row, 0);
        TVector b1 = sizeof(TVectors) > 1 ? TOps.Load(in *row, (nuint)TOps.Count) : b0;
        TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.Add<TVector, TOps, TVectors>(b0, b1, ref s11, ref t11);
        }
    }

    /// <summary>Stores the tile; the second vector of a row lies <paramref name="second"/> floats after the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps, TRows, TVectors>(
        float* to, nint stride, nint second, TVector s0, TVector t0, TVector s1, TVector t1, TVector s2, TVector t2, TVector s3, TVector t3, TVector s4, TVector t4, TVector s5, TVector t5, TVector s6, TVector t6, TVector s7, TVector t7, TVector s8, TVector t8, TVector s9, TVector t9, TVector s10, TVector t10, TVector s11, TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        float* to3 = to + (3 * stride), to6 = to3 + (3 * stride), to9 = to6 + (3 * stride);
        TileRow.Store<TVector, TOps, TVectors>(s0, t0, to, 0, second);
        if (sizeof(TRows) > 1)
        {
            TileRow.Store<TVector, TOps, TVectors>(s1, t1, to, stride, second);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.Store<TVector, TOps, TVectors>(s2, t2, to, 2 * stride, second);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.Store<TVector, TOps, TVectors>(s3, t3, to3, 0, second);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.Store<TVector, TOps, TVectors>(s4, t4, to3, stride, second);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.Store<TVector, TOps, TVectors>(s5, t5, to3, 2 * stride, second);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.Store<TVector, TOps, TVectors>(s6, t6, to6, 0, second);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.Store<TVector, TOps, TVectors>(s7, t7, to6, stride, second);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.Store<TVector, TOps, TVectors>(s8, t8, to6, 2 * stride, second);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.Store<TVector, TOps, TVectors>(s9, t9, to9, 0, second);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.Store<TVector, TOps, TVectors>(s10, t10, to9, stride, second);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.Store<TVector, TOps, TVectors>(s11, t11, to9, 2 * stride, second);
        }
    }
}
