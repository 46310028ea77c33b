using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Rows of a source with 16 channels side by side at each pixel and the padding written out (+0), so that every tap of every pixel is at the pixel's place plus the tap's.</summary>
/// <param name="rows">Down the rows.</param>
/// <param name="columns">Along the columns.</param>
internal readonly unsafe struct DepthwiseBand(DepthwiseAxis rows, DepthwiseAxis columns)
{
    private const int Lanes = Depthwise.Lanes;

    // Pixels of a band: a share of the second-level cache. Pixels that are turned at once: they stay in the first.
    private const int BandPixels = 2048, TurnedPixels = 256;

    /// <summary>From one row to the next.</summary>
    public int Pitch { get; } = checked(columns.Length * Lanes);

    /// <summary>The rows of results that are computed from one band.</summary>
    public int RowsTogether { get; } = (int)Math.Clamp(((BandPixels / columns.Length) - (long)rows.Span - 1) * rows.Phases / rows.Step, 1, rows.Results);

    /// <summary>The floats of a band.</summary>
    public int Length => checked(rows.Places(RowsTogether) * Pitch);

    /// <summary>The floats that <see cref="Fill"/> needs besides.</summary>
    public int TurnedLength => IsWhole ? 0 : checked(RowsTurned * columns.Source * Lanes);

    // Without padding at its sides, a band is turned where it is.
    private bool IsWhole => columns.Before == 0 && columns.Length == columns.Source;

    private int RowsTurned => Math.Clamp(TurnedPixels / columns.Source, 1, rows.Source);

    /// <summary>Writes the band that the results of some rows are computed from.</summary>
    /// <param name="source">The first of the channels, [channels, rows, columns].</param>
    /// <param name="channels">How many there are; the lanes of the others stay as they are.</param>
    /// <param name="from">The first row of results.</param>
    /// <param name="to">The row after the last.</param>
    /// <param name="turned"><see cref="TurnedLength"/> floats.</param>
    /// <param name="band"><see cref="Length"/> floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(float* source, int channels, int from, int to, float* turned, float* band)
    {
        nint pitch = Pitch, plane = (nint)rows.Source * columns.Source;
        int first = rows.Place(from), end = rows.Place(to - 1) + rows.Span;
        int top = Math.Clamp(rows.Before, first, end), bottom = (int)Math.Clamp((long)rows.Before + rows.Source, top, end);
        Clear(band, top - first, pitch);
        band += (top - first) * pitch;
        source += (nint)(top - rows.Before) * columns.Source;
        if (IsWhole)
        {
            Transposition.Run(source, plane, channels, (bottom - top) * columns.Source, band, Lanes, channels);
            band += (bottom - top) * pitch;
        }

        for (int row = top, height; !IsWhole && row < bottom; row += height, source += (nint)height * columns.Source, band += height * pitch)
        {
            height = Math.Min(RowsTurned, bottom - row);
            Transposition.Run(source, plane, channels, height * columns.Source, turned, Lanes, channels);
            Pad(turned, height, band);
        }

        Clear(band, end - bottom, pitch);
    }

    // Rows to where the padding at their sides leaves room for them.
    private void Pad(float* turned, int height, float* band)
    {
        int begin = Math.Clamp(columns.Before, 0, columns.Length), skipped = Math.Max(0, -columns.Before), count = Math.Clamp(columns.Source - skipped, 0, columns.Length - begin);
        int before = begin * Lanes, inside = count * Lanes, pitch = Pitch;
        turned += (nint)skipped * Lanes;
        for (int row = 0; row < height; row++, turned += (nint)columns.Source * Lanes, band += pitch)
        {
            new Span<float>(band, before).Clear();
            new Span<float>(turned, inside).CopyTo(new Span<float>(band + before, inside));
            new Span<float>(band + before + inside, pitch - before - inside).Clear();
        }
    }

    private static void Clear(float* band, int count, nint pitch) => new Span<float>(band, checked((int)(count * pitch))).Clear();
}
