using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="Convolution.WeightGradient"/>: tiles of up to 12 input channels by 32 outputs for each tap, down the pixels of one sample after the other. The inputs are read from
/// padded planes, the output gradients turned to [pixels, outputs]. Convolutions by Winograd and depthwise ones have their own sums of a slice, and share the tree over slices.</summary>
internal unsafe ref struct ConvolutionWeightGradient : IKernel
{
    // Pixels that a tile takes at once, whole samples or whole rows of a larger one: their output gradients stay in the second-level cache.
    private const int BlockPixels = 1024;

    public ConvolutionShape Shape;
    public ReadOnlySpan<float> Input;
    public ReadOnlySpan<float> OutputGradient;
    public ReadOnlySpan<SliceRows> Slices;
    public Span<float> Result;
    public int From;
    public int To;
    public Span<float> Scratch;

    // The sums of all this caller's panels.
    private readonly int SumLength
    {
        get
        {
            int length = 0;
            foreach (OutputPanel panel in new OutputPanels(Shape, From, To))
            {
                length += panel.Width * Shape.Taps;
            }

            return length;
        }
    }

    // Room for the sums of a level: panel after panel of [taps, outputs].
    private readonly int LevelLength => checked(Shape.Taps * (Depthwise.Suits(Shape) ? Padded(Shape.Outputs) : Shape.Groups * Padded(Shape.GroupOutputs)));

    public static int ScratchLength(in ConvolutionShape shape, int sliceCount)
    {
        ConvolutionWeightGradient gradient = new() { Shape = shape.Simplified };
        Scratch none = new(null);
        gradient.Lay(ref none, sliceCount);
        return none.Length;
    }

    private static int Padded(int outputs) => (outputs + MapKernels.Lanes - 1) / MapKernels.Lanes * MapKernels.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* input = Input, outputGradient = OutputGradient, result = Result, scratch = Scratch)
        {
            Scratch space = new(scratch);
            Memory memory = Lay(ref space, Slices.Length);
            if (!Winograd.Suits(Shape) && !Depthwise.Suits(Shape))
            {
                MakeSteps(memory.Steps);
            }

            Sum<TVector, TOps>(memory, input, outputGradient);
            float* sum = memory.Levels;
            foreach (OutputPanel panel in new OutputPanels(Shape, From, To))
            {
                Transposition.Run(sum, panel.Width, Shape.Taps, panel.Outputs, result + ((nint)panel.First * Shape.Taps), Shape.Taps, Shape.Taps);
                sum += (nint)panel.Width * Shape.Taps;
            }
        }
    }

    private readonly int SamplesTogether => Math.Max(1, BlockPixels / Shape.OutputPixels);

    // Rows of pixels of a sample: all, unless it is larger than a block.
    private readonly int RowsTogether => Shape.OutputPixels <= BlockPixels ? Shape.Rows.Output : Math.Max(1, BlockPixels / Shape.Columns.Output);

    private readonly Memory Lay(ref Scratch space, int sliceCount)
    {
        float* levels = space.Take(checked((MatrixProduct.Levels(sliceCount) + 1) * LevelLength));
        if (Winograd.Suits(Shape))
        {
            return new Memory { Levels = levels, Winograd = WinogradWeightGradient.Lay(Shape, ref space) };
        }

        if (Depthwise.Suits(Shape))
        {
            return new Memory { Levels = levels, Depthwise = DepthwiseWeightGradient.Lay(Shape, ref space) };
        }

        Planes planes = Shape.InputPlanes;
        int samples = SamplesTogether, pixels = samples * RowsTogether * Shape.Columns.Output;
        return new Memory
        {
            Levels = levels,
            Steps = (int*)space.Take(pixels),
            Turned = space.Take(checked(pixels * Panels.Width)),
            Planes = space.Take(planes.AreSource ? 0 : checked(samples * planes.Length)),
        };
    }

    // From each pixel to the next in the planes, and from the last of a sample to the first of the next.
    private readonly void MakeSteps(int* steps)
    {
        Planes planes = Shape.InputPlanes;
        int columns = Shape.Columns.Output, row = planes.Pitch - (columns - 1);
        for (int sample = 0; sample < SamplesTogether; sample++)
        {
            for (int pixel = 1; pixel < RowsTogether * columns; pixel++)
            {
                *steps++ = pixel % columns == 0 ? row : 1;
            }

            *steps++ = planes.Length - ((Shape.Rows.Output - 1) * planes.Pitch) - (columns - 1);
        }
    }

    // The tree over slices as a binary counter: after slice s, as many waiting sums are combined as s + 1 has trailing zeros.
    private readonly void Sum<TVector, TOps>(in Memory memory, float* input, float* outputGradient)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int length = SumLength, waiting = 0;
        for (int slice = 0; slice < Slices.Length; slice++)
        {
            Slice<TVector, TOps>(memory, input, outputGradient, Slices[slice], memory.Levels + ((nint)waiting * LevelLength));
            for (int done = slice + 1; (done & 1) == 0; done >>= 1, waiting--)
            {
                Combine<TVector, TOps>(memory.Levels + ((nint)waiting * LevelLength), length);
            }

            waiting++;
        }

        for (waiting--; waiting > 0; waiting--)
        {
            Combine<TVector, TOps>(memory.Levels + ((nint)waiting * LevelLength), length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Combine<TVector, TOps>(float* right, int length)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        float* left = right - LevelLength;
        for (nuint index = 0; index < (nuint)length; index += (nuint)TOps.Count)
        {
            TOps.Store(TOps.Add(TOps.Load(in *left, index), TOps.Load(in *right, index)), ref *left, index);
        }
    }

    private readonly void Slice<TVector, TOps>(in Memory memory, float* input, float* outputGradient, SliceRows rows, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        if (rows.Count == 0)
        {
            new Span<float>(sums, SumLength).Clear();
            return;
        }

        if (Winograd.Suits(Shape))
        {
            memory.Winograd.Run<TVector, TOps>(input, outputGradient, rows, new OutputPanels(Shape, From, To), sums);
            return;
        }

        if (Depthwise.Suits(Shape))
        {
            memory.Depthwise.Run<TVector, TOps>(input, outputGradient, rows, new OutputPanels(Shape, From, To), sums);
            return;
        }

        Planes planes = Shape.InputPlanes;
        int together = SamplesTogether, rowsTogether = RowsTogether, columns = Shape.Columns.Output;
        for (int done = 0; done < rows.Count; done += together)
        {
            int first = rows.First + done, count = Math.Min(together, rows.Count - done), filled = -1;
            float* sum = sums, plane = memory.Planes;
            foreach (OutputPanel panel in new OutputPanels(Shape, From, To))
            {
                if (filled != panel.Group)
                {
                    filled = panel.Group;
                    float* from = input + ((nint)first * Shape.InputLength) + ((nint)panel.Group * Shape.GroupChannels * Shape.Rows.Input * Shape.Columns.Input);
                    plane = planes.AreSource ? from : memory.Planes;
                    for (int sample = 0; !planes.AreSource && sample < count; sample++)
                    {
                        planes.Fill(from + ((nint)sample * Shape.InputLength), Shape.GroupChannels, plane + ((nint)sample * planes.Length));
                    }
                }

                float* gradient = outputGradient + ((nint)first * Shape.OutputLength) + ((nint)panel.First * Shape.OutputPixels);
                for (int row = 0; row < Shape.Rows.Output; row += rowsTogether)
                {
                    int pixels = Math.Min(rowsTogether, Shape.Rows.Output - row) * columns;
                    Turn(memory.Turned, gradient + ((nint)row * columns), count, pixels, panel);
                    Block<TVector, TOps>(memory, planes, plane + ((nint)row * planes.Pitch), count * pixels, panel.Width, sum, done > 0 || row > 0);
                }

                sum += (nint)panel.Width * Shape.Taps;
            }
        }
    }

    private readonly void Turn(float* turned, float* outputGradient, int samples, int pixels, OutputPanel panel)
    {
        for (int sample = 0; sample < samples; sample++)
        {
            Transposition.Run(
                outputGradient + ((nint)sample * Shape.OutputLength), Shape.OutputPixels, panel.Outputs, pixels, turned + ((nint)sample * pixels * panel.Width), panel.Width, panel.Width);
        }
    }

    private readonly void Block<TVector, TOps>(in Memory memory, in Planes planes, float* plane, int pixels, int width, float* sum, bool continues)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, pixels);
        Tile tile = new() { Steps = memory.Steps, RightStride = width, Segments = &all, SegmentCount = 1, Continues = continues };
        int area = Shape.KernelArea, tileWidth = TileShapes.Width(TOps.Count, width);
        bool byTaps = RowsAreTaps(TOps.Count);
        tile.LeftRowStride = byTaps ? Shape.Columns.Dilation : planes.ChannelLength;
        tile.LeftGroupStride = byTaps ? (nint)Shape.Rows.Dilation * planes.Pitch : 3 * (nint)planes.ChannelLength;
        tile.ToStride = byTaps ? width : (nint)area * width;
        for (int channel = 0, height; channel < Shape.GroupChannels; channel += byTaps ? 1 : height)
        {
            height = byTaps ? area : TileShapes.Height(TOps.Count, Shape.GroupChannels - channel);
            for (int tap = 0; tap < (byTaps ? 1 : area); tap++)
            {
                tile.Left = plane + ((nint)channel * planes.ChannelLength)
                    + planes.Place(tap / Shape.Columns.Kernel * Shape.Rows.Dilation, tap % Shape.Columns.Kernel * Shape.Columns.Dilation);
                for (int offset = 0; offset < width; offset += tileWidth)
                {
                    tile.Right = memory.Turned + offset;
                    tile.To = sum + ((((nint)channel * area) + tap) * width) + offset;
                    TileShapes.Run<TVector, TOps, LeftListedWalk>(height, tileWidth, in tile);
                }
            }
        }
    }

    // Of few channels, all taps of a kernel three columns wide make a tile: three rows of it side by side, and so again for each row of the kernel.
    private readonly bool RowsAreTaps(int lanes) =>
        Shape.Columns.Kernel == 3 && Shape.Rows.Stride == 1 && Shape.Columns.Stride == 1 && Shape.GroupChannels < Shape.KernelArea
        && TileShapes.Height(lanes, Shape.KernelArea) == Shape.KernelArea;

    private struct Memory
    {
        public int* Steps;
        public float* Turned;
        public float* Levels;
        public float* Planes;
        public WinogradWeightGradient Winograd;
        public DepthwiseWeightGradient Depthwise;
    }
}
