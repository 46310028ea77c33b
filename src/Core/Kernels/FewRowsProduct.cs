using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.MultiplyTransposed"/> for a few rows, a single sample's among them, which would leave most lanes of <see cref="TransposedProduct"/> empty: here the result's columns are
/// the lanes, for which the right operand is transposed panel by panel.</summary>
internal unsafe ref struct FewRowsProduct : IKernel
{
    /// <summary>The most rows for which transposing the right operand costs less than empty lanes do: those of one tile.</summary>
    public const int MostRows = TileShapes.MostRows;

    public ReadOnlySpan<float> Left;
    public ReadOnlySpan<float> Right;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Rows;
    public int Inner;
    public int Columns;
    public Span<float> Scratch;

    /// <summary>The floats of scratch.</summary>
    public static int ScratchLength(int inner)
    {
        Scratch none = new(null);
        Lay(ref none, inner);
        return none.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* left = Left, right = Right, bias = Bias, result = Result, scratch = Scratch)
        {
            Scratch space = new(scratch);
            Memory memory = Lay(ref space, Inner);
            for (int first = 0, width; first < Columns; first += width)
            {
                width = TileShapes.PanelWidth(TOps.Count, Columns - first);
                int columns = Math.Min(width, Columns - first);
                Panels.PackTransposed(right + ((nint)first * Inner), Inner, columns, memory.Panel, width);
                Panel<TVector, TOps>(left, memory, width);
                for (int row = 0; row < Rows; row++)
                {
                    float* outputs = memory.Outputs + ((nint)row * width), to = result + ((nint)row * Columns) + first;
                    for (int column = 0; column < columns; column++)
                    {
                        to[column] = Bias.IsEmpty ? outputs[column] : outputs[column] + bias[first + column];
                    }
                }
            }
        }
    }

    private static Memory Lay(ref Scratch space, int inner) =>
        new() { Outputs = space.Take(MostRows * Panels.Width), Panel = space.Take(checked(inner * Panels.Width)) };

    private readonly void Panel<TVector, TOps>(float* left, in Memory memory, int panelWidth)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, Inner);
        Tile tile = new() { LeftRowStride = Inner, RightStride = panelWidth, Segments = &all, SegmentCount = 1, ToStride = panelWidth };
        for (int row = 0, height; row < Rows; row += height)
        {
            height = TileShapes.Height(TOps.Count, Rows - row);
            tile.Left = left + ((nint)row * Inner);
            tile.Right = memory.Panel;
            tile.To = memory.Outputs + (row * panelWidth);
            TileShapes.Run<TVector, TOps, RowsWalk>(height, panelWidth, ref tile);
        }
    }

    private struct Memory
    {
        public float* Outputs;
        public float* Panel;
    }
}
