using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.Multiply"/>, <see cref="MatrixProduct.SlicedProduct"/> and, for many rows, <see cref="MatrixProduct.MultiplyTransposed"/>: result[row, column] = Σ over k of
/// left(row, k) · right(k, column). For each panel of the right operand, packed, the tiles go down the rows; the left operand is packed too, or read where it lies. While tiles are computed, what they read and write next and the next
/// panel's columns are fetched.</summary>
internal unsafe ref struct PanelProduct : IKernel
{
    // A panel that fewer tiles read is read where it lies: packing would cost more than strided reads do.
    private const int TilesThatPay = 4;

    // Shorter rows of the left operand are read where they lie: they are few lines.
    private const int InnerThatPays = 16;

    // The last tiles of a panel, which fetch the next one's columns.
    private const int TilesThatFetch = 4;

    // How far ahead the rows of a right operand that is read where it lies are fetched: as many as are read while memory answers.
    private const int RowsAhead = 16;

    public ReadOnlySpan<float> Left;
    public int LeftRowStride;
    public int LeftStep;
    public ReadOnlySpan<float> Right;

    // Whether the right operand's columns are rows of memory: then both operands are packed, whatever their sizes.
    public bool IsRightTransposed;

    // A value for each column, added last, where both operands are packed; empty for none.
    public ReadOnlySpan<float> Bias;
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
        fixed (float* left = Left, right = Right, bias = Bias, result = Result, scratch = Scratch)
        fixed (SliceRows* segments = Segments)
        {
            bool packsLeft = IsRightTransposed || (Inner >= InnerThatPays && Columns > (TilesThatPay - 1) * Panels.Width);
            bool packsRight = IsRightTransposed || ToRow - FromRow > (TilesThatPay - 1) * TileShapes.MostHeight(TOps.Count);
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
            nint toColumn = IsRightTransposed ? Inner : 1;
            for (int first = 0, width; first < Columns; first += width)
            {
                // A last panel that is not full begins earlier: some columns are computed once more, with the same bits.
                width = TileShapes.PanelWidth(TOps.Count, Columns - first);
                first = Math.Max(Math.Min(first, Columns - width), 0);
                int columns = Math.Min(width, Columns - first);
                bool packs = packsRight || columns < width;
                if (packs)
                {
                    PackPanel(right + (first * toColumn), columns, memory.Panel, width);
                }

                if (bias != null)
                {
                    Panels.Copy(bias + first, columns, 1, columns, memory.Bias, width);
                    tile.Bias = memory.Bias;
                }

                tile.Right = packs ? memory.Panel : right + first;
                tile.RightStride = packs ? width : Columns;
                Panel<TVector, TOps>(tile, !packs, left, packsLeft ? memory.Left : null, first, width, columns, first + width < Columns ? right + ((first + width) * toColumn) : null, result + first, memory.Edge);
            }
        }
    }

    private static Memory Lay(ref Scratch space, int inner, int segments, int packedRows)
    {
        const int TileFloats = TileShapes.MostRows * Panels.Width;
        return new Memory
        {
            Edge = space.Take(TileFloats),
            Bias = space.Take(Panels.Width),
            Levels = space.Take(MatrixProduct.Levels(segments) * TileFloats),
            Panel = space.Take(checked(inner * Panels.Width)),
            Left = space.Take(checked(packedRows * inner)),
        };
    }

    // Every row keeps its place, so that segments are found in the panel as in the operands.
    private readonly void PackPanel(float* right, int columns, float* packed, int width)
    {
        if (IsRightTransposed)
        {
            Transposition.Run(right, Inner, columns, Inner, packed, width, width);
            return;
        }

        foreach (SliceRows segment in Segments)
        {
            Panels.Copy(right + ((nint)segment.First * Columns), Columns, segment.Count, columns, packed + ((nint)segment.First * width), width);
        }
    }

    private readonly void Panel<TVector, TOps>(Tile tile, bool isInPlace, float* left, float* packedLeft, int first, int width, int columns, float* nextPanel, float* result, float* edge)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        bool packsLeft = packedLeft != null && first == 0, isWhole = columns == width;
        int most = TileShapes.MostHeight(TOps.Count);
        for (int row = FromRow, height, tiles; row < ToRow; row += tiles * height)
        {
            // The tiles of a run are computed in one go; with the last ones of a panel the next panel's columns come.
            int rows = ToRow - row, beforeLast = rows - (TilesThatFetch * most);
            height = TileShapes.Height(TOps.Count, rows);
            tiles = packsLeft || isInPlace || !isWhole ? 1 : Math.Min(TileShapes.Alike(TOps.Count, rows), beforeLast > 0 ? Math.Clamp(beforeLast / most, 1, TilesThatFetch) : TilesThatFetch);
            int below = rows - (tiles * height);
            tile.After = tiles - 1;
            tile.Left = left + ((nint)row * LeftRowStride);
            tile.LeftToNext = (nint)height * LeftRowStride;
            tile.LeftAhead = LeftRowStride == 1 ? (2 * height) - 1 : 0;
            if (packedLeft != null)
            {
                float* packed = packedLeft + ((nint)(row - FromRow) * Inner);
                if (packsLeft)
                {
                    PackRows(tile.Left, height, packed);
                }

                tile.Left = packed;
                tile.LeftRowStride = 1;
                tile.LeftStep = height;
                tile.LeftToNext = (nint)height * Inner;
            }

            float* output = result + ((nint)row * Columns);
            tile.To = isWhole ? output : edge;
            tile.ToStride = isWhole ? Columns : width;
            tile.ToNext = height * tile.ToStride;
            if (packsLeft && below > 0)
            {
                tile.Ahead = NextRows(left, row + height, Math.Min(height, below));
            }
            else if (isInPlace && row == FromRow && (first == 0 || below == 0))
            {
                float* ahead = tile.Right + (RowsAhead * (nint)Columns);
                tile.Ahead = height > TileShapes.MostShortRows ? new LinesAhead(ahead, Columns, Inner, Prefetch.LineFloats) : new LinesAhead(ahead, 4 * Columns, Inner / 4, 2 * Columns);
            }
            else if (nextPanel != null && beforeLast <= 0)
            {
                tile.Ahead = NextPanel(nextPanel, width, height, TilesThatFetch - ((rows + most - 1) / most), tiles);
            }
            else
            {
                tile.Ahead = new LinesAhead(output + ((nint)height * Columns), Columns, Math.Min(rows - height, tiles * most), width > Prefetch.LineFloats ? Prefetch.LineFloats : 0);
            }

            if (packedLeft != null && !isInPlace)
            {
                TileShapes.Run<TVector, TOps, PackedWalk>(height, width, ref tile);
            }
            else if (packedLeft != null || LeftRowStride == 1)
            {
                TileShapes.Run<TVector, TOps, ColumnsWalk>(height, width, ref tile);
            }
            else
            {
                TileShapes.Run<TVector, TOps, RowsWalk>(height, width, ref tile);
            }

            if (!isWhole)
            {
                Panels.CopyOut(edge, width, height, columns, output, Columns);
            }
        }
    }

    // Some of the pieces of the next panel's columns: of each row two lines, or one, and then two rows with each step. Where columns are rows of memory, some of these, one after the other.
    private readonly LinesAhead NextPanel(float* panel, int width, int height, int piece, int pieces)
    {
        if (IsRightTransposed)
        {
            int columns = width / TilesThatFetch;
            return LinesAhead.Of(panel + (piece * columns * (nint)Inner), pieces * columns * Inner);
        }

        panel += (nint)(Inner * piece / TilesThatFetch) * Columns;
        int rows = (Inner * pieces / TilesThatFetch) + 1;
        return height > TileShapes.MostShortRows ? new LinesAhead(panel, Columns, rows, Prefetch.LineFloats) : new LinesAhead(panel, 2 * Columns, (rows + 1) / 2, Columns);
    }

    // Rows that are packed next: floats that lie side by side, or for each k those of its row, two rows with each step.
    private readonly LinesAhead NextRows(float* left, int row, int rows) =>
        LeftRowStride == 1 ? new LinesAhead(left + row, 2 * (nint)LeftStep, Inner / 2, LeftStep) : LinesAhead.Of(left + ((nint)row * LeftRowStride), rows * Inner);

    // For each k the rows side by side.
    private readonly void PackRows(float* rows, int height, float* packed)
    {
        if (LeftRowStride == 1)
        {
            Panels.Copy(rows, LeftStep, Inner, height, packed, height);
        }
        else
        {
            Transposition.Run(rows, LeftRowStride, height, Inner, packed, height, height);
        }
    }

    private struct Memory
    {
        public float* Edge;
        public float* Bias;
        public float* Levels;
        public float* Panel;
        public float* Left;
    }
}
