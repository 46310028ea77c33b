namespace DistNet.Kernels;

/// <summary>How a window moves along one axis of an image: output o looks at the inputs o · Stride + k · Dilation − Before, for each tap k; those before the first input and after the last are
/// padding.</summary>
/// <param name="Input">The length of the input.</param>
/// <param name="Kernel">The number of taps.</param>
/// <param name="Stride">From one output to the next, in inputs.</param>
/// <param name="Dilation">From one tap to the next, in inputs.</param>
/// <param name="Before">The padding before the first input.</param>
/// <param name="After">The padding after the last input.</param>
public readonly record struct WindowAxis(int Input, int Kernel, int Stride, int Dilation, int Before, int After)
{
    /// <summary>From the first tap to the last.</summary>
    public long Reach => (long)Dilation * (Kernel - 1);

    /// <summary>The length of the input with its padding.</summary>
    public long Padded => Input + (long)Before + After;

    /// <summary>The length of the output: ⌊(Padded − Reach − 1) ÷ Stride⌋ + 1; 0 where the padded input is shorter than the window.</summary>
    public int Output
    {
        get
        {
            long last = Padded - Reach - 1;
            return last < 0 ? 0 : (int)Math.Min((last / Stride) + 1, int.MaxValue);
        }
    }

    /// <summary>The input under an output's first tap; negative where that lies in the padding.</summary>
    public int Start(int output) => (output * Stride) - Before;

    /// <summary>The first tap that lies on an input.</summary>
    public int FirstTap(int output) => Start(output) is var start && start < 0 ? (Dilation - 1 - start) / Dilation : 0;

    /// <summary>The tap after the last that lies on an input.</summary>
    public int EndTap(int output) => Start(output) is var start && start >= Input ? 0 : Math.Min(Kernel, ((Input - 1 - start) / Dilation) + 1);
}

/// <summary>How a window moves over each plane of an image.</summary>
/// <param name="Rows">Down the rows.</param>
/// <param name="Columns">Along the columns.</param>
public readonly record struct PlaneWindow(WindowAxis Rows, WindowAxis Columns)
{
    /// <summary>The elements of a plane.</summary>
    public int Plane => Rows.Input * Columns.Input;

    /// <summary>The elements of a plane of the output.</summary>
    public int OutputPlane => Rows.Output * Columns.Output;

    /// <summary>The taps of the window; tap t is in row t / Columns.Kernel and column t mod Columns.Kernel.</summary>
    public int Taps => Rows.Kernel * Columns.Kernel;

    /// <summary>The element of its plane under a tap of an output's window; meaningless where that is padding.</summary>
    public int Element(int row, int column, int tap)
    {
        (int down, int along) = Math.DivRem(tap, Columns.Kernel);
        return ((Rows.Start(row) + (down * Rows.Dilation)) * Columns.Input) + Columns.Start(column) + (along * Columns.Dilation);
    }

    /// <summary>Whether this is the common 2 × 2 at a stride of 2.</summary>
    internal bool IsHalving => IsHalvingAxis(Rows) && IsHalvingAxis(Columns);

    private static bool IsHalvingAxis(WindowAxis axis) => axis is { Kernel: 2, Stride: 2, Dilation: 1, Before: 0, After: 0 };
}
