using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>What a pool of 2 × 2 elements at a stride of 2 does, lane by lane: a b above c d.</summary>
internal interface IHalving
{
    /// <summary>Whether a place is kept for each output.</summary>
    static abstract bool HasPlaces { get; }

    /// <summary>The output, and the tap (as the bits of an integer) that it came from.</summary>
    static abstract TVector Pool<TVector, TOps>(TVector a, TVector b, TVector c, TVector d, out TVector place)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;

    /// <summary>What of an output's gradient goes to a tap, place being the kept one as a float.</summary>
    static abstract TVector Share<TVector, TOps>(TVector gradient, TVector place, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>The <see cref="Greatest"/> of four.</summary>
internal readonly struct GreatestOfFour : IHalving
{
    public static bool HasPlaces => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Pool<TVector, TOps>(TVector a, TVector b, TVector c, TVector d, out TVector place)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        place = TOps.Zero;
        return Greatest.Of<TVector, TOps>(Greatest.Of<TVector, TOps>(Greatest.Of<TVector, TOps>(a, b, 1, ref place), c, 2, ref place), d, 3, ref place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Share<TVector, TOps>(TVector gradient, TVector place, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Add(TOps.Zero, TOps.And(TOps.EqualTo(place, TOps.Broadcast(tap)), gradient));
}

/// <summary>The greatest of four after ReLU, as <see cref="GreatestOfFour"/> takes it. Where none is above 0 that is the first, and if that one is below 0, nobody gets a gradient.</summary>
internal readonly struct GreatestOfFourRelus : IHalving
{
    // No tap has this number.
    private const int Nobody = 4;

    public static bool HasPlaces => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Pool<TVector, TOps>(TVector a, TVector b, TVector c, TVector d, out TVector place)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector best = GreatestOfFour.Pool<TVector, TOps>(a, b, c, d, out place);
        TVector isFirst = TOps.Or(TOps.LessThan(best, TOps.Zero), TOps.EqualTo(best, TOps.Zero)), below = TOps.LessThan(a, TOps.Zero);
        place = TOps.Select(isFirst, TOps.And(below, TOps.Broadcast(BitConverter.Int32BitsToSingle(Nobody))), place);
        return TOps.Select(isFirst, TOps.Select(below, TOps.Zero, a), best);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Share<TVector, TOps>(TVector gradient, TVector place, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => GreatestOfFour.Share<TVector, TOps>(gradient, place, tap);
}

/// <summary>((((+0 + a) + b) + c) + d) ÷ 4.</summary>
internal readonly struct MeanOfFour : IHalving
{
    public static bool HasPlaces => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Pool<TVector, TOps>(TVector a, TVector b, TVector c, TVector d, out TVector place)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        place = default;
        return TOps.Divide(TOps.Add(TOps.Add(TOps.Add(TOps.Add(TOps.Zero, a), b), c), d), TOps.Broadcast(4f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Share<TVector, TOps>(TVector gradient, TVector place, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Add(TOps.Zero, TOps.Divide(gradient, TOps.Broadcast(4f)));
}

/// <summary>Walks a pool of 2 × 2 elements at a stride of 2 over some planes.</summary>
/// <remarks>A vector may reach beyond its row: what it writes there is written again, rightly, by the rows after it, so that a row shorter than a vector costs no
/// tail. Only where it would reach beyond the last plane are elements taken one by one, by the same operations.</remarks>
internal ref struct HalvingForward<THalving> : IKernel
    where THalving : struct, IHalving
{
    public PlaneWindow Window;
    public ReadOnlySpan<float> X;
    public Span<float> Y;
    public Span<byte> Places;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint columns = (nuint)Window.Columns.Output, rows = (nuint)Window.Rows.Output, width = (nuint)TOps.Count;
        nuint row = (nuint)Window.Columns.Input, plane = (nuint)Window.Plane, length = (nuint)Y.Length, sourceLength = (nuint)X.Length;
        nuint output = 0;
        for (nuint origin = 0; origin < sourceLength; origin += plane)
        {
            nuint above = origin;
            for (nuint index = 0; index < rows; index++, above += 2 * row)
            {
                nuint source = above, end = output + columns;
                for (; output < end && output + width <= length && source + row + (2 * width) <= sourceLength; output += width, source += 2 * width)
                {
                    Pool<TVector, TOps>(source, source + row, output);
                }

                for (; output < end; output++, source += 2)
                {
                    Pool<float, OpsScalar>(source, source + row, output);
                }

                output = end;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Pool<TVector, TOps>(nuint above, nuint below, nuint output)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        ref float x = ref MemoryMarshal.GetReference(X);
        nuint width = (nuint)TOps.Count;
        (TVector first, TVector second) = (TOps.Load(in x, above), TOps.Load(in x, above + width));
        (TVector third, TVector fourth) = (TOps.Load(in x, below), TOps.Load(in x, below + width));
        TVector pooled = THalving.Pool<TVector, TOps>(
            TOps.Even(first, second), TOps.Odd(first, second), TOps.Even(third, fourth), TOps.Odd(third, fourth), out TVector place);
        TOps.Store(pooled, ref MemoryMarshal.GetReference(Y), output);
        if (THalving.HasPlaces)
        {
            TOps.StoreBytes(place, ref MemoryMarshal.GetReference(Places), output);
        }
    }
}

/// <summary>The way back of <see cref="HalvingForward{THalving}"/>: a whole row of the input, then the next, since a vector may write beyond its row. A last row or
/// column that no window sees gets +0.</summary>
internal ref struct HalvingBackward<THalving> : IKernel
    where THalving : struct, IHalving
{
    public PlaneWindow Window;
    public ReadOnlySpan<float> OutputGradient;
    public ReadOnlySpan<byte> Places;
    public Span<float> InputGradient;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int columns = Window.Columns.Output, rows = Window.Rows.Output, row = Window.Columns.Input;
        int output = 0;
        for (int origin = 0; origin < InputGradient.Length; origin += Window.Plane)
        {
            int above = origin;
            for (int index = 0; index < rows; index++, above += 2 * row, output += columns)
            {
                Row<TVector, TOps>((nuint)output, (nuint)columns, (nuint)above, 0);
                ClearEnd(above, row, columns);
                Row<TVector, TOps>((nuint)output, (nuint)columns, (nuint)(above + row), 2);
                ClearEnd(above + row, row, columns);
            }

            InputGradient[above..(origin + Window.Plane)].Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void ClearEnd(int start, int row, int columns)
    {
        if (2 * columns < row)
        {
            InputGradient[start + row - 1] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Row<TVector, TOps>(nuint output, nuint columns, nuint target, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count, end = output + columns, length = (nuint)OutputGradient.Length, targetLength = (nuint)InputGradient.Length;
        for (; output < end && output + width <= length && target + (2 * width) <= targetLength; output += width, target += 2 * width)
        {
            Share<TVector, TOps>(output, target, tap);
        }

        for (; output < end; output++, target += 2)
        {
            Share<float, OpsScalar>(output, target, tap);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Share<TVector, TOps>(nuint output, nuint target, float tap)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        ref float dx = ref MemoryMarshal.GetReference(InputGradient);
        TVector gradient = TOps.Load(in MemoryMarshal.GetReference(OutputGradient), output);
        TVector place = THalving.HasPlaces ? TOps.LoadBytes(in MemoryMarshal.GetReference(Places), output) : default;
        TVector even = THalving.Share<TVector, TOps>(gradient, place, tap);
        TVector odd = THalving.Share<TVector, TOps>(gradient, place, tap + 1);
        TOps.Store(TOps.InterleaveLow(even, odd), ref dx, target);
        TOps.Store(TOps.InterleaveHigh(even, odd), ref dx, target + (nuint)TOps.Count);
    }
}
