using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The sums of one row of a tile, which are one vector or two, in registers.</summary>
internal static unsafe class TileRow
{
    /// <summary>One k: its left factor broadcast, its right ones a vector or two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TVector, TOps, TVectors>(float* left, TVector b0, TVector b1, ref TVector first, ref TVector second)
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

    /// <summary>The row as it was left in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TVector, TOps, TVectors>(float* from, ref TVector first, ref TVector second)
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

    /// <summary>A waiting node takes the row in: its value is the left one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TVector, TOps, TVectors>(float* nodes, int row, ref TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        first = TOps.Add(TOps.Load(in *nodes, (nuint)row), first);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.Add(TOps.Load(in *nodes, (nuint)(row + TOps.Count)), second);
        }
    }

    /// <summary>Adds a vector or two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<TVector, TOps, TVectors>(TVector b0, TVector b1, ref TVector first, ref TVector second)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        first = TOps.Add(first, b0);
        if (sizeof(TVectors) > 1)
        {
            second = TOps.Add(second, b1);
        }
    }

    /// <summary>Adds one value to the whole row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddBias<TVector, TOps, TVectors>(float value, ref TVector first, ref TVector second)
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

    /// <summary>Stores the second vector after the first: where the two overlap, its lanes are the ones that count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps, TVectors>(TVector first, TVector second, float* to, nint row, nint toSecond)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
    {
        TOps.Store(first, ref *to, (nuint)row);
        if (sizeof(TVectors) > 1)
        {
            TOps.Store(second, ref *to, (nuint)(row + toSecond));
        }
    }
}
