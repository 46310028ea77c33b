namespace DistNet.Kernels;

/// <summary>How a convolution's products are computed.</summary>
internal enum ConvolutionMethod
{
    /// <summary>Chains over the taps, in tiles of channels or of pixels.</summary>
    Direct,

    /// <summary>The same chains, with the channels as lanes: <see cref="Kernels.Depthwise"/>.</summary>
    Depthwise,

    /// <summary>Transformed tiles: <see cref="Kernels.Winograd"/>.</summary>
    Winograd,
}

/// <summary>The sizes of a two-dimensional convolution; one sample is [channels, rows, columns], row-major.</summary>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Outputs">Channels of the output.</param>
/// <param name="Groups">Groups of channels that do not see each other; divides both numbers of channels.</param>
/// <param name="Rows">The vertical axis.</param>
/// <param name="Columns">The horizontal axis.</param>
public readonly record struct ConvolutionShape(int Channels, int Outputs, int Groups, WindowAxis Rows, WindowAxis Columns)
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

    /// <summary>How the three products are computed. It follows from the shape alone, as it decides the order of sums.</summary>
    internal ConvolutionMethod Method => Winograd.Suits(this) ? ConvolutionMethod.Winograd : Depthwise.Suits(this) ? ConvolutionMethod.Depthwise : ConvolutionMethod.Direct;

    internal int GroupChannels => Channels / Groups;

    internal int GroupOutputs => Outputs / Groups;

    internal int KernelArea => Rows.Kernel * Columns.Kernel;

    internal Planes InputPlanes => new(Channels, PlaneAxis.OfInput(Rows), PlaneAxis.OfInput(Columns));

    internal Planes OutputPlanes => new(Outputs, PlaneAxis.OfOutput(Rows), PlaneAxis.OfOutput(Columns));

    // Of a single output the stride says nothing; without it there are fewer phases.
    internal ConvolutionShape Simplified => this with { Rows = WithoutStride(Rows), Columns = WithoutStride(Columns) };

    // The inputs that the single output does not reach stay out.
    private static WindowAxis WithoutStride(in WindowAxis axis) =>
        axis.Output == 1 ? axis with { Stride = 1, After = (int)(axis.Reach + 1 - axis.Input - axis.Before) } : axis;
}
