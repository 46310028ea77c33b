using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>One k of a <see cref="TileKernel"/>: a fused multiply-add for each output, its left factor broadcast, its right one a vector.</summary>
/// <remarks>Every place is a pointer that the loop moves and what an address can hold beside it, so that no instruction but the multiply-adds' own is left. The JIT inlines methods of up to 32 parameters; <see cref="Rows"/> has as many.</remarks>
internal static unsafe class TileStep
{
    /// <summary>Rows of the left operand a stride apart. Of each three rows, the first has a pointer, and the two after it are one and two strides away.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rows<TVector, TOps, TRows, TVectors>(
        float* left0, float* left3, float* left6, float* left9, int offset, nint rowStride, float* right, nint second, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TVector b0 = TOps.Load(in *right, 0);
        TVector b1 = sizeof(TVectors) > 1 ? TOps.Load(in *(right + second), 0) : b0;
        TileRow.MultiplyAdd<TVector, TOps, TVectors>(left0 + offset, b0, b1, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left0 + rowStride + offset, b0, b1, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left0 + (2 * rowStride) + offset, b0, b1, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left3 + offset, b0, b1, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left3 + rowStride + offset, b0, b1, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left3 + (2 * rowStride) + offset, b0, b1, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left6 + offset, b0, b1, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left6 + rowStride + offset, b0, b1, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left6 + (2 * rowStride) + offset, b0, b1, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left9 + offset, b0, b1, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left9 + rowStride + offset, b0, b1, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left9 + (2 * rowStride) + offset, b0, b1, ref s11, ref t11);
        }
    }

    /// <summary>Rows of the left operand side by side: each a constant away from the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SideBySide<TVector, TOps, TRows, TVectors>(
        float* left, int leftOffset, float* right, int rightOffset, ref TVector s0, ref TVector t0, ref TVector s1, ref TVector t1, ref TVector s2, ref TVector t2, ref TVector s3, ref TVector t3, ref TVector s4, ref TVector t4, ref TVector s5, ref TVector t5, ref TVector s6, ref TVector t6, ref TVector s7, ref TVector t7, ref TVector s8, ref TVector t8, ref TVector s9, ref TVector t9, ref TVector s10, ref TVector t10, ref TVector s11, ref TVector t11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRows : unmanaged, ITileCount
        where TVectors : unmanaged, ITileCount
    {
        TVector b0 = TOps.Load(in *(right + rightOffset), 0);
        TVector b1 = sizeof(TVectors) > 1 ? TOps.Load(in *(right + rightOffset), (nuint)TOps.Count) : b0;
        TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + leftOffset, b0, b1, ref s0, ref t0);
        if (sizeof(TRows) > 1)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 1), b0, b1, ref s1, ref t1);
        }

        if (sizeof(TRows) > 2)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 2), b0, b1, ref s2, ref t2);
        }

        if (sizeof(TRows) > 3)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 3), b0, b1, ref s3, ref t3);
        }

        if (sizeof(TRows) > 4)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 4), b0, b1, ref s4, ref t4);
        }

        if (sizeof(TRows) > 5)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 5), b0, b1, ref s5, ref t5);
        }

        if (sizeof(TRows) > 6)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 6), b0, b1, ref s6, ref t6);
        }

        if (sizeof(TRows) > 7)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 7), b0, b1, ref s7, ref t7);
        }

        if (sizeof(TRows) > 8)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 8), b0, b1, ref s8, ref t8);
        }

        if (sizeof(TRows) > 9)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 9), b0, b1, ref s9, ref t9);
        }

        if (sizeof(TRows) > 10)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 10), b0, b1, ref s10, ref t10);
        }

        if (sizeof(TRows) > 11)
        {
            TileRow.MultiplyAdd<TVector, TOps, TVectors>(left + (leftOffset + 11), b0, b1, ref s11, ref t11);
        }
    }
}
