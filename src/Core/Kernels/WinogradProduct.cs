using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="Convolution.Forward"/> and <see cref="Convolution.InputGradient"/> where <see cref="Winograd.Suits"/>. Rows of tiles are transformed until they fill a share of the second-level cache;
/// then, panel by panel of the result's channels, each of the 16 places is a product of [tiles, channels] and [channels, panel], whose tiles are transformed back and turned into the result.</summary>
internal unsafe ref struct WinogradProduct : IKernel
{
    public ConvolutionShape Shape;
    public bool IsGradient;
    public ReadOnlySpan<float> Source;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Samples;
    public Span<float> Scratch;

    private readonly WinogradSource Images => IsGradient ? WinogradSource.OfOutputGradient(Shape) : WinogradSource.OfInput(Shape);

    // Of the result.
    private readonly int Channels => IsGradient ? Shape.Channels : Shape.Outputs;

    private readonly int Rows => IsGradient ? Shape.Rows.Input : Shape.Rows.Output;

    private readonly int Columns => IsGradient ? Shape.Columns.Input : Shape.Columns.Output;

    public static int ScratchLength(in ConvolutionShape shape, int samples, bool isGradient)
    {
        WinogradProduct product = new() { Shape = shape, IsGradient = isGradient, Samples = samples };
        Scratch none = new(null);
        product.Lay(ref none);
        return none.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* source = Source, weight = Weight, bias = Bias, result = Result, scratch = Scratch)
        {
            Scratch space = new(scratch);
            Memory memory = Lay(ref space);
            WinogradSource images = Images;
            Pack<TVector, TOps>(weight, memory);
            int all = Samples * images.TileRows, together = images.RowsTogether(Samples);
            SamplesAhead ahead = new(source, images.Length, result, Channels * Rows * Columns, Samples, images.TileRows);
            for (int row = 0; row < all; row += together)
            {
                TileParts parts = new(row, Math.Min(all, row + together), images.TileRows);
                int tiles = 0;
                foreach (TilePart part in parts)
                {
                    images.Transform<TVector, TOps>(source + ((nint)part.Sample * images.Length), part, memory.Band, memory.Inputs + ((nint)tiles * images.Lanes), memory.InputStep);
                    tiles += (part.End - part.First) * images.TileColumns;
                }

                ahead.Begin(row + together, together, TileShapes.Tiles(TOps.Count, tiles, Channels) * Winograd.Places);
                for (int first = 0; first < Channels; first += Panels.Width)
                {
                    Multiply<TVector, TOps>(memory, first, tiles, ref ahead);
                    TurnBack<TVector, TOps>(memory, first, parts, bias, result);
                }
            }
        }
    }

    private readonly Memory Lay(ref Scratch space)
    {
        WinogradSource images = Images;
        int rows = images.RowsTogether(Samples), tiles = checked(rows * images.TileColumns), inputs = Winograd.Spread(checked(tiles * images.Lanes)), products = Winograd.Spread(checked(tiles * Panels.Width));
        return new Memory
        {
            Turned = space.Take(9 * Panels.Width),
            Bias = space.Take(Panels.Width),
            Weights = space.Take(checked((Channels + Panels.Width - 1) / Panels.Width * Panels.Width * images.Channels * Winograd.Places)),
            Band = space.Take(images.BandLength(rows)),
            InputStep = inputs,
            Inputs = space.Take(checked(Winograd.Places * inputs)),
            ProductStep = products,
            Products = space.Take(checked(Winograd.Places * products)),
            Pixels = space.Take(checked(Winograd.Step * Math.Min(rows, images.TileRows) * Columns * Panels.Width)),
        };
    }

    // Panel after panel of the transformed weights: for each place [channels, panel]. The kernel of the gradient is turned by 180°.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Pack<TVector, TOps>(float* weight, in Memory memory)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int taps = Shape.Taps, inner = Images.Channels;
        float* to = memory.Weights;
        for (int first = 0; first < Channels; first += Panels.Width, to += (nint)Winograd.Places * inner * Panels.Width)
        {
            int width = Panels.WidthAt(first, Channels), columns = Math.Min(width, Channels - first);
            for (int channel = 0; channel < inner; channel++)
            {
                float* from = IsGradient ? weight + ((nint)channel * taps) + ((nint)first * 9) : weight + ((nint)first * taps) + ((nint)channel * 9);
                Transposition.Run(from, IsGradient ? 9 : taps, columns, 9, memory.Turned, width, width);
                for (int column = 0; column < width; column += TOps.Count)
                {
                    float* turned = memory.Turned + column;
                    Winograd.Weights<TVector, TOps>(IsGradient ? turned + (8 * width) : turned, IsGradient ? -width : width, to + ((nint)channel * width) + column, (nint)inner * width);
                }
            }
        }
    }

    private readonly void Multiply<TVector, TOps>(in Memory memory, int first, int tiles, ref SamplesAhead ahead)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        WinogradSource images = Images;
        int panelWidth = Panels.WidthAt(first, Channels), width = TileShapes.Width(TOps.Count, panelWidth);
        SliceRows all = new(0, images.Channels);
        Tile tile = new() { LeftRowStride = images.Lanes, RightStride = panelWidth, Segments = &all, SegmentCount = 1, ToStride = panelWidth };
        float* weights = memory.Weights + ((nint)first * Winograd.Places * images.Channels);
        for (int place = 0; place < Winograd.Places; place++, weights += (nint)images.Channels * panelWidth)
        {
            for (int offset = 0; offset < panelWidth; offset += width)
            {
                for (int done = 0, height, alike; done < tiles; done += alike * height)
                {
                    height = TileShapes.Height(TOps.Count, tiles - done);
                    alike = TileShapes.Alike(TOps.Count, tiles - done);
                    tile.Left = memory.Inputs + (place * memory.InputStep) + ((nint)done * images.Lanes);
                    tile.Right = weights + offset;
                    tile.To = memory.Products + (place * memory.ProductStep) + ((nint)done * panelWidth) + offset;
                    tile.Ahead = ahead.Next(alike);
                    tile.After = alike - 1;
                    tile.LeftToNext = (nint)height * images.Lanes;
                    tile.ToNext = (nint)height * panelWidth;
                    TileShapes.Run<TVector, TOps, RowsWalk>(height, width, ref tile);
                }
            }
        }
    }

    private readonly void TurnBack<TVector, TOps>(in Memory memory, int first, TileParts parts, float* bias, float* result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int width = Panels.WidthAt(first, Channels), channels = Math.Min(width, Channels - first), tileColumns = Images.TileColumns;
        if (!Bias.IsEmpty)
        {
            Panels.Copy(bias + first, 0, 1, channels, memory.Bias, width);
        }

        float* products = memory.Products;
        foreach (TilePart part in parts)
        {
            int top = Winograd.Step * part.First, rows = Math.Min(Winograd.Step * part.End, Rows) - top;
            for (int row = 0; row < rows; row += Winograd.Step, products += tileColumns * width)
            {
                TileRow<TVector, TOps>(memory, products, row + 1 < rows, width, memory.Pixels + ((nint)row * Columns * width));
            }

            float* to = result + ((((nint)part.Sample * Channels) + first) * Rows * Columns) + ((nint)top * Columns);
            Transposition.Run(memory.Pixels, width, rows * Columns, channels, to, (nint)Rows * Columns, rows * Columns);
        }
    }

    // A row of tiles to one or two rows of pixels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TileRow<TVector, TOps>(in Memory memory, float* products, bool hasSecond, int width, float* pixels)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int columns = Columns;
        nint step = memory.ProductStep, next = hasSecond ? (nint)columns * width : 0;
        bool hasBias = !Bias.IsEmpty;
        for (int column = 0; column < columns; column += Winograd.Step, products += width, pixels += Winograd.Step * width)
        {
            for (int lane = 0; lane < width; lane += TOps.Count)
            {
                Winograd.Outputs<TVector, TOps>(products + lane, step, out TVector y00, out TVector y01, out TVector y10, out TVector y11);
                if (hasBias)
                {
                    TVector added = TOps.Load(in *(memory.Bias + lane), 0);
                    y00 = TOps.Add(y00, added);
                    y01 = TOps.Add(y01, added);
                    y10 = TOps.Add(y10, added);
                    y11 = TOps.Add(y11, added);
                }

                // Where there is no second row, the first is written over what stands for it.
                float* to = pixels + lane;
                TOps.Store(y10, ref *(to + next), 0);
                TOps.Store(y00, ref *to, 0);
                if (column + 1 < columns)
                {
                    TOps.Store(y11, ref *(to + next + width), 0);
                    TOps.Store(y01, ref *(to + width), 0);
                }
            }
        }
    }

    private struct Memory
    {
        public float* Turned;
        public float* Bias;
        public float* Weights;
        public float* Band;
        public float* Inputs;
        public nint InputStep;
        public float* Products;
        public nint ProductStep;
        public float* Pixels;
    }
}
