using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The images that Winograd's tiles are read from: the input, or for its gradient the output gradient. Each tile of 2 × 2 results reads 4 × 4 places, two apart from the next tile's; those outside the image are
/// +0. Tiles are transformed with the channels as lanes.</summary>
/// <param name="Channels">The channels.</param>
/// <param name="Rows">The rows of a channel.</param>
/// <param name="Columns">The columns of a channel.</param>
/// <param name="RowsBefore">The rows of +0 before the first; negative where so many are left out.</param>
/// <param name="ColumnsBefore">Likewise the columns.</param>
/// <param name="TileRows">Rows of tiles of a sample.</param>
/// <param name="TileColumns">Tiles of a row.</param>
internal readonly record struct WinogradSource(int Channels, int Rows, int Columns, int RowsBefore, int ColumnsBefore, int TileRows, int TileColumns)
{
    // Tiles that are computed together: of few channels what fills a share of the second-level cache, of many so many that the weights, which pass by once, do not hold up the products.
    private const int BlockFloats = 65_536, LeastTiles = 64;

    /// <summary>The channels as whole vectors: those beyond the last are +0.</summary>
    public int Lanes => MapKernels.Padded(Channels);

    /// <summary>The floats of a sample.</summary>
    public int Length => Channels * Rows * Columns;

    /// <summary>What the outputs are computed from.</summary>
    public static WinogradSource OfInput(in ConvolutionShape shape)
    {
        WindowAxis rows = shape.Rows, columns = shape.Columns;
        return new(shape.Channels, rows.Input, columns.Input, rows.Before, columns.Before, Winograd.Tiles(rows.Output), Winograd.Tiles(columns.Output));
    }

    /// <summary>What the input's gradients are computed from.</summary>
    public static WinogradSource OfOutputGradient(in ConvolutionShape shape)
    {
        WindowAxis rows = shape.Rows, columns = shape.Columns;
        return new(shape.Outputs, rows.Output, columns.Output, 2 - rows.Before, 2 - columns.Before, Winograd.Tiles(rows.Input), Winograd.Tiles(columns.Input));
    }

    /// <summary>The rows of tiles that are computed together, of at most so many samples.</summary>
    public int RowsTogether(int samples)
    {
        int some = Math.Max(LeastTiles, BlockFloats / (Winograd.Places * Lanes)) / TileColumns;
        return (int)Math.Max(1, Math.Min((long)samples * TileRows, some));
    }

    /// <summary>The floats that <see cref="Transform"/> needs for so many rows of tiles.</summary>
    public int BandLength(int tileRows) => checked(((Winograd.Step * Math.Min(tileRows, TileRows)) + 3) * Columns * Lanes);

    /// <summary>Transforms rows of tiles of one sample.</summary>
    /// <param name="sample">[channels, rows, columns].</param>
    /// <param name="part">The rows of tiles.</param>
    /// <param name="band">Room for the image's rows with the channels side by side.</param>
    /// <param name="to">For each place and tile the channels, and +0 up to <see cref="Lanes"/>.</param>
    /// <param name="step">From one place to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Transform<TVector, TOps>(float* sample, TilePart part, float* band, float* to, nint step)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // One row of +0, then the image's rows that the tiles read.
        nint pitch = (nint)Columns * Lanes;
        int first = Math.Clamp((Winograd.Step * part.First) - RowsBefore, 0, Rows), end = Math.Clamp((Winograd.Step * part.End) + 2 - RowsBefore, first, Rows);
        new Span<float>(band, (int)pitch).Clear();
        Transposition.Run(sample + ((nint)first * Columns), (nint)Rows * Columns, Channels, (end - first) * Columns, band + pitch, Lanes, Lanes);
        for (int row = part.First; row < part.End; row++, to += TileColumns * Lanes)
        {
            int top = (Winograd.Step * row) - RowsBefore;
            float* row0 = RowOf(band, pitch, top, first, end), row1 = RowOf(band, pitch, top + 1, first, end);
            float* row2 = RowOf(band, pitch, top + 2, first, end), row3 = RowOf(band, pitch, top + 3, first, end);
            for (int lane = 0; lane < Lanes; lane += TOps.Count)
            {
                TileRow<TVector, TOps>(row0 + lane, row1 + lane, row2 + lane, row3 + lane, to + lane, step);
            }
        }
    }

    // Where a row of the image is in the band; one outside is the row of +0.
    private static unsafe float* RowOf(float* band, nint pitch, int row, int first, int end) => row >= first && row < end ? band + ((row - first + 1) * pitch) : band;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void TileRow<TVector, TOps>(float* row0, float* row1, float* row2, float* row3, float* to, nint step)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int column = -ColumnsBefore, columns = Columns;
        nint lanes = Lanes, at = column * lanes;
        TVector a0, a1, a2, a3, b0, b1, b2, b3;
        Column<TVector, TOps>(row0, row1, row2, row3, at, column, columns, out TVector c0, out TVector c1, out TVector c2, out TVector c3);
        Column<TVector, TOps>(row0, row1, row2, row3, at + lanes, column + 1, columns, out TVector d0, out TVector d1, out TVector d2, out TVector d3);
        for (int left = TileColumns; left > 0; left--, to += lanes)
        {
            // The last two columns of a tile are the first two of the next.
            a0 = c0;
            a1 = c1;
            a2 = c2;
            a3 = c3;
            b0 = d0;
            b1 = d1;
            b2 = d2;
            b3 = d3;
            column += Winograd.Step;
            at += Winograd.Step * lanes;
            Column<TVector, TOps>(row0, row1, row2, row3, at, column, columns, out c0, out c1, out c2, out c3);
            Column<TVector, TOps>(row0, row1, row2, row3, at + lanes, column + 1, columns, out d0, out d1, out d2, out d3);
            Along<TVector, TOps>(a0, b0, c0, d0, to, step);
            Along<TVector, TOps>(a1, b1, c1, d1, to + (4 * step), step);
            Along<TVector, TOps>(a2, b2, c2, d2, to + (8 * step), step);
            Along<TVector, TOps>(a3, b3, c3, d3, to + (12 * step), step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Column<TVector, TOps>(
        float* row0, float* row1, float* row2, float* row3, nint at, int column, int columns, out TVector v0, out TVector v1, out TVector v2, out TVector v3)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        if ((uint)column < (uint)columns)
        {
            Winograd.Inputs<TVector, TOps>(
                TOps.Load(in *(row0 + at), 0), TOps.Load(in *(row1 + at), 0), TOps.Load(in *(row2 + at), 0), TOps.Load(in *(row3 + at), 0), out v0, out v1, out v2, out v3);
        }
        else
        {
            v0 = v1 = v2 = v3 = TOps.Zero;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Along<TVector, TOps>(TVector a, TVector b, TVector c, TVector d, float* to, nint step)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Winograd.Inputs<TVector, TOps>(a, b, c, d, out TVector v0, out TVector v1, out TVector v2, out TVector v3);
        Winograd.Store<TVector, TOps>(v0, v1, v2, v3, to, step);
    }
}
