using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>Sixteen floats on the stack: the virtual lanes of a row's sum, or a tail shorter than a vector.</summary>
[InlineArray(MapKernels.Lanes)]
internal struct LaneBuffer
{
    private float first;
}

/// <summary>Sums and maxima along one row, in 16 virtual lanes. A short last block is filled up with values that change no lane: a lane is never −0,
/// since it starts at +0, so that adding +0 keeps its bits.</summary>
internal static class RowSums
{
    private const int Lanes = MapKernels.Lanes;

    private interface ITerm
    {
        // Whether the second operand matters.
        static abstract bool IsBinary { get; }

        // The accumulator with the elements of a and b taken in; may replace a by what is to be stored.
        TVector Take<TVector, TOps>(TVector accumulator, ref TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>;
    }

    /// <summary>The largest element; NaN never wins, −0 counts as +0, and an all-NaN row gives −∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Maximum<TVector, TOps>(ReadOnlySpan<float> row)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        LaneBuffer lanes = default;
        lanes[..].Fill(float.NegativeInfinity);
        Accumulate<TVector, TOps, LargerTerm>(default, ref lanes, row, row, default, float.NegativeInfinity);
        ref float first = ref lanes[0];
        Vector128<float> low = Larger(Vector128.LoadUnsafe(ref first, 0), Vector128.LoadUnsafe(ref first, 8));
        Vector128<float> high = Larger(Vector128.LoadUnsafe(ref first, 4), Vector128.LoadUnsafe(ref first, 12));
        Vector128<float> four = Larger(low, high);
        Vector128<float> two = Larger(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return (two[0] > two[1] ? two[0] : two[1]) + 0f;
    }

    /// <summary>Σ e^(x − maximum); the exponentials go to <paramref name="exponentials"/> unless it is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials<TVector, TOps>(ReadOnlySpan<float> row, float maximum, Span<float> exponentials)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        LaneBuffer lanes = default;
        Accumulate<TVector, TOps, ExponentialTerm>(new(maximum), ref lanes, row, row, exponentials, float.NegativeInfinity);
        return Combine(ref lanes);
    }

    /// <summary>Σ x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum<TVector, TOps>(ReadOnlySpan<float> row)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        LaneBuffer lanes = default;
        Accumulate<TVector, TOps, PlainTerm>(default, ref lanes, row, row, default, 0f);
        return Combine(ref lanes);
    }

    /// <summary>Σ a · b, a chain of FMA in each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TVector, TOps>(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        LaneBuffer lanes = default;
        Accumulate<TVector, TOps, ProductTerm>(default, ref lanes, a, b, default, 0f);
        return Combine(ref lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Larger(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);

    // (((l + 8) + 4) + 2) + 1, in vectors that every processor has.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Combine(ref LaneBuffer lanes)
    {
        ref float first = ref lanes[0];
        Vector128<float> low = Vector128.LoadUnsafe(ref first, 0) + Vector128.LoadUnsafe(ref first, 8);
        Vector128<float> high = Vector128.LoadUnsafe(ref first, 4) + Vector128.LoadUnsafe(ref first, 12);
        Vector128<float> four = low + high;
        Vector128<float> two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two[0] + two[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate<TVector, TOps, TTerm>(
        TTerm term, ref LaneBuffer lanes, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> stored, float neutral)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TTerm : struct, ITerm
    {
        nuint length = (nuint)a.Length, index = 0;
        if (4 * TOps.Count >= Lanes)
        {
            // All virtual lanes stay in registers: one, two or four.
            nuint width = (nuint)TOps.Count;
            ref float lane = ref lanes[0];
            TVector first = TOps.Load(in lane, 0), second = default!, third = default!, fourth = default!;
            if (TOps.Count < Lanes)
            {
                second = TOps.Load(in lane, width);
            }

            if (2 * TOps.Count < Lanes)
            {
                third = TOps.Load(in lane, 2 * width);
                fourth = TOps.Load(in lane, 3 * width);
            }

            for (; index + Lanes <= length; index += Lanes)
            {
                first = Take<TVector, TOps, TTerm>(term, first, a, b, stored, index);
                if (TOps.Count < Lanes)
                {
                    second = Take<TVector, TOps, TTerm>(term, second, a, b, stored, index + width);
                }

                if (2 * TOps.Count < Lanes)
                {
                    third = Take<TVector, TOps, TTerm>(term, third, a, b, stored, index + (2 * width));
                    fourth = Take<TVector, TOps, TTerm>(term, fourth, a, b, stored, index + (3 * width));
                }
            }

            TOps.Store(first, ref lane, 0);
            if (TOps.Count < Lanes)
            {
                TOps.Store(second, ref lane, width);
            }

            if (2 * TOps.Count < Lanes)
            {
                TOps.Store(third, ref lane, 2 * width);
                TOps.Store(fourth, ref lane, 3 * width);
            }
        }

        for (; index + Lanes <= length; index += Lanes)
        {
            Block<TVector, TOps, TTerm>(
                term, ref lanes, in Unsafe.Add(ref MemoryMarshal.GetReference(a), index), in Unsafe.Add(ref MemoryMarshal.GetReference(b), index),
                ref stored.IsEmpty ? ref Unsafe.NullRef<float>() : ref Unsafe.Add(ref MemoryMarshal.GetReference(stored), index));
        }

        if (index < length)
        {
            LaneBuffer first, second = default;
            Unsafe.SkipInit(out first);
            Span<float> filled = first;
            filled.Fill(neutral);
            a[(int)index..].CopyTo(first);
            if (TTerm.IsBinary)
            {
                b[(int)index..].CopyTo(second);
            }

            Block<TVector, TOps, TTerm>(term, ref lanes, in first[0], in second[0], ref first[0]);
            if (!stored.IsEmpty)
            {
                first[..(int)(length - index)].CopyTo(stored[(int)index..]);
            }
        }
    }

    // A vector of the elements into its lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Take<TVector, TOps, TTerm>(TTerm term, TVector lanes, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> stored, nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TTerm : struct, ITerm
    {
        TVector element = TOps.Load(in MemoryMarshal.GetReference(a), index);
        lanes = term.Take<TVector, TOps>(lanes, ref element, TTerm.IsBinary ? TOps.Load(in MemoryMarshal.GetReference(b), index) : element);
        if (!stored.IsEmpty)
        {
            TOps.Store(element, ref MemoryMarshal.GetReference(stored), index);
        }

        return lanes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block<TVector, TOps, TTerm>(TTerm term, ref LaneBuffer lanes, ref readonly float a, ref readonly float b, ref float stored)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TTerm : struct, ITerm
    {
        for (nuint lane = 0; lane < Lanes; lane += (nuint)TOps.Count)
        {
            TVector element = TOps.Load(in a, lane);
            TVector accumulator = term.Take<TVector, TOps>(TOps.Load(in lanes[0], lane), ref element, TOps.Load(in b, lane));
            TOps.Store(accumulator, ref lanes[0], lane);
            if (!Unsafe.IsNullRef(in stored))
            {
                TOps.Store(element, ref stored, lane);
            }
        }
    }

    private readonly struct LargerTerm : ITerm
    {
        public static bool IsBinary => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Take<TVector, TOps>(TVector accumulator, ref TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Select(TOps.GreaterThan(a, accumulator), a, accumulator);
    }

    private readonly struct PlainTerm : ITerm
    {
        public static bool IsBinary => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Take<TVector, TOps>(TVector accumulator, ref TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Add(accumulator, a);
    }

    private readonly struct ProductTerm : ITerm
    {
        public static bool IsBinary => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Take<TVector, TOps>(TVector accumulator, ref TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.FusedMultiplyAdd(a, b, accumulator);
    }

    private readonly struct ExponentialTerm(float maximum) : ITerm
    {
        public static bool IsBinary => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Take<TVector, TOps>(TVector accumulator, ref TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            a = VectorFunctions.Exp<TVector, TOps>(TOps.Subtract(a, TOps.Broadcast(maximum)));
            return TOps.Add(accumulator, a);
        }
    }
}
