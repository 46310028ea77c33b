using System.Numerics;

namespace DistNet.Kernels;

/// <summary>Products of row-major matrices whose every output is a sum in a fixed order, whatever the vector width, the tiles and the threads: these split
/// outputs, never sums, and summed dimensions are never padded.</summary>
/// <remarks>Blocked as in Goto and van de Geijn, <i>Anatomy of high-performance matrix multiplication</i> (2008): a panel of the right operand stays in the first-level
/// cache, a block of the left one in the second, a tile of outputs in registers. Buffers that start at multiples of 64 bytes are fastest.</remarks>
public static unsafe class MatrixProduct
{
    /// <summary>The floats of a packed right operand [inner, columns].</summary>
    public static int PackedLength(int inner, int columns)
    {
        Invariant.Holds(inner >= 0 && columns >= 0);
        return PackedPanels.Length(inner, columns);
    }

    /// <summary>Packs a right operand.</summary>
    /// <param name="unit">The vector unit; the packed layout does not depend on it.</param>
    /// <param name="matrix">[inner, columns].</param>
    /// <param name="inner">The summed dimension.</param>
    /// <param name="columns">The outputs' columns.</param>
    /// <param name="packed"><see cref="PackedLength"/> floats.</param>
    /// <param name="part">Which of <paramref name="parts"/> disjoint parts of the work to do.</param>
    /// <param name="parts">How many callers share the work.</param>
    public static void Pack(VectorUnit unit, ReadOnlySpan<float> matrix, int inner, int columns, Span<float> packed, int part = 0, int parts = 1)
    {
        CheckPacking(unit, matrix, inner, columns, packed, part, parts);
        (int from, int to) = Share(PackedPanels.Count(columns), part, parts);
        fixed (float* source = matrix, target = packed)
        {
            PackedPanels.Pack(source, columns, inner, columns, target, from, to);
        }
    }

    /// <summary>Packs the transpose of <paramref name="matrix"/> [columns, inner] as a right operand [inner, columns]; else as <see cref="Pack"/>.</summary>
    public static void PackTransposed(VectorUnit unit, ReadOnlySpan<float> matrix, int inner, int columns, Span<float> packed, int part = 0, int parts = 1)
    {
        CheckPacking(unit, matrix, inner, columns, packed, part, parts);
        (int from, int to) = Share(PackedPanels.Count(columns), part, parts);
        fixed (float* source = matrix, target = packed)
        {
            PackedPanels.PackTransposed(source, inner, columns, target, from, to);
        }
    }

    /// <summary>The floats of scratch that one caller of <see cref="Multiply"/> needs.</summary>
    public static int MultiplyScratch(int inner) => ChainProduct.ScratchLength(inner);

    /// <summary>result = left · right + bias. Each output is one chain of fused multiply-adds in index order that starts at +0; the bias is added last, once.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="left">[rows, inner].</param>
    /// <param name="rows">The outputs' rows; a caller may take any of them by slicing <paramref name="left"/> and <paramref name="result"/>.</param>
    /// <param name="inner">The summed dimension; 0 gives +0.</param>
    /// <param name="packedRight">The right operand [inner, columns], packed.</param>
    /// <param name="columns">The outputs' columns.</param>
    /// <param name="bias">[columns], or empty for none.</param>
    /// <param name="result">[rows, columns]; must not overlap the operands.</param>
    /// <param name="scratch"><see cref="MultiplyScratch"/> floats of this caller's own.</param>
    public static void Multiply(
        VectorUnit unit,
        ReadOnlySpan<float> left,
        int rows,
        int inner,
        ReadOnlySpan<float> packedRight,
        int columns,
        ReadOnlySpan<float> bias,
        Span<float> result,
        Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(rows >= 0 && inner >= 0 && columns >= 0);
        Invariant.Holds(left.Length == (long)rows * inner && result.Length == (long)rows * columns);
        Invariant.Holds(packedRight.Length >= PackedLength(inner, columns) && (bias.IsEmpty || bias.Length == columns) && scratch.Length >= MultiplyScratch(inner));
        ChainProduct kernel = new()
        {
            Left = left,
            Right = packedRight,
            Bias = bias,
            Result = result,
            Scratch = scratch,
            Rows = rows,
            Inner = inner,
            Columns = columns,
        };
        unit.Run(ref kernel);
    }

    /// <summary>The floats of scratch that one caller of <see cref="SlicedProduct"/> needs; enough for fewer rows, columns or slices too.</summary>
    /// <param name="rows">The rows of all slices.</param>
    /// <param name="leftColumns">The most result rows that the caller computes, or all of them.</param>
    /// <param name="rightColumns">The result's columns.</param>
    /// <param name="sliceCount">The number of slices.</param>
    public static int SlicedScratch(int rows, int leftColumns, int rightColumns, int sliceCount)
    {
        Invariant.Holds(rows >= 0 && leftColumns >= 0 && rightColumns >= 0 && sliceCount >= 0);
        return SliceProduct.ScratchLength(rows, leftColumns, rightColumns, sliceCount);
    }

    /// <summary>result = leftᵀ · right, summed over rows by the canonical tree: each slice's rows are one chain of fused multiply-adds from +0, and a node of the tree over
    /// slices is left + right; a node whose right half is empty is its left half.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="left">[rows, leftColumns].</param>
    /// <param name="leftColumns">The result's rows.</param>
    /// <param name="right">[rows, rightColumns].</param>
    /// <param name="rightColumns">The result's columns.</param>
    /// <param name="slices">The slices in order; one without rows counts as +0. No slices at all give +0.</param>
    /// <param name="result">[leftColumns, rightColumns], of which only the rows [fromRow, toRow) are written; must not overlap the operands.</param>
    /// <param name="fromRow">The caller's first row of the result.</param>
    /// <param name="toRow">The row after the caller's last.</param>
    /// <param name="scratch"><see cref="SlicedScratch"/> floats of this caller's own.</param>
    public static void SlicedProduct(
        VectorUnit unit,
        ReadOnlySpan<float> left,
        int leftColumns,
        ReadOnlySpan<float> right,
        int rightColumns,
        ReadOnlySpan<SliceRows> slices,
        Span<float> result,
        int fromRow,
        int toRow,
        Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(fromRow >= 0 && fromRow <= toRow && toRow <= leftColumns && result.Length == (long)leftColumns * rightColumns);
        int rows = CheckSlices(slices, leftColumns == 0 ? int.MaxValue : left.Length / leftColumns, rightColumns == 0 ? int.MaxValue : right.Length / rightColumns);
        if (slices.IsEmpty)
        {
            result[(fromRow * rightColumns)..(toRow * rightColumns)].Clear();
            return;
        }

        Invariant.Holds(scratch.Length >= SlicedScratch(rows, toRow - fromRow, rightColumns, slices.Length));
        SliceProduct kernel = new()
        {
            Left = left,
            Right = right,
            Slices = slices,
            Result = result,
            Scratch = scratch,
            Rows = rows,
            LeftColumns = leftColumns,
            RightColumns = rightColumns,
            FromRow = fromRow,
            ToRow = toRow,
        };
        unit.Run(ref kernel);
    }

    /// <summary>The floats of scratch that one caller of <see cref="SlicedColumnSum"/> needs; never more than <see cref="SlicedScratch"/> for as many slices.</summary>
    public static int ColumnSumScratch(int sliceCount)
    {
        Invariant.Holds(sliceCount >= 0);
        return SliceColumnSum.ScratchLength(sliceCount);
    }

    /// <summary>result[j] = Σ over rows of matrix[row, j]: a chain of additions inside each slice from +0, then the canonical tree over slices.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="columns">The matrix' columns.</param>
    /// <param name="slices">The slices in order; one without rows counts as +0. No slices at all give +0.</param>
    /// <param name="result">[columns], of which only [from, to) is written.</param>
    /// <param name="from">The caller's first column.</param>
    /// <param name="to">The column after the caller's last.</param>
    /// <param name="scratch"><see cref="ColumnSumScratch"/> floats of this caller's own.</param>
    public static void SlicedColumnSum(
        VectorUnit unit, ReadOnlySpan<float> matrix, int columns, ReadOnlySpan<SliceRows> slices, Span<float> result, int from, int to, Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(from >= 0 && from <= to && to <= columns && result.Length == columns && scratch.Length >= ColumnSumScratch(slices.Length));
        int present = columns == 0 ? int.MaxValue : matrix.Length / columns;
        CheckSlices(slices, present, present);
        SliceColumnSum kernel = new() { Matrix = matrix, Columns = columns, Slices = slices, Result = result, From = from, To = to, Scratch = scratch };
        unit.Run(ref kernel);
    }

    /// <summary>The levels at which nodes wait while <paramref name="sliceCount"/> slices are combined.</summary>
    internal static int Levels(int sliceCount) => BitOperations.Log2((uint)Math.Max(sliceCount, 1)) + 1;

    /// <summary>A pointer moved up to the next multiple of 64 bytes.</summary>
    internal static float* Align(float* pointer) => (float*)(((nuint)pointer + 63) & ~(nuint)63);

    private static int CheckSlices(ReadOnlySpan<SliceRows> slices, int leftRows, int rightRows)
    {
        int rows = 0;
        foreach (SliceRows slice in slices)
        {
            Invariant.Holds(slice.Count >= 0 && (slice.Count == 0 || (slice.First >= 0 && slice.First + slice.Count <= Math.Min(leftRows, rightRows))));
            rows += slice.Count;
        }

        return rows;
    }

    private static void CheckPacking(VectorUnit unit, ReadOnlySpan<float> matrix, int inner, int columns, Span<float> packed, int part, int parts)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(inner >= 0 && columns >= 0 && matrix.Length == (long)inner * columns && packed.Length >= PackedLength(inner, columns));
        Invariant.Holds(part >= 0 && part < parts);
    }

    private static (int From, int To) Share(int count, int part, int parts) => ((int)((long)count * part / parts), (int)((long)count * (part + 1) / parts));
}
