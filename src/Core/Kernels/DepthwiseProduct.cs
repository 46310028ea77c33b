using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="Convolution.Forward"/> and <see cref="Convolution.InputGradient"/> where <see cref="Depthwise.Suits"/>: 16 channels after the other and
/// sample by sample, rows of the source are turned to a <see cref="DepthwiseBand"/>, the results are summed with the channels as lanes, and turned back.</summary>
internal unsafe ref struct DepthwiseProduct : IKernel
{
    private const int Lanes = Depthwise.Lanes;

    // Pixels that are turned back together: they stay in the first-level cache.
    private const int ChunkPixels = 256;

    public ReadOnlySpan<float> Source;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Samples;
    public Span<float> Scratch;

    private readonly ConvolutionShape shape;
    private readonly bool isGradient;
    private readonly DepthwiseAxis rows;
    private readonly DepthwiseAxis columns;
    private readonly DepthwiseBand band;

    public DepthwiseProduct(scoped in ConvolutionShape shape, bool isGradient)
    {
        this.shape = shape.Simplified;
        this.isGradient = isGradient;
        rows = new(this.shape.Rows, isGradient);
        columns = new(this.shape.Columns, isGradient);
        band = new(rows, columns);
    }

    private readonly int ChunkRows => Math.Clamp(ChunkPixels / columns.Results, 1, rows.Results);

    public static int ScratchLength(in ConvolutionShape shape, bool isGradient)
    {
        DepthwiseProduct product = new(shape, isGradient);
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
            MakeTaps(memory);
            nint sourcePlane = (nint)rows.Source * columns.Source, resultPlane = (nint)rows.Results * columns.Results;
            for (int first = 0; first < shape.Channels; first += Lanes)
            {
                int channels = Math.Min(Lanes, shape.Channels - first);
                Pack(weight + ((nint)first * shape.KernelArea), channels, memory);
                if (!Bias.IsEmpty)
                {
                    Panels.Copy(bias + first, 0, 1, channels, memory.Bias, Lanes);
                }

                for (nint sample = 0; sample < Samples; sample++)
                {
                    nint channel = (sample * shape.Channels) + first;
                    Sample<TVector, TOps>(memory, source + (channel * sourcePlane), channels, result + (channel * resultPlane));
                }
            }
        }
    }

    private readonly Memory Lay(ref Scratch space)
    {
        int area = shape.KernelArea;
        return new Memory
        {
            Begin = (int*)space.Take(checked((rows.Phases * columns.Phases) + 1)),
            Order = (int*)space.Take(area),
            Offsets = (int*)space.Take(area),
            Bias = space.Take(Lanes),
            Weights = space.Take(checked(area * Lanes)),
            TurnedWeights = space.Take(checked(area * Lanes)),
            Chunk = space.Take(checked(ChunkRows * columns.Results * Lanes)),
            Turned = space.Take(band.TurnedLength),
            Band = space.Take(band.Length),
        };
    }

    // The taps of each phase: where it reads, and which weight it takes.
    private readonly void MakeTaps(in Memory memory)
    {
        int count = 0;
        for (int phase = 0; phase < rows.Phases * columns.Phases; phase++)
        {
            memory.Begin[phase] = count;
            for (int tap = 0; tap < shape.KernelArea; tap++)
            {
                (int row, int column) = Math.DivRem(tap, shape.Columns.Kernel);
                if (rows.Reaches(row, phase / columns.Phases) && columns.Reaches(column, phase % columns.Phases))
                {
                    memory.Order[count] = tap;
                    memory.Offsets[count++] = (rows.Tap(row) * band.Pitch) + (columns.Tap(column) * Lanes);
                }
            }
        }

        memory.Begin[rows.Phases * columns.Phases] = count;
    }

    private readonly void Pack(float* weight, int channels, in Memory memory)
    {
        int area = shape.KernelArea;
        Transposition.Run(weight, area, channels, area, memory.TurnedWeights, Lanes, Lanes);
        for (int tap = 0; tap < area; tap++)
        {
            new Span<float>(memory.TurnedWeights + (memory.Order[tap] * Lanes), Lanes).CopyTo(new Span<float>(memory.Weights + (tap * Lanes), Lanes));
        }

        if (channels < Lanes)
        {
            new Span<float>(memory.Turned, band.TurnedLength).Clear();
            new Span<float>(memory.Band, band.Length).Clear();
        }
    }

    private readonly void Sample<TVector, TOps>(in Memory memory, float* source, int channels, float* result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int width = columns.Results, together = band.RowsTogether, chunk = ChunkRows, plane = rows.Results * width;
        for (int first = 0; first < rows.Results; first += together)
        {
            int end = Math.Min(rows.Results, first + together);
            band.Fill(source, channels, first, end, memory.Turned, memory.Band);
            for (int row = first, height; row < end; row += height)
            {
                height = Math.Min(chunk, end - row);
                for (int y = 0; y < height; y++)
                {
                    float* from = memory.Band + ((nint)(rows.Place(row + y) - rows.Place(first)) * band.Pitch);
                    Row<TVector, TOps>(memory, rows.Phase(row + y), from, memory.Chunk + ((nint)y * width * Lanes));
                }

                Transposition.Run(memory.Chunk, Lanes, height * width, channels, result + ((nint)row * width), plane, height * width);
            }
        }
    }

    private readonly void Row<TVector, TOps>(in Memory memory, int rowPhase, float* from, float* to)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        for (int column = 0; column < Math.Min(columns.Phases, columns.Results); column++)
        {
            int phase = (rowPhase * columns.Phases) + columns.Phase(column), begin = memory.Begin[phase];
            int count = ((columns.Results - 1 - column) / columns.Phases) + 1;
            nint step = columns.Step * Lanes, toStep = columns.Phases * Lanes;

            // A gradient's taps go backwards, and so do its pixels.
            float* first = from + ((nint)columns.Place(column) * Lanes), firstTo = to + ((nint)column * Lanes);
            DepthwisePixels pixels = new()
            {
                Taps = memory.Begin[phase + 1] - begin,
                Offsets = memory.Offsets + begin,
                Weights = memory.Weights + ((nint)begin * Lanes),
                Bias = Bias.IsEmpty ? null : memory.Bias,
                Step = isGradient ? -step : step,
                ToStep = isGradient ? -toStep : toStep,
            };
            pixels.Run<TVector, TOps>(first + (isGradient ? (count - 1) * step : 0), count, firstTo + (isGradient ? (count - 1) * toStep : 0));
        }
    }

    private struct Memory
    {
        public int* Begin;
        public int* Order;
        public int* Offsets;
        public float* Bias;
        public float* Weights;
        public float* TurnedWeights;
        public float* Chunk;
        public float* Turned;
        public float* Band;
    }
}
