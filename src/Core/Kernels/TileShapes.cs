namespace DistNet.Kernels;

/// <summary>How outputs are cut into tiles, and which kernel computes a tile: up to 12 rows of 2 vectors (24 sums) in the 32 registers of AVX-512, up to 6 (12 sums)
/// in the 16 of AVX2 and SSE.</summary>
internal static class TileShapes
{
    /// <summary>The most rows that a tile has.</summary>
    public const int MostRows = 12;

    /// <summary>The most lanes that a vector has.</summary>
    public const int MostLanes = 16;

    /// <summary>The most rows of a short tile, one of vectors narrower than <see cref="MostLanes"/>.</summary>
    public const int MostShortRows = 6;

    /// <summary>The rows of the next tile where <paramref name="rows"/> are left: full tiles, then two of nearly equal height, since short tiles cannot keep the multipliers busy.</summary>
    /// <param name="lanes">The lanes of a vector.</param>
    /// <param name="rows">At least 1.</param>
    public static int Height(int lanes, int rows)
    {
        int most = MostHeight(lanes);
        return rows >= 2 * most || rows == most ? most : rows > most ? (rows + 1) / 2 : rows;
    }

    /// <summary>How many tiles of the next one's <see cref="Height"/> follow each other, it among them, where <paramref name="rows"/> are left.</summary>
    /// <param name="lanes">The lanes of a vector.</param>
    /// <param name="rows">At least 1.</param>
    public static int Alike(int lanes, int rows)
    {
        int most = MostHeight(lanes);
        return rows % most == 0 ? rows / most : rows > 2 * most ? (rows / most) - 1 : rows > most && rows % 2 == 0 ? 2 : 1;
    }

    /// <summary>The columns of a panel that is as wide as a tile, where <paramref name="columns"/> are left: two vectors, or one that holds them.</summary>
    /// <param name="lanes">The lanes of a vector.</param>
    /// <param name="columns">At least 1.</param>
    public static int PanelWidth(int lanes, int columns) => columns <= lanes ? lanes : 2 * lanes;

    /// <summary>The columns of a tile within a panel of <paramref name="panelWidth"/> columns.</summary>
    public static int Width(int lanes, int panelWidth) => Math.Min(2 * lanes, panelWidth);

    /// <summary>About how many tiles cover a product's outputs.</summary>
    /// <param name="lanes">The lanes of a vector.</param>
    /// <param name="rows">The outputs' rows.</param>
    /// <param name="columns">The outputs' columns.</param>
    public static int Tiles(int lanes, int rows, int columns) => ((rows + MostHeight(lanes) - 1) / MostHeight(lanes)) * ((columns + (2 * lanes) - 1) / (2 * lanes));

    /// <summary>The steps of <see cref="LinesAhead"/> that a tile takes with each four k: as the multiply-adds of a step.</summary>
    /// <param name="rows">The tile's rows.</param>
    public static int StepsAhead(int rows) => rows > MostShortRows ? 4 : 1;

    /// <summary>Computes a tile of <paramref name="rows"/> × <paramref name="columns"/>, as <see cref="Height"/> and <see cref="Width"/> gave them, and those that follow it.</summary>
    public static void Run<TVector, TOps, TWalk>(int rows, int columns, ref Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TWalk : struct, ITileWalk
    {
        if (columns > TOps.Count)
        {
            Run<TVector, TOps, Two, TWalk>(rows, ref tile);
        }
        else
        {
            Run<TVector, TOps, One, TWalk>(rows, ref tile);
        }
    }

    /// <summary>The most rows of a tile.</summary>
    /// <param name="lanes">The lanes of a vector.</param>
    public static int MostHeight(int lanes) => lanes == MostLanes ? MostRows : MostShortRows;

    private static void Run<TVector, TOps, TVectors, TWalk>(int rows, ref Tile tile)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TVectors : unmanaged, ITileCount
        where TWalk : struct, ITileWalk
    {
        switch (rows)
        {
            case 1:
                TileKernel.Run<TVector, TOps, One, TVectors, TWalk>(ref tile);
                break;
            case 2:
                TileKernel.Run<TVector, TOps, Two, TVectors, TWalk>(ref tile);
                break;
            case 3:
                TileKernel.Run<TVector, TOps, Three, TVectors, TWalk>(ref tile);
                break;
            case 4:
                TileKernel.Run<TVector, TOps, Four, TVectors, TWalk>(ref tile);
                break;
            case 5:
                TileKernel.Run<TVector, TOps, Five, TVectors, TWalk>(ref tile);
                break;
            case 6:
                TileKernel.Run<TVector, TOps, Six, TVectors, TWalk>(ref tile);
                break;
            case 7:
                TileKernel.Run<TVector, TOps, Seven, TVectors, TWalk>(ref tile);
                break;
            case 8:
                TileKernel.Run<TVector, TOps, Eight, TVectors, TWalk>(ref tile);
                break;
            case 9:
                TileKernel.Run<TVector, TOps, Nine, TVectors, TWalk>(ref tile);
                break;
            case 10:
                TileKernel.Run<TVector, TOps, Ten, TVectors, TWalk>(ref tile);
                break;
            case 11:
                TileKernel.Run<TVector, TOps, Eleven, TVectors, TWalk>(ref tile);
                break;
            default:
                TileKernel.Run<TVector, TOps, Twelve, TVectors, TWalk>(ref tile);
                break;
        }
    }
}
