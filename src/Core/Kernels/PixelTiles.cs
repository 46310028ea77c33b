using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>One sample's pixels by up to 12 channels: tiles of channels by two vectors of pixels, that go from the planes straight into the result. The weights are read where they lie, one row of taps
/// for each channel.</summary>
internal unsafe struct PixelTiles
{
    /// <summary>The weights of the first channel, row by row.</summary>
    public float* Weights;

    /// <summary>The channels.</summary>
    public int Channels;

    /// <summary>One value for each channel that is added last; null for none.</summary>
    public float* Bias;

    /// <summary>From one channel to the next in the result.</summary>
    public int ResultPixels;

    /// <summary>Room for a tile.</summary>
    public float* Edge;

    /// <summary>What share of the lanes these tiles fill.</summary>
    public static double FilledLanes(in PixelGrid grid)
    {
        const int Lanes = MapKernels.Lanes;
        int vectors = grid.Columns <= Lanes ? 1 : (grid.Columns + (2 * Lanes) - 1) / (2 * Lanes) * 2;
        return grid.Columns / (double)(vectors * Lanes);
    }

    /// <summary>Computes all pixels of a grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>(in PixelGrid grid, float* plane, float* result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        if (grid.Rows == 0)
        {
            return; // a phase that no pixel has
        }

        int lanes = TOps.Count, columns = grid.Columns;
        SliceRows all = new(0, grid.Taps);
        Tile tile = new()
        {
            LeftRowStride = grid.Taps,
            Steps = grid.Steps,
            Segments = &all,
            SegmentCount = 1,
            SecondRight = lanes,
            SecondTo = lanes,
        };
        result += grid.ResultFirst;
        for (int channel = 0, height; channel < Channels; channel += height, result += (nint)height * ResultPixels)
        {
            height = TileShapes.Height(lanes, Channels - channel);
            tile.Left = Weights + ((nint)channel * grid.Taps);
            tile.Bias = Bias == null ? null : Bias + channel;
            if (columns > lanes)
            {
                Rows<TVector, TOps>(ref tile, grid, plane, result, height);
            }
            else
            {
                Pairs<TVector, TOps>(ref tile, grid, plane, result, height);
            }
        }
    }

    // Two vectors within a row, and those of the rows below; the last ones of a row overlap with what is done.
    private readonly void Rows<TVector, TOps>(ref Tile tile, in PixelGrid grid, float* plane, float* result, int height)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int lanes = TOps.Count, columns = grid.Columns, width = 2 * lanes;
        int gap = Math.Min(lanes, columns - lanes);
        bool isDirect = grid.ResultColumnStep == 1, isOneRow = isDirect && grid.Rows == 1;
        tile.SecondRight = gap;
        tile.SecondTo = gap;
        tile.ToStride = isDirect ? ResultPixels : width;
        tile.RightToNext = isOneRow ? width : grid.Pitch;
        tile.ToNext = isOneRow ? width : grid.ResultRowStep;
        for (int done = 0, tiles; done < columns; done += tiles * width)
        {
            // A run of tiles goes along the only row, or down the rows.
            tiles = isOneRow ? Math.Max(1, (columns - done) / width) : 1;
            int column = Math.Max(0, Math.Min(done, columns - width));
            float* right = plane + column, to = result + ((nint)column * grid.ResultColumnStep);
            if (isDirect)
            {
                tile.Right = right;
                tile.To = to;
                tile.After = isOneRow ? tiles - 1 : grid.Rows - 1;
                TileShapes.Run<TVector, TOps, RightListedWalk>(height, width, ref tile);
                continue;
            }

            for (int row = 0; row < grid.Rows; row++, right += grid.Pitch, to += grid.ResultRowStep)
            {
                tile.Right = right;
                tile.To = Edge;
                TileShapes.Run<TVector, TOps, RightListedWalk>(height, width, ref tile);
                CopyOut(grid, height, width, Math.Min(width, columns), to);
            }
        }
    }

    // A vector for each of two rows. What lies beyond a row's end goes where the next row is written after it.
    private readonly void Pairs<TVector, TOps>(ref Tile tile, in PixelGrid grid, float* plane, float* result, int height)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int lanes = TOps.Count, columns = grid.Columns, pixels = grid.Rows * columns;
        for (int row = 0; row < grid.Rows; row += 2)
        {
            int rows = Math.Min(2, grid.Rows - row);
            tile.Right = plane + ((nint)row * grid.Pitch);
            tile.SecondRight = grid.Pitch;
            float* to = result + ((nint)row * grid.ResultRowStep);
            if (grid.IsWhole && ((row + rows - 1) * columns) + lanes <= pixels)
            {
                tile.To = to;
                tile.ToStride = ResultPixels;
                tile.SecondTo = columns;
                TileShapes.Run<TVector, TOps, RightListedWalk>(height, rows * lanes, ref tile);
                continue;
            }

            tile.To = Edge;
            tile.ToStride = 2 * lanes;
            tile.SecondTo = lanes;
            TileShapes.Run<TVector, TOps, RightListedWalk>(height, rows * lanes, ref tile);
            for (int second = 0; second < rows; second++)
            {
                PixelTiles part = this with { Edge = Edge + (second * lanes) };
                part.CopyOut(grid, height, 2 * lanes, columns, to + ((nint)second * grid.ResultRowStep));
            }
        }
    }

    private readonly void CopyOut(in PixelGrid grid, int height, int width, int columns, float* result)
    {
        for (int channel = 0; channel < height; channel++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[((nint)channel * ResultPixels) + ((nint)column * grid.ResultColumnStep)] = Edge[(channel * width) + column];
            }
        }
    }
}
