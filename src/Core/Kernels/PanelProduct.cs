using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.Multiply"/> and <see cref="MatrixProduct.SlicedProduct"/>: result[row, column] = Σ over k of left(row, k) · right[k, column]. For each panel of
/// the right operand the tiles go down the rows, the left operand read where it lies.</summary>
internal unsafe ref struct PanelProduct : IKernel
{
    // A panel that fewer tiles read is read where it lies: packing would cost more than strided reads do.
    private const int TilesThatPay = 4;

    // How far ahead the rows of a right operand that is read where it lies are fetched: as many as are read while memory answers.
    private const int RowsAhead = 16;

    public ReadOnlySpan<float> Left;
    public int LeftRowStride;
    public int LeftStep;
    public ReadOnlySpan<float> Right;
    public int Columns;
    public ReadOnlySpan<SliceRows> Segments;
    public Span<float> Result;
    public int FromRow;
    public int ToRow;
    public Span<float> Scratch;

    /// <summary>The floats of scratch for right operands of at most <paramref name="inner"/> rows in at most <paramref name="segments"/> segments.</summary>
    public static int ScratchLength(int inner, int segments)
    {
        int tile = TileShapes.MostRows * Panels.Width;
        return checked(Panels.Alignment + tile + (MatrixProduct.Levels(segments) * tile) + (inner * Panels.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, result = Result, scratch = Scratch)
        fixed (SliceRows* segments = Segments)
        {
            float* edge = Panels.Align(scratch);
            float* levels = edge + (TileShapes.MostRows * Panels.Width);
            float* packed = levels + (MatrixProduct.Levels(Segments.Length) * TileShapes.MostRows * Panels.Width);
            Tile tile = new()
            {
                LeftRowStride = LeftRowStride,
                LeftStep = LeftStep,
                Segments = segments,
                SegmentCount = Segments.Length,
                Levels = levels,
            };
            bool pays = ToRow - FromRow > (TilesThatPay - 1) * TileShapes.MostRows;
            for (int first = 0; first < Columns; first += Panels.Width)
            {
                int width = Panels.WidthAt(first, Columns);
                int columns = Math.Min(width, Columns - first);
                float* panel = right + first;
                bool packs = pays || columns < width;
                tile.RightStride = packs ? width : Columns;
                tile.RightAhead = packs ? 0 : RowsAhead * (nint)Columns;
                if (packs)
                {
                    PackPanel(panel, columns, packed, width);
                    panel = packed;
                }

                Panel<TVector, TOps>(ref tile, left, panel, width, columns, result + first, edge);
            }
        }
    }

    // Every row keeps its place, so that segments are found in the panel as in the operands.
    private readonly void PackPanel(float* right, int columns, float* packed, int width)
    {
        foreach (SliceRows segment in Segments)
        {
            Panels.Copy(right + ((nint)segment.First * Columns), Columns, segment.Count, columns, packed + ((nint)segment.First * width), width);
        }
    }

    private readonly void Panel<TVector, TOps>(ref Tile tile, float* left, float* panel, int panelWidth, int columns, float* result, float* edge)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int width = TileShapes.Width(TOps.Count, panelWidth);
        for (int row = FromRow, height; row < ToRow; row += height)
        {
            height = TileShapes.Height(TOps.Count, ToRow - row);
            tile.Left = left + ((nint)row * LeftRowStride);
            tile.LeftAhead = LeftRowStride == 1 ? (2 * height) - 1 : 0;
            for (int offset = 0; offset < columns; offset += width)
            {
                float* output = result + ((nint)row * Columns) + offset;
                bool whole = columns - offset >= width;
                tile.Right = panel + offset;
                tile.To = whole ? output : edge;
                tile.ToStride = whole ? Columns : width;
                if (whole)
                {
                    Prefetch.Rows(output, Columns, height, width);
                }

                TileShapes.Run<TVector, TOps, StridedWalk>(height, width, in tile);
                if (!whole)
                {
                    Panels.CopyOut(edge, width, height, columns - offset, output, Columns);
                }
            }
        }
    }
}
