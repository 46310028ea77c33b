namespace DistNet.Kernels;

/// <summary>The shape of a tile of outputs that one call keeps in registers.</summary>
internal interface ITileShape
{
    /// <summary>4, 6, 8 or 12 rows.</summary>
    static abstract int Rows { get; }

    /// <summary>1 or 2 vectors side by side.</summary>
    static abstract int Vectors { get; }
}

/// <summary>12 × 2 vectors: 24 sums of the 32 registers of AVX-512.</summary>
internal readonly struct Tile12x2 : ITileShape
{
    public static int Rows => 12;

    public static int Vectors => 2;
}

/// <summary>8 × 2 vectors: what is left of 12 rows.</summary>
internal readonly struct Tile8x2 : ITileShape
{
    public static int Rows => 8;

    public static int Vectors => 2;
}

/// <summary>6 × 2 vectors: 12 sums of the 16 registers of AVX2 and SSE.</summary>
internal readonly struct Tile6x2 : ITileShape
{
    public static int Rows => 6;

    public static int Vectors => 2;
}

/// <summary>4 × 2 vectors: what is left of 12 or 6 rows.</summary>
internal readonly struct Tile4x2 : ITileShape
{
    public static int Rows => 4;

    public static int Vectors => 2;
}

/// <summary>12 × 1 vectors: a narrow panel under AVX-512.</summary>
internal readonly struct Tile12x1 : ITileShape
{
    public static int Rows => 12;

    public static int Vectors => 1;
}

/// <summary>8 × 1 vectors.</summary>
internal readonly struct Tile8x1 : ITileShape
{
    public static int Rows => 8;

    public static int Vectors => 1;
}

/// <summary>4 × 1 vectors.</summary>
internal readonly struct Tile4x1 : ITileShape
{
    public static int Rows => 4;

    public static int Vectors => 1;
}

/// <summary>How rows are cut into tiles, and which kernel computes a tile.</summary>
internal static class TileShapes
{
    /// <summary>The most rows that a tile has.</summary>
    public const int MostRows = 12;

    /// <summary>The rows of the next tile where <paramref name="rows"/> are left: full tiles, then the smallest that holds the rest.</summary>
    /// <param name="lanes">The lanes of a vector: 16 take tiles of 12 rows, fewer lanes (and registers) tiles of 6.</param>
    /// <param name="rows">At least 1.</param>
    public static int Next(int lanes, int rows) =>
        lanes == 16 ? (rows > 8 ? 12 : rows > 4 ? 8 : 4) : (rows > 4 ? 6 : 4);

    /// <summary>The columns of a tile within a panel of <paramref name="panelWidth"/> columns.</summary>
    public static int Columns(int lanes, int panelWidth) => Math.Min(2 * lanes, panelWidth);

    /// <summary>Computes a tile of <paramref name="rows"/> × <paramref name="columns"/>, as <see cref="Next"/> and <see cref="Columns"/> gave them.</summary>
    public static void Run<TVector, TOps>(int rows, int columns, ref readonly Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        if (TOps.Count < 16)
        {
            if (rows == 6)
            {
                TileKernel.Run<TVector, TOps, Tile6x2>(in tile);
            }
            else
            {
                TileKernel.Run<TVector, TOps, Tile4x2>(in tile);
            }
        }
        else if (columns > 16)
        {
            switch (rows)
            {
                case 12:
                    TileKernel.Run<TVector, TOps, Tile12x2>(in tile);
                    break;
                case 8:
                    TileKernel.Run<TVector, TOps, Tile8x2>(in tile);
                    break;
                default:
                    TileKernel.Run<TVector, TOps, Tile4x2>(in tile);
                    break;
            }
        }
        else
        {
            switch (rows)
            {
                case 12:
                    TileKernel.Run<TVector, TOps, Tile12x1>(in tile);
                    break;
                case 8:
                    TileKernel.Run<TVector, TOps, Tile8x1>(in tile);
                    break;
                default:
                    TileKernel.Run<TVector, TOps, Tile4x1>(in tile);
                    break;
            }
        }
    }
}
