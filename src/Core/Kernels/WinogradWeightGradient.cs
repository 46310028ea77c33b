using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The sums of <see cref="ConvolutionWeightGradient{TSlice}"/> of one slice where <see cref="Winograd.Suits"/>. Rows of tiles of the inputs and, panel by panel, of the output gradients are transformed; each of the 16 places
/// adds a product over the tiles, [channels, tiles] and [tiles, panel], to the gradient of the transformed weights, which is transformed back when the slice has ended.</summary>
internal unsafe struct WinogradWeightGradient : ISliceWeightGradient<WinogradWeightGradient>
{
    // Two vectors stand for what lies outside the output.
    private const int Outside = Panels.Width;

    private ConvolutionShape shape;
    private int rowsTogether;
    private float* band;
    private int inputStep;
    private float* inputs;
    private int gradientStep;
    private float* gradients;
    private float* pixels;
    private float* weights;

    /// <inheritdoc/>
    public static WinogradWeightGradient Lay(in ConvolutionShape shape, ref Scratch space)
    {
        WinogradSource images = WinogradSource.OfInput(shape);
        int rows = images.RowsTogether(int.MaxValue), tiles = checked(rows * images.TileColumns), inputs = Winograd.Spread(checked(tiles * images.Lanes)), gradients = Winograd.Spread(checked(tiles * Panels.Width));
        return new WinogradWeightGradient
        {
            shape = shape,
            rowsTogether = rows,
            band = space.Take(images.BandLength(rows)),
            inputStep = inputs,
            inputs = space.Take(checked(Winograd.Places * inputs)),
            gradientStep = gradients,
            gradients = space.Take(checked(Winograd.Places * gradients)),
            pixels = space.Take(checked(Outside + (Winograd.Step * Math.Min(rows, images.TileRows) * shape.Columns.Output * Panels.Width))),
            weights = space.Take(checked(Winograd.Places * shape.Channels * ((shape.Outputs + Panels.Width - 1) / Panels.Width * Panels.Width))),
        };
    }

    /// <inheritdoc/>
    public readonly void Run<TVector, TOps>(float* input, float* outputGradient, SliceRows rows, OutputPanels panels, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        WinogradSource images = WinogradSource.OfInput(shape);
        int start = rows.First * images.TileRows, all = (rows.First + rows.Count) * images.TileRows;
        SamplesAhead ahead = new(input, images.Length, outputGradient, shape.OutputLength, rows.First + rows.Count, images.TileRows);
        for (int row = start; row < all; row += rowsTogether)
        {
            TileParts parts = new(row, Math.Min(all, row + rowsTogether), images.TileRows);
            int tiles = 0;
            foreach (TilePart part in parts)
            {
                images.Transform<TVector, TOps>(input + ((nint)part.Sample * images.Length), part, band, inputs + ((nint)tiles * images.Lanes), inputStep);
                tiles += (part.End - part.First) * images.TileColumns;
            }

            ahead.Begin(row + rowsTogether, rowsTogether, TileShapes.Tiles(TOps.Count, shape.Channels, panels.Count) * Winograd.Places);
            float* sum = weights;
            foreach (OutputPanel panel in panels)
            {
                float* to = gradients;
                foreach (TilePart part in parts)
                {
                    Transform<TVector, TOps>(outputGradient + ((nint)part.Sample * shape.OutputLength), part, panel, to);
                    to += (nint)(part.End - part.First) * images.TileColumns * panel.Width;
                }

                Multiply<TVector, TOps>(images.Lanes, tiles, panel.Width, sum, row > start, ref ahead);
                sum += (nint)Winograd.Places * shape.Channels * panel.Width;
            }
        }

        float* from = weights;
        foreach (OutputPanel panel in panels)
        {
            TurnBack<TVector, TOps>(from, panel.Width, sums);
            from += (nint)Winograd.Places * shape.Channels * panel.Width;
            sums += (nint)shape.Taps * panel.Width;
        }
    }

    // The output gradients' tiles, with a panel's outputs as lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Transform<TVector, TOps>(float* sample, TilePart part, OutputPanel panel, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int columns = shape.Columns.Output, width = panel.Width, top = Winograd.Step * part.First, rows = Math.Min(Winograd.Step * part.End, shape.Rows.Output) - top;
        float* outside = pixels, turned = pixels + Outside;
        new Span<float>(outside, Outside).Clear();
        Transposition.Run(
            sample + ((nint)panel.First * shape.OutputPixels) + ((nint)top * columns), shape.OutputPixels, panel.Outputs, rows * columns, turned, width, width);
        for (int row = 0; row < rows; row += Winograd.Step)
        {
            float* upper = turned + ((nint)row * columns * width), lower = row + 1 < rows ? upper + ((nint)columns * width) : null;
            for (int column = 0; column < columns; column += Winograd.Step, upper += Winograd.Step * width, lower += lower == null ? 0 : Winograd.Step * width, to += width)
            {
                bool isLast = column + 1 == columns;
                float* upperNext = isLast ? outside : upper + width, lowerFirst = lower == null ? outside : lower, lowerNext = isLast || lower == null ? outside : lower + width;
                for (int lane = 0; lane < width; lane += TOps.Count)
                {
                    Winograd.OutputGradients<TVector, TOps>(
                        TOps.Load(in *(upper + lane), 0),
                        TOps.Load(in *(upperNext + lane), 0),
                        TOps.Load(in *(lowerFirst + lane), 0),
                        TOps.Load(in *(lowerNext + lane), 0),
                        to + lane,
                        gradientStep);
                }
            }
        }
    }

    private readonly void Multiply<TVector, TOps>(int lanes, int tiles, int panelWidth, float* sum, bool continues, ref SamplesAhead ahead)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, tiles);
        int width = TileShapes.Width(TOps.Count, panelWidth);
        Tile tile = new() { LeftRowStride = 1, LeftStep = lanes, RightStride = panelWidth, Segments = &all, SegmentCount = 1, ToStride = panelWidth, Continues = continues };
        for (int place = 0; place < Winograd.Places; place++)
        {
            for (int channel = 0, height, alike; channel < shape.Channels; channel += alike * height)
            {
                height = TileShapes.Height(TOps.Count, shape.Channels - channel);
                alike = TileShapes.Alike(TOps.Count, shape.Channels - channel);
                tile.LeftAhead = (2 * height) - 1;
                tile.LeftToNext = height;
                tile.ToNext = (nint)height * panelWidth;
                for (int offset = 0; offset < panelWidth; offset += width)
                {
                    tile.Left = inputs + ((nint)place * inputStep) + channel;
                    tile.Right = gradients + ((nint)place * gradientStep) + offset;
                    tile.To = sum + ((((nint)place * shape.Channels) + channel) * panelWidth) + offset;
                    tile.Ahead = ahead.Next(alike);
                    tile.After = alike - 1;
                    TileShapes.Run<TVector, TOps, ColumnsWalk>(height, width, ref tile);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TurnBack<TVector, TOps>(float* from, int width, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nint step = (nint)shape.Channels * width;
        for (int channel = 0; channel < shape.Channels; channel++, from += width, sums += 9 * width)
        {
            for (int lane = 0; lane < width; lane += TOps.Count)
            {
                Winograd.WeightGradients<TVector, TOps>(from + lane, step, sums + lane, width);
            }
        }
    }
}
