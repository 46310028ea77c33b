using System.Runtime.CompilerServices;
namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.SlicedProduct"/>: blocks of the left operand's columns are packed, and for each of them, panel by panel of the right one,
/// each tile goes through all slices in registers.</summary>
internal unsafe ref struct SliceProduct : IKernel
{
    // A block of the left operand takes a good third of a second-level cache of 1 MB.
    private const int BlockFloats = 98_304;

    public ReadOnlySpan<float> Left;
    public ReadOnlySpan<float> Right;
    public ReadOnlySpan<SliceRows> Slices;
    public Span<float> Result;
    public Span<float> Scratch;
    public int Rows;
    public int LeftColumns;
    public int RightColumns;
    public int FromRow;
    public int ToRow;

    public static int ScratchLength(int rows, int leftColumns, int rightColumns, int sliceCount)
    {
        int tile = TileShapes.MostRows * PackedPanels.Width;
        int counts = (sliceCount + 15) / 16 * 16;
        bool keepPanels = BlockColumns(rows, leftColumns) < leftColumns;
        long panels = (long)rows * PackedPanels.Width;
        long block = (long)rows * leftColumns;
        if (keepPanels)
        {
            // The bounds of all blocks, so that the length never falls where rows grow: a scratch for many rows serves fewer.
            panels = Math.Max(panels, PackedPanels.Length(rows, rightColumns));
            block = Math.Max(BlockFloats, (long)rows * TileShapes.MostRows);
        }

        return checked((int)(16 + tile + (MatrixProduct.Levels(sliceCount) * tile) + counts + panels + block + ((long)rows * TileShapes.MostRows)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, result = Result, scratch = Scratch)
        {
            int tileLength = TileShapes.MostRows * PackedPanels.Width;
            float* edge = MatrixProduct.Align(scratch);
            float* levels = edge + tileLength;
            int* counts = (int*)(levels + (MatrixProduct.Levels(Slices.Length) * tileLength));
            float* panels = (float*)counts + ((Slices.Length + 15) / 16 * 16);
            int blockColumns = BlockColumns(Rows, ToRow - FromRow);
            bool keepPanels = blockColumns < ToRow - FromRow;
            float* block = panels + (keepPanels ? PackedPanels.Length(Rows, RightColumns) : (nint)Rows * PackedPanels.Width);
            for (int slice = 0; slice < Slices.Length; slice++)
            {
                counts[slice] = Slices[slice].Count;
            }

            Tile tile = default;
            tile.Counts = counts;
            tile.Segments = Slices.Length;
            tile.Levels = levels;
            for (int from = FromRow; from < ToRow; from += blockColumns)
            {
                int to = Math.Min(from + blockColumns, ToRow);
                PackLeft(left, from, to, block, TOps.Count);
                for (int first = 0; first < RightColumns; first += PackedPanels.Width)
                {
                    int panelWidth = PackedPanels.WidthOf(first / PackedPanels.Width, RightColumns);
                    int columns = Math.Min(panelWidth, RightColumns - first);
                    float* panel = panels + (keepPanels ? (nint)first * Rows : 0);
                    if (from == FromRow)
                    {
                        PackColumns(right + first, RightColumns, columns, panel, panelWidth);
                    }

                    tile.RightStride = panelWidth;
                    Panel<TVector, TOps>(ref tile, panel, block, from, to, result + first, columns, panelWidth, edge);
                }
            }
        }
    }

    // So many of the left operand's columns as BlockFloats hold; a multiple of the tiles' 12, 6 and 4 rows.
    private static int BlockColumns(int rows, int leftColumns)
    {
        const int Unit = TileShapes.MostRows;
        int columns = Math.Max(Unit, BlockFloats / Math.Max(rows, 1) / Unit * Unit);
        return Math.Max(1, Math.Min(columns, leftColumns));
    }

    private readonly void PackLeft(float* left, int from, int to, float* block, int lanes)
    {
        for (int row = from; row < to;)
        {
            int height = TileShapes.Next(lanes, to - row);
            PackColumns(left + row, LeftColumns, Math.Min(height, to - row), block, height);
            block += (nint)height * Rows;
            row += height;
        }
    }

    // The rows of all slices, one after the other.
    private readonly void PackColumns(float* matrix, int stride, int columns, float* packed, int width)
    {
        foreach (SliceRows slice in Slices)
        {
            PackedPanels.CopyColumns(matrix + ((nint)slice.First * stride), stride, slice.Count, columns, packed, width);
            packed += (nint)slice.Count * width;
        }
    }

    private readonly void Panel<TVector, TOps>(ref Tile tile, float* panel, float* block, int from, int to, float* result, int columns, int panelWidth, float* edge)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int width = TileShapes.Columns(TOps.Count, panelWidth);
        for (int row = from; row < to;)
        {
            int height = TileShapes.Next(TOps.Count, to - row);
            tile.Left = block + ((nint)(row - from) * Rows);
            for (int offset = 0; offset < columns; offset += width)
            {
                tile.Right = panel + offset;
                float* output = result + ((nint)row * RightColumns) + offset;
                if (columns - offset >= width && to - row >= height)
                {
                    tile.To = output;
                    tile.ToStride = RightColumns;
                    TileShapes.Run<TVector, TOps>(height, width, in tile);
                }
                else
                {
                    tile.To = edge;
                    tile.ToStride = width;
                    TileShapes.Run<TVector, TOps>(height, width, in tile);
                    for (int present = 0; present < Math.Min(height, to - row); present++)
                    {
                        int count = Math.Min(width, columns - offset);
                        new Span<float>(edge + (present * width), count).CopyTo(new Span<float>(output + ((nint)present * RightColumns), count));
                    }
                }
            }

            row += height;
        }
    }
}
