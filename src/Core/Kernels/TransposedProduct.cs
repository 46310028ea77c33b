using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.MultiplyTransposed"/>: result[row, column] = Σ over k of left[row, k] · right[column, k]. It computes the result's
/// transpose: rows of the left operand lie side by side in panels, and the right operand is read where it lies, so that as little is moved as there are rows. For few rows, or a narrow result.
/// While tiles are computed, what is packed, read and written next is fetched.</summary>
internal unsafe ref struct TransposedProduct : IKernel
{
    /// <summary>The most rows that it is for, unless the result is narrow: turning the outputs of more costs more than packing the right operand does (<see cref="PanelProduct"/>).</summary>
    public const int MostRows = 2 * Panels.Width;

    /// <summary>The most columns of a narrow result.</summary>
    public const int MostNarrowColumns = 2 * TileShapes.MostRows;

    // Columns of the result that are turned together: three cache lines of each row.
    private const int ChunkColumns = 4 * TileShapes.MostRows;

    // Rows of the right operand are packed, if at all, where as many panels at least read them.
    private const int PanelsThatPay = 4;

    public ReadOnlySpan<float> Left;
    public ReadOnlySpan<float> Right;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Rows;
    public int Inner;
    public int Columns;
    public Span<float> Scratch;

    /// <summary>The floats of scratch for at most <paramref name="rows"/> rows.</summary>
    public static int ScratchLength(int rows, int inner)
    {
        Scratch none = new(null);
        Lay(ref none, rows, inner);
        return none.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, bias = Bias, result = Result, scratch = Scratch)
        {
            Invariant.Holds(Rows <= MostRows || Columns <= MostNarrowColumns);
            Scratch space = new(scratch);
            Memory memory = Lay(ref space, Rows, Inner);
            bool packsRight = Rows > (PanelsThatPay - 1) * Panels.Width;
            for (int column = 0; column < Columns; column += ChunkColumns)
            {
                Part part = new() { Column = column, Columns = Math.Min(ChunkColumns, Columns - column), Right = right + ((nint)column * Inner), Bias = Bias.IsEmpty ? null : bias + column };
                if (packsRight)
                {
                    PackTiles(part, TOps.Count, memory.Tiles);
                    part.Tiles = memory.Tiles;
                }

                for (int row = 0, width; row < Rows; row += width)
                {
                    width = TileShapes.PanelWidth(TOps.Count, Rows - row);
                    part.Rows = Math.Min(width, Rows - row);
                    part.IsLast = row + width >= Rows;
                    part.Output = result + ((nint)row * Columns) + column;
                    part.Panel = memory.Panels + (Rows <= MostRows ? (nint)row * Inner : 0);
                    part.Next = part.IsLast || column > 0 ? null : left + ((nint)(row + width) * Inner);
                    if (column == 0)
                    {
                        Panels.PackTransposed(left + ((nint)row * Inner), Inner, part.Rows, part.Panel, width);
                    }

                    Chunk<TVector, TOps>(part, width, memory.Chunk);
                    Transposition.Run(memory.Chunk, width, part.Columns, part.Rows, part.Output, Columns, part.Columns);
                }
            }
        }
    }

    private static Memory Lay(ref Scratch space, int rows, int inner)
    {
        int panels = Math.Min(rows, MostRows) > Panels.Width ? 2 : 1;
        return new Memory
        {
            Chunk = space.Take(ChunkColumns * Panels.Width),
            Panels = space.Take(checked(panels * Panels.Width * inner)),
            Tiles = space.Take(rows > (PanelsThatPay - 1) * Panels.Width ? checked(MostNarrowColumns * inner) : 0),
        };
    }

    // Tile after tile: for each k its rows of the right operand side by side.
    private readonly void PackTiles(in Part part, int lanes, float* tiles)
    {
        for (int done = 0, height; done < part.Columns; done += height)
        {
            height = TileShapes.Height(lanes, part.Columns - done);
            nint from = (nint)done * Inner;
            Transposition.Run(part.Right + from, Inner, height, Inner, tiles + from, height, height);
        }
    }

    private readonly void Chunk<TVector, TOps>(in Part part, int panelWidth, float* chunk)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, Inner);
        Tile tile = new() { LeftRowStride = Inner, RightStride = panelWidth, Segments = &all, SegmentCount = 1, ToStride = panelWidth };
        for (int done = 0, height; done < part.Columns; done += height)
        {
            height = TileShapes.Height(TOps.Count, part.Columns - done);
            tile.Left = part.Right + ((nint)done * Inner);
            tile.Ahead = Ahead(part, done, height, panelWidth);
            if (part.Tiles != null)
            {
                tile.Left = part.Tiles + ((nint)done * Inner);
                tile.LeftStep = height;
            }

            int row = part.Rows * done / part.Columns;
            Prefetch.Rows(part.Output + ((nint)row * Columns), Columns, (part.Rows * (done + height) / part.Columns) - row, part.Columns);
            tile.Bias = part.Bias == null ? null : part.Bias + done;
            tile.Right = part.Panel;
            tile.To = chunk + (done * panelWidth);
            if (part.Tiles != null)
            {
                TileShapes.Run<TVector, TOps, ColumnsWalk>(height, panelWidth, ref tile);
            }
            else
            {
                TileShapes.Run<TVector, TOps, RowsWalk>(height, panelWidth, ref tile);
            }
        }
    }

    // Beside the last panel, the same tile's rows in the next chunk; beside the others, a piece of what is packed or read next.
    private readonly LinesAhead Ahead(in Part part, int done, int height, int panelWidth)
    {
        if (!part.IsLast)
        {
            return part.Next == null ? default : LinesAhead.PieceOf(part.Next, (nint)panelWidth * Inner, done / height, (part.Columns + height - 1) / height);
        }

        int rows = Math.Min(height, Columns - part.Column - ChunkColumns - done);
        return rows <= 0 ? default : LinesAhead.Of(part.Right + ((nint)(ChunkColumns + done) * Inner), rows * Inner);
    }

    // A chunk of the result's columns, for the rows of one panel.
    private struct Part
    {
        public int Column;
        public int Columns;
        public int Rows;
        public bool IsLast;
        public float* Right;
        public float* Tiles;
        public float* Bias;
        public float* Panel;
        public float* Next;
        public float* Output;
    }

    private struct Memory
    {
        public float* Chunk;
        public float* Panels;
        public float* Tiles;
    }
}
