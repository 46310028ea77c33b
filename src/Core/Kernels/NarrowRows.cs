using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Rows too narrow to fill vectors, as many side by side as a vector has lanes: element (row, column) of a group stands in lane row of vector column. What is a
/// sum along a row is then a sum of vectors, in the same order as <see cref="RowSums"/> takes, so that each row has the same bits.</summary>
internal unsafe ref struct NarrowRows<TRow> : IKernel
    where TRow : struct, INarrowRow, allows ref struct
{
    private const int Lanes = MapKernels.Lanes;

    public TRow Row;
    public ReadOnlySpan<float> A;
    public ReadOnlySpan<float> B;
    public Span<float> Y;
    public int Columns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int rows = A.Length / Columns;
        float* memory = stackalloc float[(((2 * NarrowRows.MostColumns) + Lanes) * Lanes) + Lanes];
        float* a = Panels.Align(memory);
        float* b = a + (NarrowRows.MostColumns * Lanes), lanes = b + (NarrowRows.MostColumns * Lanes);
        TRow row = Row;
        fixed (float* firstOperand = A, secondOperand = B, result = Y)
        {
            for (int first = 0; first < rows; first += TOps.Count)
            {
                nint start = (nint)first * Columns;
                int count = Math.Min(TOps.Count, rows - first);
                Transposition.Run(firstOperand + start, Columns, count, Columns, a, TOps.Count, count);
                if (secondOperand != null)
                {
                    Transposition.Run(secondOperand + start, Columns, count, Columns, b, TOps.Count, count);
                }

                row.Invoke<TVector, TOps>(ref *a, ref *b, ref *lanes, Columns, first, count);
                if (result != null)
                {
                    Transposition.Run(a, TOps.Count, Columns, count, result + start, Columns, Columns);
                }
            }
        }
    }
}

/// <summary>A function of rows that stand side by side.</summary>
internal interface INarrowRow
{
    /// <summary>Computes one group; the result replaces <paramref name="a"/>.</summary>
    /// <param name="a">A vector for each column.</param>
    /// <param name="b">The same of the second operand, and of no use where there is none.</param>
    /// <param name="lanes">A vector for each virtual lane of a sum.</param>
    /// <param name="columns">At most <see cref="NarrowRows.MostColumns"/>.</param>
    /// <param name="first">The group's first row.</param>
    /// <param name="count">Its rows; the lanes beyond hold anything.</param>
    void Invoke<TVector, TOps>(ref float a, ref float b, ref float lanes, int columns, int first, int count)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>What is computed of rows side by side: maxima, exponentials and sums, each a vector with a lane for each row.</summary>
internal static class NarrowRows
{
    /// <summary>Wider rows go one by one (<see cref="RowSums"/>), which is as fast from here on.</summary>
    public const int MostColumns = 32;

    private const int Lanes = MapKernels.Lanes;

    /// <summary>Each row's largest element; see <see cref="RowSums.Maximum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Maximum<TVector, TOps>(ref float a, int columns)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector maximum = TOps.Broadcast(float.NegativeInfinity);
        nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
        for (nuint index = 0; index < end; index += width)
        {
            TVector element = TOps.Load(in a, index);
            maximum = TOps.Select(TOps.GreaterThan(element, maximum), element, maximum);
        }

        return TOps.Add(maximum, TOps.Zero);
    }

    /// <summary>result = e^(a − maximum), which may be <paramref name="a"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exponentials<TVector, TOps>(ref float a, int columns, TVector maximum, ref float result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
        for (nuint index = 0; index < end; index += width)
        {
            TOps.Store(VectorFunctions.Exp<TVector, TOps>(TOps.Subtract(TOps.Load(in a, index), maximum)), ref result, index);
        }
    }

    /// <summary>Σ a in each row, over 16 virtual lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sum<TVector, TOps>(ref float a, int columns, ref float lanes)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
        for (nuint lane = 0; lane < Lanes * width; lane += width)
        {
            TVector sum = TOps.Zero;
            for (nuint index = lane; index < end; index += Lanes * width)
            {
                sum = TOps.Add(sum, TOps.Load(in a, index));
            }

            TOps.Store(sum, ref lanes, lane);
        }

        return Combine<TVector, TOps>(ref lanes);
    }

    /// <summary>Σ a · b in each row, a chain of FMA in each virtual lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Dot<TVector, TOps>(ref float a, ref float b, int columns, ref float lanes)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count, end = (nuint)columns * width;
        for (nuint lane = 0; lane < Lanes * width; lane += width)
        {
            TVector sum = TOps.Zero;
            for (nuint index = lane; index < end; index += Lanes * width)
            {
                sum = TOps.FusedMultiplyAdd(TOps.Load(in a, index), TOps.Load(in b, index), sum);
            }

            TOps.Store(sum, ref lanes, lane);
        }

        return Combine<TVector, TOps>(ref lanes);
    }

    // (((l + 8) + 4) + 2) + 1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Combine<TVector, TOps>(ref float lanes)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count;
        for (nuint half = Lanes / 2 * width; half >= width; half /= 2)
        {
            for (nuint lane = 0; lane < half; lane += width)
            {
                TOps.Store(TOps.Add(TOps.Load(in lanes, lane), TOps.Load(in lanes, lane + half)), ref lanes, lane);
            }
        }

        return TOps.Load(in lanes, 0);
    }
}
