using System.Runtime.CompilerServices;
namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.Multiply"/>: blocks of the summed dimension continue the chains where the block before left them, in the result.</summary>
internal unsafe ref struct ChainProduct : IKernel
{
    // A panel of the right operand, 32 columns of this many rows, takes half of a first-level cache of 48 kB.
    private const int MostInner = 256;

    // A block of the left operand, this many rows of MostInner, takes a third of a second-level cache of 1 MB.
    private const int BlockRows = 192;

    public ReadOnlySpan<float> Left;
    public ReadOnlySpan<float> Right;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public Span<float> Scratch;
    public int Rows;
    public int Inner;
    public int Columns;

    public static int ScratchLength(int inner)
    {
        Invariant.Holds(inner >= 0);
        return PackedPanels.Width + (TileShapes.MostRows * PackedPanels.Width) + PackedPanels.Width + (BlockRows * Depth(inner));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int depth = Depth(Inner);
        fixed (float* left = Left, right = Right, bias = Bias, result = Result, scratch = Scratch)
        {
            float* edge = MatrixProduct.Align(scratch);
            float* edgeBias = edge + (TileShapes.MostRows * PackedPanels.Width);
            float* block = edgeBias + PackedPanels.Width;
            for (int row = 0; row < Rows; row += BlockRows)
            {
                int rows = Math.Min(BlockRows, Rows - row);
                int k = 0;
                do
                {
                    int count = Math.Min(depth, Inner - k);
                    PackLeft(left + ((nint)row * Inner) + k, Inner, rows, count, block, TOps.Count);
                    Block<TVector, TOps>(block, right, bias, result + ((nint)row * Columns), rows, k, count, edge, edgeBias);
                    k += count;
                }
                while (k < Inner);
            }
        }
    }

    // Blocks of the summed dimension are of nearly equal lengths, so that none is too short to pay for reloading the sums.
    private static int Depth(int inner)
    {
        int blocks = Math.Max(1, (inner + MostInner - 1) / MostInner);
        return (inner + blocks - 1) / blocks;
    }

    private static void PackLeft(float* left, int stride, int rows, int count, float* block, int lanes)
    {
        for (int row = 0; row < rows;)
        {
            int height = TileShapes.Next(lanes, rows - row);
            Transposition.Run(left + ((nint)row * stride), stride, Math.Min(height, rows - row), count, block, height, height);
            block += (nint)height * count;
            row += height;
        }
    }

    private readonly void Block<TVector, TOps>(float* block, float* right, float* bias, float* result, int rows, int k, int count, float* edge, float* edgeBias)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        bool last = k + count == Inner;
        Tile tile = default;
        tile.Counts = &count;
        tile.Segments = 1;
        for (int first = 0; first < Columns; first += PackedPanels.Width)
        {
            int panelWidth = PackedPanels.WidthOf(first / PackedPanels.Width, Columns);
            int width = TileShapes.Columns(TOps.Count, panelWidth);
            float* panel = right + ((nint)first * Inner) + ((nint)k * panelWidth);
            for (int offset = 0; offset < panelWidth && first + offset < Columns; offset += width)
            {
                int column = first + offset;
                int columns = Math.Min(width, Columns - column);
                tile.RightStride = panelWidth;
                tile.Bias = null;
                if (last && !Bias.IsEmpty)
                {
                    tile.Bias = bias + column;
                    if (columns < width)
                    {
                        new Span<float>(bias + column, columns).CopyTo(new Span<float>(edgeBias, width));
                        tile.Bias = edgeBias;
                    }
                }

                float* left = block;
                for (int row = 0; row < rows;)
                {
                    int height = TileShapes.Next(TOps.Count, rows - row);
                    float* output = result + ((nint)row * Columns) + column;
                    tile.Left = left;
                    tile.Right = panel + offset;
                    if (columns == width && rows - row >= height)
                    {
                        tile.To = output;
                        tile.ToStride = Columns;
                        tile.Start = k == 0 ? null : output;
                        tile.StartStride = Columns;
                        TileShapes.Run<TVector, TOps>(height, width, in tile);
                    }
                    else
                    {
                        int present = Math.Min(height, rows - row);
                        tile.To = edge;
                        tile.ToStride = width;
                        tile.Start = k == 0 ? null : edge;
                        tile.StartStride = width;
                        if (k != 0)
                        {
                            Copy(output, Columns, edge, width, present, columns);
                        }

                        TileShapes.Run<TVector, TOps>(height, width, in tile);
                        Copy(edge, width, output, Columns, present, columns);
                    }

                    left += (nint)height * count;
                    row += height;
                }
            }
        }
    }

    private static void Copy(float* from, nint fromStride, float* to, nint toStride, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            new Span<float>(from, columns).CopyTo(new Span<float>(to, columns));
            from += fromStride;
            to += toStride;
        }
    }
}
