using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.MultiplyTransposed"/>: result[row, column] = Σ over k of left[row, k] · right[column, k]. It computes the result's
/// transpose: rows of the left operand lie side by side in panels, and the right operand is read where it lies, so that as little is moved as there are rows.</summary>
internal unsafe ref struct TransposedProduct : IKernel
{
    // Panels that are packed together, so that the right operand passes by less often: a share of the third-level cache.
    private const int GroupFloats = 524_288;

    // Columns of the result that are turned together: three cache lines of each row.
    private const int ChunkColumns = 4 * TileShapes.MostRows;

    public ReadOnlySpan<float> Left;
    public ReadOnlySpan<float> Right;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Rows;
    public int Inner;
    public int Columns;
    public Span<float> Scratch;

    /// <summary>The floats of scratch for at most <paramref name="rows"/> rows.</summary>
    public static int ScratchLength(int rows, int inner) =>
        checked(Panels.Alignment + (ChunkColumns * Panels.Width) + (Math.Min(GroupPanels(inner) * Panels.Width, (rows + Panels.Width - 1) / Panels.Width * Panels.Width) * inner));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, bias = Bias, result = Result, scratch = Scratch)
        {
            float* chunk = Panels.Align(scratch);
            float* panels = chunk + (ChunkColumns * Panels.Width);
            int groupRows = GroupPanels(Inner) * Panels.Width;
            for (int first = 0; first < Rows; first += groupRows)
            {
                int rows = Math.Min(groupRows, Rows - first);
                Panels.PackTransposed(left + ((nint)first * Inner), Inner, rows, panels);
                for (int column = 0; column < Columns; column += ChunkColumns)
                {
                    int columns = Math.Min(ChunkColumns, Columns - column);
                    for (int row = 0; row < rows; row += Panels.Width)
                    {
                        int width = Panels.WidthAt(row, rows);
                        Chunk<TVector, TOps>(right, bias, column, columns, panels + ((nint)row * Inner), width, chunk);
                        Transposition.Run(chunk, width, columns, Math.Min(width, rows - row), result + ((nint)(first + row) * Columns) + column, Columns, columns);
                    }
                }
            }
        }
    }

    private static int GroupPanels(int inner) => Math.Max(1, GroupFloats / (Panels.Width * Math.Max(inner, 1)));

    private readonly void Chunk<TVector, TOps>(float* right, float* bias, int column, int columns, float* panel, int panelWidth, float* chunk)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, Inner);
        Tile tile = new() { LeftRowStride = Inner, LeftStep = 1, RightStride = panelWidth, Segments = &all, SegmentCount = 1, ToStride = panelWidth };
        int width = TileShapes.Width(TOps.Count, panelWidth);
        for (int done = 0, height; done < columns; done += height)
        {
            height = TileShapes.Height(TOps.Count, columns - done);
            tile.Left = right + ((nint)(column + done) * Inner);
            tile.Bias = Bias.IsEmpty ? null : bias + column + done;
            for (int offset = 0; offset < panelWidth; offset += width)
            {
                tile.Right = panel + offset;
                tile.To = chunk + (done * panelWidth) + offset;
                TileShapes.Run<TVector, TOps, StridedWalk>(height, width, in tile);
            }
        }
    }
}
