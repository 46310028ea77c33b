namespace DistNet.Kernels;

/// <summary>Pixels of a result that sum the same taps: all of an output, or the phase of an input gradient that certain taps reach.</summary>
internal unsafe struct PixelGrid
{
    /// <summary>Rows of pixels.</summary>
    public int Rows;

    /// <summary>Pixels of a row.</summary>
    public int Columns;

    /// <summary>The place in the planes of the first pixel's first tap, in the first channel of its group.</summary>
    public int First;

    /// <summary>From one row of pixels to the next in the planes; within a row they lie side by side.</summary>
    public int Pitch;

    /// <summary>The taps of each pixel.</summary>
    public int Taps;

    /// <summary>From each tap to the next, in the planes.</summary>
    public int* Steps;

    /// <summary>The weights: panels of [taps, columns], group after group.</summary>
    public float* Weights;

    /// <summary>Whether <see cref="PixelTiles"/> compute it: the weights are then a row of taps for each channel.</summary>
    public bool IsTiledByPixels;

    /// <summary>The first pixel's place in a channel of the result.</summary>
    public int ResultFirst;

    /// <summary>From one row of pixels to the next in the result.</summary>
    public int ResultRowStep;

    /// <summary>From one pixel to the next in the result.</summary>
    public int ResultColumnStep;

    /// <summary>Whether all pixels lie side by side in the result.</summary>
    public readonly bool IsWhole => ResultColumnStep == 1 && (Rows == 1 || ResultRowStep == Columns);

    /// <summary>All pixels of an output.</summary>
    public static PixelGrid OfOutput(in ConvolutionShape shape, in Planes planes, int* steps)
    {
        TapList list = new(steps);
        for (int channel = 0; channel < shape.GroupChannels; channel++)
        {
            for (int row = 0; row < shape.Rows.Kernel; row++)
            {
                for (int column = 0; column < shape.Columns.Kernel; column++)
                {
                    list.Add((channel * planes.ChannelLength) + planes.Place(row * shape.Rows.Dilation, column * shape.Columns.Dilation));
                }
            }
        }

        return new PixelGrid
        {
            Rows = shape.Rows.Output,
            Columns = shape.Columns.Output,
            First = list.First,
            Pitch = planes.Pitch,
            Taps = list.Count,
            Steps = steps,
            ResultRowStep = shape.Columns.Output,
            ResultColumnStep = 1,
        }.Flat();
    }

    /// <summary>The pixels of an input for which (row + before) mod stride is <paramref name="rowPhase"/>, and likewise the column.</summary>
    public static PixelGrid OfInput(in ConvolutionShape shape, in Planes planes, int rowPhase, int columnPhase, int* steps)
    {
        WindowAxis rows = shape.Rows, columns = shape.Columns;
        TapList list = new(steps);
        for (int output = 0; output < shape.GroupOutputs; output++)
        {
            for (int row = 0; row < rows.Kernel; row++)
            {
                for (int column = 0; column < columns.Kernel; column++)
                {
                    if (Reaches(rows, row, rowPhase) && Reaches(columns, column, columnPhase))
                    {
                        list.Add((output * planes.ChannelLength) - (row * rows.Dilation / rows.Stride * planes.Pitch) - (column * columns.Dilation / columns.Stride));
                    }
                }
            }
        }

        (int firstRow, int rowCount, int rowPlace) = Pixels(rows, rowPhase);
        (int firstColumn, int columnCount, int columnPlace) = Pixels(columns, columnPhase);
        return new PixelGrid
        {
            Rows = rowCount,
            Columns = columnCount,
            First = list.First + (rowPlace * planes.Pitch) + columnPlace,
            Pitch = planes.Pitch,
            Taps = list.Count,
            Steps = steps,
            ResultFirst = (firstRow * columns.Input) + firstColumn,
            ResultRowStep = rows.Stride * columns.Input,
            ResultColumnStep = columns.Stride,
        }.Flat();
    }

    /// <summary>Whether a tap reaches the inputs of a phase.</summary>
    public static bool Reaches(in WindowAxis axis, int tap, int phase) => tap * axis.Dilation % axis.Stride == phase;

    // The first input of the phase, how many there are, and where the first one's output a is in the plane.
    private static (int First, int Count, int Place) Pixels(in WindowAxis axis, int phase)
    {
        int first = (phase - (axis.Before % axis.Stride) + axis.Stride) % axis.Stride;
        int count = first < axis.Input ? ((axis.Input - 1 - first) / axis.Stride) + 1 : 0;
        return (first, count, ((first + axis.Before) / axis.Stride) + PlaneAxis.OfOutput(axis).Before);
    }

    // Rows that follow each other without a gap are one.
    private readonly PixelGrid Flat() =>
        Pitch == Columns && IsWhole ? this with { Rows = 1, Columns = Rows * Columns } : this;

    // Places of taps as steps from one to the next.
    private ref struct TapList(int* steps)
    {
        private int last;

        public int First { get; private set; }

        public int Count { get; private set; }

        public void Add(int place)
        {
            if (Count == 0)
            {
                First = place;
            }
            else
            {
                steps[Count - 1] = place - last;
            }

            steps[Count++] = 0;
            last = place;
        }
    }
}
