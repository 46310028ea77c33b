using System.Numerics;

namespace DistNet.Kernels;

/// <summary>Products of row-major matrices whose every output is a sum in a fixed order, whatever the vector width, the tiles and the threads: these split
/// outputs, never sums, and summed dimensions are never padded.</summary>
/// <remarks>A tile of outputs stays in registers (as in Goto and van de Geijn, <i>Anatomy of high-performance matrix multiplication</i>, 2008), a panel of one operand, packed when it is
/// needed, in the first- and second-level caches; the other operand is packed too where that pays, else read where it lies, and nothing outlives the call. Buffers that start at multiples of 64 bytes are fastest.</remarks>
public static unsafe class MatrixProduct
{
    // What is packed at once of the left operand of a MultiplyTransposed of many rows: a share of the third-level cache.
    private const int PackedFloats = 524_288;

    /// <summary>The floats of scratch that one caller of <see cref="MultiplyTransposed"/> needs; enough for fewer rows too.</summary>
    /// <param name="rows">The most rows.</param>
    /// <param name="inner">The summed dimension.</param>
    public static int TransposedScratch(int rows, int inner)
    {
        Invariant.Holds(rows >= 0 && inner >= 0);
        int panels = PanelProduct.ScratchLength(inner, segments: 1, Math.Min(rows, PackedRows(inner)));
        return Math.Max(Math.Max(FewRowsProduct.ScratchLength(inner), TransposedProduct.ScratchLength(rows, inner)), panels);
    }

    /// <summary>result = left · rightᵀ + bias. Each output is one chain of fused multiply-adds in index order that starts at +0; the bias is added last, once.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="left">[rows, inner].</param>
    /// <param name="rows">The outputs' rows; a caller may take any of them by slicing <paramref name="left"/> and <paramref name="result"/>.</param>
    /// <param name="inner">The summed dimension; 0 gives +0.</param>
    /// <param name="right">[columns, inner].</param>
    /// <param name="columns">The outputs' columns.</param>
    /// <param name="bias">[columns], or empty for none.</param>
    /// <param name="result">[rows, columns]; must not overlap the operands.</param>
    /// <param name="scratch"><see cref="TransposedScratch"/> floats of this caller's own.</param>
    public static void MultiplyTransposed(
        VectorUnit unit,
        ReadOnlySpan<float> left,
        int rows,
        int inner,
        ReadOnlySpan<float> right,
        int columns,
        ReadOnlySpan<float> bias,
        Span<float> result,
        Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(rows >= 0 && inner >= 0 && columns >= 0);
        Invariant.Holds(left.Length == (long)rows * inner && right.Length == (long)columns * inner && result.Length == (long)rows * columns);
        Invariant.Holds((bias.IsEmpty || bias.Length == columns) && scratch.Length >= TransposedScratch(rows, inner));
        if (rows is > 0 and <= FewRowsProduct.MostRows)
        {
            FewRowsProduct few = new() { Left = left, Right = right, Bias = bias, Result = result, Scratch = scratch, Rows = rows, Inner = inner, Columns = columns };
            unit.Run(ref few);
            return;
        }

        if (rows > TransposedProduct.MostRows && columns > TransposedProduct.MostNarrowColumns)
        {
            MultiplyByPanels(unit, left, rows, inner, right, isRightTransposed: true, columns, bias, result, scratch, PackedRows(inner));
            return;
        }

        TransposedProduct kernel = new()
        {
            Left = left,
            Right = right,
            Bias = bias,
            Result = result,
            Scratch = scratch,
            Rows = rows,
            Inner = inner,
            Columns = columns,
        };
        unit.Run(ref kernel);
    }

    /// <summary>The floats of scratch that one caller of <see cref="Multiply"/> needs; enough for fewer rows too.</summary>
    /// <param name="rows">The most rows.</param>
    /// <param name="inner">The summed dimension.</param>
    public static int MultiplyScratch(int rows, int inner)
    {
        Invariant.Holds(rows >= 0 && inner >= 0);
        return PanelProduct.ScratchLength(inner, segments: 1, rows);
    }

    /// <summary>result = left · right. Each output is one chain of fused multiply-adds in index order that starts at +0.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="left">[rows, inner].</param>
    /// <param name="rows">The outputs' rows; a caller may take any of them by slicing <paramref name="left"/> and <paramref name="result"/>.</param>
    /// <param name="inner">The summed dimension; 0 gives +0.</param>
    /// <param name="right">[inner, columns].</param>
    /// <param name="columns">The outputs' columns.</param>
    /// <param name="result">[rows, columns]; must not overlap the operands.</param>
    /// <param name="scratch"><see cref="MultiplyScratch"/> floats of this caller's own.</param>
    public static void Multiply(
        VectorUnit unit, ReadOnlySpan<float> left, int rows, int inner, ReadOnlySpan<float> right, int columns, Span<float> result, Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(rows >= 0 && inner >= 0 && columns >= 0 && scratch.Length >= MultiplyScratch(rows, inner));
        Invariant.Holds(left.Length == (long)rows * inner && right.Length == (long)inner * columns && result.Length == (long)rows * columns);
        MultiplyByPanels(unit, left, rows, inner, right, isRightTransposed: false, columns, bias: default, result, scratch, mostRows: rows);
    }

    /// <summary>The floats of scratch that one caller of <see cref="SlicedProduct"/> needs; enough for fewer rows, columns or slices too.</summary>
    /// <param name="rows">The rows of the operands.</param>
    /// <param name="leftColumns">The most rows of the result that the caller computes.</param>
    /// <param name="sliceCount">The number of slices.</param>
    public static int SlicedScratch(int rows, int leftColumns, int sliceCount)
    {
        Invariant.Holds(rows >= 0 && leftColumns >= 0 && sliceCount >= 0);
        return PanelProduct.ScratchLength(rows, sliceCount, leftColumns);
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

        Invariant.Holds(scratch.Length >= SlicedScratch(rows, toRow - fromRow, slices.Length));
        PanelProduct kernel = new()
        {
            Left = left,
            LeftRowStride = 1,
            LeftStep = leftColumns,
            Right = right,
            Inner = rows,
            Columns = rightColumns,
            Segments = slices,
            Result = result,
            FromRow = fromRow,
            ToRow = toRow,
            Scratch = scratch,
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

    /// <summary>Asserts that the slices lie within the rows; returns the rows that they reach to.</summary>
    internal static int CheckSlices(ReadOnlySpan<SliceRows> slices, int leftRows, int rightRows)
    {
        int rows = 0;
        foreach (SliceRows slice in slices)
        {
            Invariant.Holds(slice.Count >= 0 && (slice.Count == 0 || (slice.First >= 0 && slice.First + slice.Count <= Math.Min(leftRows, rightRows))));
            rows = slice.Count == 0 ? rows : Math.Max(rows, slice.First + slice.Count);
        }

        return rows;
    }

    private static int PackedRows(int inner) => Math.Max(PackedFloats / Math.Max(inner, 1), 2 * TransposedProduct.MostRows);

    // Groups of nearly as many rows, at most mostRows each.
    private static void MultiplyByPanels(
        VectorUnit unit,
        ReadOnlySpan<float> left,
        int rows,
        int inner,
        ReadOnlySpan<float> right,
        bool isRightTransposed,
        int columns,
        ReadOnlySpan<float> bias,
        Span<float> result,
        Span<float> scratch,
        int mostRows)
    {
        PanelProduct kernel = new()
        {
            Left = left,
            LeftRowStride = inner,
            LeftStep = 1,
            Right = right,
            IsRightTransposed = isRightTransposed,
            Bias = bias,
            Inner = inner,
            Columns = columns,
            Segments = [new SliceRows(0, inner)],
            Result = result,
            Scratch = scratch,
        };
        int groups = rows == 0 ? 0 : (rows + mostRows - 1) / mostRows;
        for (int group = 0; group < groups; group++)
        {
            kernel.FromRow = (int)((long)rows * group / groups);
            kernel.ToRow = (int)((long)rows * (group + 1) / groups);
            unit.Run(ref kernel);
        }
    }
}
