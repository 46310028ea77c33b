namespace DistNet.Kernels;

/// <summary>The sums of <see cref="ConvolutionWeightGradient{TSlice}"/> of one slice, directly: tiles of up to 12 input channels by 32 outputs for each tap, down the pixels of one sample after the other. The inputs are
/// read from padded planes, the output gradients turned to [pixels, outputs].</summary>
internal unsafe struct DirectWeightGradient : ISliceWeightGradient<DirectWeightGradient>
{
    // Pixels that a tile takes at once, whole samples or whole rows of a larger one: their output gradients stay in the second-level cache.
    private const int BlockPixels = 1024;

    private ConvolutionShape shape;
    private int* steps;
    private float* turned;
    private float* padded;

    private readonly int SamplesTogether => Math.Max(1, BlockPixels / shape.OutputPixels);

    // Rows of pixels of a sample: all, unless it is larger than a block.
    private readonly int RowsTogether => shape.OutputPixels <= BlockPixels ? shape.Rows.Output : Math.Max(1, BlockPixels / shape.Columns.Output);

    /// <inheritdoc/>
    public static DirectWeightGradient Lay(in ConvolutionShape shape, ref Scratch space)
    {
        DirectWeightGradient sums = new() { shape = shape };
        Planes planes = shape.InputPlanes;
        int samples = sums.SamplesTogether, pixels = samples * sums.RowsTogether * shape.Columns.Output;
        sums.steps = (int*)space.Take(pixels);
        sums.turned = space.Take(checked(pixels * Panels.Width));
        sums.padded = space.Take(planes.AreSource ? 0 : checked(samples * planes.Length));
        return sums;
    }

    /// <inheritdoc/>
    public readonly void Run<TVector, TOps>(float* input, float* outputGradient, SliceRows rows, OutputPanels panels, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        MakeSteps();
        Planes planes = shape.InputPlanes;
        int together = SamplesTogether, rowsTogether = RowsTogether, columns = shape.Columns.Output;
        for (int done = 0; done < rows.Count; done += together)
        {
            int first = rows.First + done, count = Math.Min(together, rows.Count - done), filled = -1;
            float* sum = sums, plane = padded;
            foreach (OutputPanel panel in panels)
            {
                if (filled != panel.Group)
                {
                    filled = panel.Group;
                    float* from = input + ((nint)first * shape.InputLength) + ((nint)panel.Group * shape.GroupChannels * shape.Rows.Input * shape.Columns.Input);
                    plane = planes.AreSource ? from : padded;
                    for (int sample = 0; !planes.AreSource && sample < count; sample++)
                    {
                        planes.Fill(from + ((nint)sample * shape.InputLength), shape.GroupChannels, plane + ((nint)sample * planes.Length));
                    }
                }

                float* gradient = outputGradient + ((nint)first * shape.OutputLength) + ((nint)panel.First * shape.OutputPixels);
                for (int row = 0; row < shape.Rows.Output; row += rowsTogether)
                {
                    int pixels = Math.Min(rowsTogether, shape.Rows.Output - row) * columns;
                    Turn(gradient + ((nint)row * columns), count, pixels, panel);
                    Block<TVector, TOps>(planes, plane + ((nint)row * planes.Pitch), count * pixels, panel.Width, sum, done > 0 || row > 0);
                }

                sum += (nint)panel.Width * shape.Taps;
            }
        }
    }

    // From each pixel to the next in the planes, and from the last of a sample to the first of the next.
    private readonly void MakeSteps()
    {
        Planes planes = shape.InputPlanes;
        int* step = steps;
        int columns = shape.Columns.Output, row = planes.Pitch - (columns - 1);
        for (int sample = 0; sample < SamplesTogether; sample++)
        {
            for (int pixel = 1; pixel < RowsTogether * columns; pixel++)
            {
                *step++ = pixel % columns == 0 ? row : 1;
            }

            *step++ = planes.Length - ((shape.Rows.Output - 1) * planes.Pitch) - (columns - 1);
        }
    }

    private readonly void Turn(float* outputGradient, int samples, int pixels, OutputPanel panel)
    {
        for (int sample = 0; sample < samples; sample++)
        {
            Transposition.Run(
                outputGradient + ((nint)sample * shape.OutputLength), shape.OutputPixels, panel.Outputs, pixels, turned + ((nint)sample * pixels * panel.Width), panel.Width, panel.Width);
        }
    }

    private readonly void Block<TVector, TOps>(in Planes planes, float* plane, int pixels, int width, float* sum, bool continues)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        SliceRows all = new(0, pixels);
        Tile tile = new() { Steps = steps, RightStride = width, Segments = &all, SegmentCount = 1, Continues = continues };
        int area = shape.KernelArea, tileWidth = TileShapes.Width(TOps.Count, width);
        bool byTaps = RowsAreTaps(TOps.Count);
        tile.LeftRowStride = byTaps ? shape.Columns.Dilation : planes.ChannelLength;
        tile.LeftGroupStride = byTaps ? (nint)shape.Rows.Dilation * planes.Pitch : 3 * (nint)planes.ChannelLength;
        tile.ToStride = byTaps ? width : (nint)area * width;
        for (int channel = 0, channels; channel < shape.GroupChannels; channel += channels)
        {
            channels = byTaps ? 1 : TileShapes.Height(TOps.Count, shape.GroupChannels - channel);
            for (int tap = 0, taps; tap < area; tap += taps)
            {
                taps = byTaps ? Math.Min(TileShapes.MostHeight(TOps.Count), area - tap) : 1;
                tile.Left = plane + ((nint)channel * planes.ChannelLength)
                    + planes.Place(tap / shape.Columns.Kernel * shape.Rows.Dilation, tap % shape.Columns.Kernel * shape.Columns.Dilation);
                for (int offset = 0; offset < width; offset += tileWidth)
                {
                    tile.Right = turned + offset;
                    tile.To = sum + ((((nint)channel * area) + tap) * width) + offset;
                    TileShapes.Run<TVector, TOps, LeftListedWalk>(channels * taps, tileWidth, ref tile);
                }
            }
        }
    }

    // Of few channels, the taps of a kernel three columns wide make a tile: three rows of it side by side, and so again for each row of the kernel.
    private readonly bool RowsAreTaps(int lanes) =>
        shape.Columns.Kernel == 3 && shape.Rows.Stride == 1 && shape.Columns.Stride == 1 && shape.GroupChannels < Math.Min(shape.KernelArea, TileShapes.MostHeight(lanes));
}
