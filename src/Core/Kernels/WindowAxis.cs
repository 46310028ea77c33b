namespace DistNet.Kernels;

/// <summary>How a window moves along one dimension of an image. Output o looks at the elements o · Stride − Padding + t · Dilation, for each tap t; those before the first
/// and after the last are padding.</summary>
/// <param name="Length">The elements of the dimension.</param>
/// <param name="Kernel">The taps of the window.</param>
/// <param name="Stride">From one output's window to the next, in elements.</param>
/// <param name="Padding">Elements added at each end.</param>
/// <param name="Dilation">From one tap to the next, in elements.</param>
public readonly record struct WindowAxis(int Length, int Kernel, int Stride, int Padding, int Dilation)
{
    /// <summary>From a window's first tap to its last, both included.</summary>
    public long Reach => ((Kernel - 1L) * Dilation) + 1;

    /// <summary>The places of the window: ⌊(Length + 2 · Padding − Reach) / Stride⌋ + 1, none where it does not fit.</summary>
    public int Outputs => Length + (2L * Padding) < Reach ? 0 : (int)((Length + (2L * Padding) - Reach) / Stride) + 1;

    /// <summary>The element under an output's first tap; negative where that lies in the padding.</summary>
    public int Start(int output) => (output * Stride) - Padding;

    /// <summary>The first tap that lies on an element.</summary>
    public int FirstTap(int output) => Start(output) is var start && start < 0 ? (Dilation - 1 - start) / Dilation : 0;

    /// <summary>The tap after the last that lies on an element.</summary>
    public int EndTap(int output) => Start(output) is var start && start >= Length ? 0 : Math.Min(Kernel, ((Length - 1 - start) / Dilation) + 1);
}

/// <summary>How a window moves over each plane of an image.</summary>
/// <param name="Rows">Down the rows.</param>
/// <param name="Columns">Along the columns.</param>
public readonly record struct PlaneWindow(WindowAxis Rows, WindowAxis Columns)
{
    /// <summary>The elements of a plane.</summary>
    public int Plane => Rows.Length * Columns.Length;

    /// <summary>The elements of a plane of the output.</summary>
    public int OutputPlane => Rows.Outputs * Columns.Outputs;

    /// <summary>The taps of the window; tap t is in row t / Columns.Kernel and column t mod Columns.Kernel.</summary>
    public int Taps => Rows.Kernel * Columns.Kernel;

    /// <summary>The element of its plane under a tap of an output's window; meaningless where that is padding.</summary>
    public int Element(int row, int column, int tap)
    {
        (int down, int along) = Math.DivRem(tap, Columns.Kernel);
        return ((Rows.Start(row) + (down * Rows.Dilation)) * Columns.Length) + Columns.Start(column) + (along * Columns.Dilation);
    }

    /// <summary>Whether this is the common 2 × 2 at a stride of 2.</summary>
    internal bool IsHalving => Rows is { Kernel: 2, Stride: 2, Padding: 0, Dilation: 1 } && Columns is { Kernel: 2, Stride: 2, Padding: 0, Dilation: 1 };
}
