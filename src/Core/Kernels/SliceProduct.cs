namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.SlicedProduct"/>: the caller's columns of the left operand are packed once, then panel by panel of the right one
/// each tile goes through all slices in registers.</summary>
internal unsafe ref struct SliceProduct : IKernel
{
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

    public static int ScratchLength(int rows, int leftColumns, int sliceCount)
    {
        int tile = TileShapes.MostRows * PackedPanels.Width;
        int counts = (sliceCount + 15) / 16 * 16;
        return checked(16 + tile + (MatrixProduct.Levels(sliceCount) * tile) + counts + (rows * PackedPanels.Width) + (rows * (leftColumns + TileShapes.MostRows)));
    }

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
            float* panel = (float*)counts + ((Slices.Length + 15) / 16 * 16);
            float* block = panel + ((nint)Rows * PackedPanels.Width);
            for (int slice = 0; slice < Slices.Length; slice++)
            {
                counts[slice] = Slices[slice].Count;
            }

            for (int row = FromRow; row < ToRow;)
            {
                int height = TileShapes.Next(TOps.Count, ToRow - row);
                PackColumns(left + row, LeftColumns, Math.Min(height, ToRow - row), block + ((nint)(row - FromRow) * Rows), height);
                row += height;
            }

            Tile tile = default;
            tile.Counts = counts;
            tile.Segments = Slices.Length;
            tile.Levels = levels;
            for (int first = 0; first < RightColumns; first += PackedPanels.Width)
            {
                int panelWidth = PackedPanels.WidthOf(first / PackedPanels.Width, RightColumns);
                PackColumns(right + first, RightColumns, Math.Min(panelWidth, RightColumns - first), panel, panelWidth);
                tile.RightStride = panelWidth;
                Panel<TVector, TOps>(ref tile, panel, block, result + first, Math.Min(panelWidth, RightColumns - first), panelWidth, edge);
            }
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

    private readonly void Panel<TVector, TOps>(ref Tile tile, float* panel, float* block, float* result, int columns, int panelWidth, float* edge)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int width = TileShapes.Columns(TOps.Count, panelWidth);
        for (int row = FromRow; row < ToRow;)
        {
            int height = TileShapes.Next(TOps.Count, ToRow - row);
            tile.Left = block + ((nint)(row - FromRow) * Rows);
            for (int offset = 0; offset < columns; offset += width)
            {
                tile.Right = panel + offset;
                float* output = result + ((nint)row * RightColumns) + offset;
                if (columns - offset >= width && ToRow - row >= height)
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
                    for (int present = 0; present < Math.Min(height, ToRow - row); present++)
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
