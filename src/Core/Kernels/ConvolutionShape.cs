namespace DistNet.Kernels;

/// <summary>One axis of a convolution: y[o] sums the taps k over x[o · stride + k · dilation − before].</summary>
/// <param name="Input">The length of the input.</param>
/// <param name="Kernel">The number of taps.</param>
/// <param name="Stride">From one output to the next, in inputs.</param>
/// <param name="Dilation">From one tap to the next, in inputs.</param>
/// <param name="Before">The padding before the first input.</param>
/// <param name="After">The padding after the last input.</param>
public readonly record struct ConvolutionAxis(int Input, int Kernel, int Stride, int Dilation, int Before, int After)
{
    /// <summary>From the first tap to the last.</summary>
    public long Reach => (long)Dilation * (Kernel - 1);

    /// <summary>The length of the output; 0 where the padded input is shorter than the kernel.</summary>
    public int Output
    {
        get
        {
            long last = Input + (long)Before + After - Reach - 1;
            return last < 0 ? 0 : (int)Math.Min((last / Stride) + 1, int.MaxValue);
        }
    }

    // Of a single output the stride says nothing; without it there are fewer phases. The inputs that it does not reach stay out.
    internal ConvolutionAxis Simplified => Output == 1 ? this with { Stride = 1, After = (int)(Reach + 1 - Input - Before) } : this;

    // The part of the padded input that is read, its phases apart.
    internal PlaneAxis InputPlane => Before == 0 && Stride == 1 && Output - 1 + Reach < Input
        ? new PlaneAxis(Input, 0, 1, 1, Input)
        : new PlaneAxis(Input, Before, Stride, (int)Math.Min(Stride, Reach + 1), (int)(((((Output - 1L) * Stride) + Reach) / Stride) + 1));

    // The part of the padded output that the gradient reads: input i takes output a − (k · dilation) ÷ stride, where a = (i + before) ÷ stride.
    internal PlaneAxis OutputPlane
    {
        get
        {
            int first = (Before / Stride) - (int)(Reach / Stride);
            int length = ((Input - 1 + Before) / Stride) - first + 1;
            return first == 0 && length <= Output ? new PlaneAxis(Output, 0, 1, 1, Output) : new PlaneAxis(Output, -first, 1, 1, length);
        }
    }
}

/// <summary>The sizes of a two-dimensional convolution; one sample is [channels, rows, columns], row-major.</summary>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Outputs">Channels of the output.</param>
/// <param name="Groups">Groups of channels that do not see each other; divides both numbers of channels.</param>
/// <param name="Rows">The vertical axis.</param>
/// <param name="Columns">The horizontal axis.</param>
public readonly record struct ConvolutionShape(int Channels, int Outputs, int Groups, ConvolutionAxis Rows, ConvolutionAxis Columns)
{
    /// <summary>Floats of one sample's input.</summary>
    public int InputLength => Channels * Rows.Input * Columns.Input;

    /// <summary>Pixels of one output channel.</summary>
    public int OutputPixels => Rows.Output * Columns.Output;

    /// <summary>Floats of one sample's output.</summary>
    public int OutputLength => Outputs * OutputPixels;

    /// <summary>Taps of one output: its weights.</summary>
    public int Taps => GroupChannels * KernelArea;

    /// <summary>Floats of the weights, [outputs, channels ÷ groups, kernel rows, kernel columns].</summary>
    public int WeightLength => Outputs * Taps;

    internal int GroupChannels => Channels / Groups;

    internal int GroupOutputs => Outputs / Groups;

    internal int KernelArea => Rows.Kernel * Columns.Kernel;

    internal Planes InputPlanes => new(Channels, Rows.InputPlane, Columns.InputPlane);

    internal Planes OutputPlanes => new(Outputs, Rows.OutputPlane, Columns.OutputPlane);

    internal ConvolutionShape Simplified => this with { Rows = Rows.Simplified, Columns = Columns.Simplified };
}
