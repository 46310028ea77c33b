using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.Multiply"/> and <see cref="MatrixProduct.SlicedProduct"/>: result[row, column] = Σ over k of left(row, k) · right[k, column]. For each panel of
/// the right operand the tiles go down the rows, the left operand read where it lies. While tiles are computed, what they write next and the next panel's columns are fetched.</summary>
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
    public int Inner;
    public int Columns;
    public ReadOnlySpan<SliceRows> Segments;
    public Span<float> Result;
    public int FromRow;
    public int ToRow;
    public Span<float> Scratch;

    /// <summary>The floats of scratch for right operands of at most <paramref name="inner"/> rows in at most <paramref name="segments"/> segments.</summary>
    /// <param name="inner">The rows of the right operand.</param>
    /// <param name="segments">The segments.</param>
    /// <param name="packedRows">The most rows of the left operand, where they may be packed.</param>
    public static int ScratchLength(int inner, int segments, int packedRows)
    {
        Scratch none = new(null);
        Lay(ref none, inner, segments, packedRows);
        return none.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, result = Result, scratch = Scratch)
        fixed (SliceRows* segments = Segments)
        {
            bool packsLeft = TileShapes.RowsCollide(TOps.Count, LeftRowStride) && Columns > (TilesThatPay - 1) * Panels.Width;
            Scratch space = new(scratch);
            Memory memory = Lay(ref space, Inner, Segments.Length, packsLeft ? ToRow - FromRow : 0);
            Tile tile = new()
            {
                LeftRowStride = LeftRowStride,
                LeftStep = LeftStep,
                Segments = segments,
                SegmentCount = Segments.Length,
                Levels = memory.Levels,
            };
            bool pays = ToRow - FromRow > (TilesThatPay - 1) * TileShapes.MostRows;
            for (int first = 0; first < Columns; first += Panels.Width)
            {
                int width = Panels.WidthAt(first, Columns);
                int columns = Math.Min(width, Columns - first);
                bool packs = pays || columns < width;
                if (packs)
                {
                    PackPanel(right + first, columns, memory.Panel, width);
                }

                tile.Right = packs ? memory.Panel : right + first;
                tile.RightStride = packs ? width : Columns;
                Panel<TVector, TOps>(tile, left, packsLeft ? memory.Left : null, first, width, columns, first + width < Columns ? right + first + width : null, result + first, memory.Edge);
            }
        }
    }

    private static Memory Lay(ref Scratch space, int inner, int segments, int packedRows)
    {
        const int TileFloats = TileShapes.MostRows * Panels.Width;
        return new Memory
        {
            Edge = space.Take(TileFloats),
            Levels = space.Take(MatrixProduct.Levels(segments) * TileFloats),
            Panel = space.Take(checked(inner * Panels.Width)),
            Left = space.Take(checked(packedRows * inner)),
        };
    }

    // Every row keeps its place, so that segments are found in the panel as in the operands.
    private readonly void PackPanel(float* right, int columns, float* packed, int width)
    {
        foreach (SliceRows segment in Segments)
        {
            Panels.Copy(right + ((nint)segment.First * Columns), Columns, segment.Count, columns, packed + ((nint)segment.First * width), width);
        }
    }

    private readonly void Panel<TVector, TOps>(Tile tile, float* left, float* packedLeft, int first, int panelWidth, int columns, float* nextPanel, float* result, float* edge)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        float* panel = tile.Right;
        bool isInPlace = tile.RightStride == Columns, packsLeft = packedLeft != null && first == 0;
        int width = TileShapes.Width(TOps.Count, panelWidth);
        for (int row = FromRow, height; row < ToRow; row += height)
        {
            height = TileShapes.Height(TOps.Count, ToRow - row);
            int below = ToRow - row - height;
            tile.Left = left + ((nint)row * LeftRowStride);
            tile.LeftAhead = LeftRowStride == 1 ? (2 * height) - 1 : 0;
            if (packedLeft != null)
            {
                float* packed = packedLeft + ((nint)(row - FromRow) * Inner);
                if (packsLeft)
                {
                    Transposition.Run(tile.Left, LeftRowStride, height, Inner, packed, height, height);
                }

                tile.Left = packed;
                tile.LeftRowStride = 1;
                tile.LeftStep = height;
            }

            for (int offset = 0; offset < columns; offset += width)
            {
                float* output = result + ((nint)row * Columns) + offset;
                bool whole = columns - offset >= width;
                tile.Right = panel + offset;
                tile.To = whole ? output : edge;
                tile.ToStride = whole ? Columns : width;
                if (packsLeft && below > 0)
                {
                    tile.Ahead = new LinesAhead(left + ((nint)(row + height) * LeftRowStride), height, Inner);
                }
                else if (isInPlace && row == FromRow && (first == 0 || below == 0))
                {
                    tile.Ahead = new LinesAhead(tile.Right + (RowsAhead * (nint)Columns), Columns, Inner, Prefetch.LineFloats);
                }
                else if (nextPanel != null && below == TileShapes.Height(TOps.Count, below))
                {
                    // The last tile but one fetches the first line of each row, the last one the second.
                    tile.Ahead = new LinesAhead(nextPanel + (below == 0 ? Prefetch.LineFloats : 0), Columns, Inner);
                }
                else
                {
                    tile.Ahead = new LinesAhead(output + ((nint)height * Columns), Columns, Math.Min(below, TileShapes.MostRows), width > Prefetch.LineFloats ? Prefetch.LineFloats : 0);
                }

                TileShapes.Run<TVector, TOps, StridedWalk>(height, width, in tile);
                if (!whole)
                {
                    Panels.CopyOut(edge, width, height, columns - offset, output, Columns);
                }
            }
        }
    }

    private struct Memory
    {
        public float* Edge;
        public float* Levels;
        public float* Panel;
        public float* Left;
    }
}
