using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="Convolution.Forward"/> and <see cref="Convolution.InputGradient"/>. The pixels' taps are read from padded planes. Either tiles of up to 12 pixels by 32 channels
/// of the result, with the weights packed into panels of [taps, channels], once a call, and finished channels turned into the result; or, where there are few taps or channels, tiles of up to 12
/// channels by 32 pixels (<see cref="PixelTiles"/>).</summary>
internal unsafe ref struct ConvolutionProduct : IKernel
{
    // Pixels that are turned together: their sums stay in the first-level cache.
    private const int ChunkPixels = 256;

    // Samples whose planes are made together, so that panels pass by less often: a share of the second-level cache.
    private const int GroupFloats = 65_536;

    public ConvolutionShape Shape;
    public bool IsGradient;
    public ReadOnlySpan<float> Source;
    public ReadOnlySpan<float> Weight;
    public ReadOnlySpan<float> Bias;
    public Span<float> Result;
    public int Samples;
    public Span<float> Scratch;

    private readonly Planes Planes => IsGradient ? Shape.OutputPlanes : Shape.InputPlanes;

    // Channels of the result in a group.
    private readonly int GroupColumns => IsGradient ? Shape.GroupChannels : Shape.GroupOutputs;

    private readonly int GroupSourceChannels => IsGradient ? Shape.GroupOutputs : Shape.GroupChannels;

    private readonly int GridCount => IsGradient ? Shape.Rows.Stride * Shape.Columns.Stride : 1;

    private readonly int ResultPixels => IsGradient ? Shape.Rows.Input * Shape.Columns.Input : Shape.OutputPixels;

    // Taps of a group, of all grids together.
    private readonly int AllTaps => GroupSourceChannels * Shape.KernelArea;

    // A row shorter than a vector is read beyond its end, which planes of our own have room for.
    private readonly bool ReadsSource => Planes.AreSource && ShortestRow > MapKernels.Lanes;

    // The fewest pixels of a row in any grid.
    private readonly int ShortestRow
    {
        get
        {
            int columns = IsGradient ? Shape.Columns.Input / Shape.Columns.Stride : Shape.Columns.Output;
            bool isFlat = Planes.Pitch == columns && (!IsGradient || (Shape.Rows.Stride == 1 && Shape.Columns.Stride == 1));
            return isFlat ? ResultPixels : columns;
        }
    }

    private readonly int PaddedColumns => MapKernels.Padded(GroupColumns);

    public static int ScratchLength(in ConvolutionShape shape, int samples, bool isGradient)
    {
        ConvolutionProduct product = new() { Shape = shape.Simplified, IsGradient = isGradient, Samples = samples };
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
            MakeGrids(memory);
            Pack(weight, memory);
            Planes planes = Planes;
            int together = SamplesTogether(planes);
            for (int first = 0; first < Samples; first += together)
            {
                int count = Math.Min(together, Samples - first);
                float* from = source + ((nint)first * planes.SourceLength);
                for (int sample = 0; !ReadsSource && sample < count; sample++)
                {
                    planes.Fill(from + ((nint)sample * planes.SourceLength), planes.Channels, memory.Planes + ((nint)sample * planes.Length));
                }

                Channels<TVector, TOps>(memory, ReadsSource ? from : memory.Planes, count, weight, bias, result + ((nint)first * Shape.Groups * GroupColumns * ResultPixels));
            }
        }
    }

    private readonly int SamplesTogether(in Planes planes) => Math.Clamp(GroupFloats / planes.Length, 1, Math.Max(Samples, 1));

    private readonly Memory Lay(ref Scratch space)
    {
        Planes planes = Planes;
        return new Memory
        {
            Grids = (PixelGrid*)space.Take(checked(GridCount * ((sizeof(PixelGrid) + sizeof(float) - 1) / sizeof(float)))),
            Steps = (int*)space.Take(AllTaps),
            Turned = space.Take(checked(Panels.Width * Shape.KernelArea)),
            Chunk = space.Take(ChunkPixels * Panels.Width),
            Bias = space.Take(Panels.Width),
            Weights = space.Take(checked(Shape.Groups * AllTaps * PaddedColumns)),
            Planes = space.Take(ReadsSource ? 0 : checked((SamplesTogether(planes) * planes.Length) + Planes.Slack)),
        };
    }

    private readonly void MakeGrids(in Memory memory)
    {
        Planes planes = Planes;
        int* steps = memory.Steps;
        float* weights = memory.Weights;
        for (int index = 0; index < GridCount; index++)
        {
            ref PixelGrid grid = ref memory.Grids[index];
            grid = IsGradient
                ? PixelGrid.OfInput(Shape, planes, index / Shape.Columns.Stride, index % Shape.Columns.Stride, steps)
                : PixelGrid.OfOutput(Shape, planes, steps);
            grid.Weights = weights;
            grid.IsTiledByPixels = IsTiledByPixels(grid);
            steps += grid.Taps;
            weights += (nint)Shape.Groups * PaddedColumns * grid.Taps;
        }
    }

    // What turning costs, in multiply-adds of a vector, against lanes without a pixel or a channel, and against the latency of few sums at a time.
    private readonly bool IsTiledByPixels(in PixelGrid grid)
    {
        const double Turning = 6, Sums = 4;
        double byPixels = grid.Taps / PixelTiles.FilledLanes(grid) * Math.Max(1, Sums / GroupColumns);
        double byChannels = (grid.Taps + Turning) * PaddedColumns / GroupColumns;
        return byPixels < byChannels;
    }

    private readonly void Pack(float* weight, in Memory memory)
    {
        for (int group = 0; group < Shape.Groups; group++)
        {
            float* from = weight + ((nint)group * Shape.GroupOutputs * Shape.Taps);
            if (IsGradient)
            {
                PackByInput(from, group, memory);
            }
            else if (!memory.Grids->IsTiledByPixels)
            {
                Panels.PackTransposed(from, Shape.Taps, Shape.GroupOutputs, memory.Grids->Weights + ((nint)group * PaddedColumns * Shape.Taps));
            }
        }
    }

    // For each output the channels' taps turned, and each tap's row taken to its grid.
    private readonly void PackByInput(float* weight, int group, in Memory memory)
    {
        int area = Shape.KernelArea;
        for (int first = 0; first < GroupColumns; first += Panels.Width)
        {
            int width = Panels.WidthAt(first, GroupColumns);
            int columns = Math.Min(width, GroupColumns - first);
            for (int output = 0; output < Shape.GroupOutputs; output++)
            {
                Transposition.Run(weight + ((nint)output * Shape.Taps) + (first * area), area, columns, area, memory.Turned, width, width);
                for (int index = 0; index < GridCount; index++)
                {
                    ref PixelGrid grid = ref memory.Grids[index];
                    int taps = grid.Taps / Shape.GroupOutputs;
                    float* to = grid.Weights + ((((nint)group * PaddedColumns) + first) * grid.Taps) + (output * taps * (grid.IsTiledByPixels ? 1 : width));
                    for (int tap = 0; tap < area; tap++)
                    {
                        if (PixelGrid.Reaches(Shape.Rows, tap / Shape.Columns.Kernel, index / Shape.Columns.Stride)
                            && PixelGrid.Reaches(Shape.Columns, tap % Shape.Columns.Kernel, index % Shape.Columns.Stride))
                        {
                            to += Place(memory.Turned + (tap * width), columns, width, to, grid);
                        }
                    }
                }
            }
        }
    }

    // One tap's weights as a row of its panel, or as a column where each channel has a row; returns the floats to the next.
    private static int Place(float* weights, int columns, int width, float* to, in PixelGrid grid)
    {
        if (!grid.IsTiledByPixels)
        {
            new ReadOnlySpan<float>(weights, width).CopyTo(new Span<float>(to, width));
            return width;
        }

        for (int column = 0; column < columns; column++)
        {
            to[(nint)column * grid.Taps] = weights[column];
        }

        return 1;
    }

    private readonly void Channels<TVector, TOps>(in Memory memory, float* planes, int samples, float* weight, float* bias, float* result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Planes layout = Planes;
        int sampleStride = Shape.Groups * GroupColumns * ResultPixels;
        for (int index = 0; index < GridCount; index++)
        {
            ref PixelGrid grid = ref memory.Grids[index];
            for (int group = 0; group < Shape.Groups; group++)
            {
                float* plane = planes + ((nint)group * GroupSourceChannels * layout.ChannelLength) + grid.First;
                if (grid.IsTiledByPixels)
                {
                    PixelTiles tiles = new()
                    {
                        Weights = IsGradient ? grid.Weights + ((nint)group * PaddedColumns * grid.Taps) : weight + ((nint)group * GroupColumns * grid.Taps),
                        Channels = GroupColumns,
                        Bias = Bias.IsEmpty ? null : bias + (group * GroupColumns),
                        ResultPixels = ResultPixels,
                        Edge = memory.Chunk,
                    };
                    for (int sample = 0; sample < samples; sample++)
                    {
                        tiles.Run<TVector, TOps>(grid, plane + ((nint)sample * layout.Length), result + ((nint)sample * sampleStride) + ((nint)group * GroupColumns * ResultPixels));
                    }

                    continue;
                }

                for (int first = 0; first < GroupColumns; first += Panels.Width)
                {
                    int channel = (group * GroupColumns) + first;
                    Part part = new()
                    {
                        Chunk = memory.Chunk,
                        Panel = grid.Weights + ((((nint)group * PaddedColumns) + first) * grid.Taps),
                        Width = Panels.WidthAt(first, GroupColumns),
                        Columns = Math.Min(Panels.Width, GroupColumns - first),
                        Bias = Bias.IsEmpty ? null : memory.Bias,
                        ResultPixels = ResultPixels,
                    };
                    if (!Bias.IsEmpty)
                    {
                        Panels.Copy(bias + channel, 0, 1, part.Columns, memory.Bias, part.Width);
                    }

                    for (int sample = 0; sample < samples; sample++)
                    {
                        part.Run<TVector, TOps>(grid, plane + ((nint)sample * layout.Length), result + ((nint)sample * sampleStride) + ((nint)channel * ResultPixels));
                    }
                }
            }
        }
    }

    private struct Memory
    {
        public PixelGrid* Grids;
        public int* Steps;
        public float* Turned;
        public float* Chunk;
        public float* Bias;
        public float* Weights;
        public float* Planes;
    }

    // One sample's pixels by one panel of channels.
    private struct Part
    {
        public float* Chunk;
        public float* Panel;
        public int Width;
        public int Columns;

        // Of all columns, those beyond the panel's end too; null for none.
        public float* Bias;
        public int ResultPixels;

        public readonly void Run<TVector, TOps>(in PixelGrid grid, float* plane, float* result)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            int columns = Math.Min(grid.Columns, ChunkPixels);
            int rows = columns == 0 ? 1 : ChunkPixels / columns;
            for (int row = 0; row < grid.Rows; row += rows)
            {
                for (int column = 0; column < grid.Columns; column += columns)
                {
                    int height = Math.Min(rows, grid.Rows - row), width = Math.Min(columns, grid.Columns - column);
                    float* to = result + grid.ResultFirst + ((nint)row * grid.ResultRowStep) + ((nint)column * grid.ResultColumnStep);
                    Sum<TVector, TOps>(grid, plane + ((nint)row * grid.Pitch) + column, height, width, to);
                    if (Bias != null)
                    {
                        AddBias<TVector, TOps>(height * width);
                    }

                    Turn(grid, height, width, to);
                }
            }
        }

        private readonly void Sum<TVector, TOps>(in PixelGrid grid, float* plane, int rows, int columns, float* result)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            SliceRows all = new(0, grid.Taps);
            Tile tile = new() { LeftRowStride = 1, LeftGroupStride = 3, Steps = grid.Steps, RightStride = Width, Segments = &all, SegmentCount = 1, ToStride = Width };
            int width = TileShapes.Width(TOps.Count, Width);
            float* to = Chunk;
            for (int row = 0; row < rows; row++)
            {
                if (grid.ResultColumnStep == 1)
                {
                    Prefetch.Rows(result + ((nint)row * grid.ResultRowStep), ResultPixels, Columns, columns);
                }

                for (int column = 0, height; column < columns; column += height, to += height * Width)
                {
                    height = TileShapes.Height(TOps.Count, columns - column);
                    tile.Left = plane + ((nint)row * grid.Pitch) + column;
                    for (int offset = 0; offset < Width; offset += width)
                    {
                        tile.Right = Panel + offset;
                        tile.To = to + offset;
                        TileShapes.Run<TVector, TOps, LeftListedWalk>(height, width, ref tile);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void AddBias<TVector, TOps>(int pixels)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            float* to = Chunk;
            for (int pixel = 0; pixel < pixels; pixel++, to += Width)
            {
                for (nuint column = 0; column < (nuint)Width; column += (nuint)TOps.Count)
                {
                    TOps.Store(TOps.Add(TOps.Load(in *to, column), TOps.Load(in *Bias, column)), ref *to, column);
                }
            }
        }

        private readonly void Turn(in PixelGrid grid, int rows, int columns, float* result)
        {
            if (grid.IsWhole)
            {
                Transposition.Run(Chunk, Width, rows * columns, Columns, result, ResultPixels, rows * columns);
                return;
            }

            float* from = Chunk;
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++, from += Width)
                {
                    float* to = result + ((nint)row * grid.ResultRowStep) + ((nint)column * grid.ResultColumnStep);
                    for (int channel = 0; channel < Columns; channel++, to += ResultPixels)
                    {
                        *to = from[channel];
                    }
                }
            }
        }
    }
}
