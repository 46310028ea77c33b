using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The window that a module moves over an image, as PyTorch's options say it.</summary>
internal readonly record struct ImageWindow
{
    /// <summary>Checks the options.</summary>
    /// <param name="kind">The module's word, for the error.</param>
    /// <param name="kernel">The window's taps.</param>
    /// <param name="stride">From one place of the window to the next.</param>
    /// <param name="padding">Rows and columns added at each edge.</param>
    /// <param name="dilation">From one tap to the next.</param>
    public ImageWindow(string kind, Size2d kernel, Size2d stride, Size2d padding, Size2d dilation)
    {
        RequireAtLeast(kind, "kernel", kernel, 1);
        RequireAtLeast(kind, "stride", stride, 1);
        RequireAtLeast(kind, "padding", padding, 0);
        RequireAtLeast(kind, "dilation", dilation, 1);
        (Kernel, Stride, Padding, Dilation) = (kernel, stride, padding, dilation);
    }

    public Size2d Kernel { get; }

    public Size2d Stride { get; }

    public Size2d Padding { get; }

    public Size2d Dilation { get; }

    /// <summary>The channels, rows and columns of an image; one of two dimensions has one channel.</summary>
    /// <exception cref="DistNetException">The shape is no image's.</exception>
    public static (int Channels, int Height, int Width) ImageOf(Shape shape, string kind) => shape.Rank switch
    {
        3 => (shape[0], shape[1], shape[2]),
        2 => (1, shape[0], shape[1]),
        _ => throw DistNetException.BadInput($"its input has the shape {shape}, but a {kind} takes images, [channels, height, width] or [height, width]; put a reshape before it"),
    };

    /// <summary>The window over the planes of an image.</summary>
    /// <exception cref="DistNetException">The shape is no image's, or the window is larger than the image with its padding.</exception>
    public PlaneWindow Over(Shape shape, string kind)
    {
        (_, int height, int width) = ImageOf(shape, kind);
        PlaneWindow window = new(
            new WindowAxis(height, Kernel.Height, Stride.Height, Padding.Height, Dilation.Height),
            new WindowAxis(width, Kernel.Width, Stride.Width, Padding.Width, Dilation.Width));
        if (window.Rows.Outputs == 0 || window.Columns.Outputs == 0)
        {
            string padded = Padding == 0 ? "" : $" and a padding of {Padding} at each edge";
            throw DistNetException.BadInput(
                FormattableString.Invariant($"its window spans {window.Rows.Reach}×{window.Columns.Reach}, but its input {shape} has {height}×{width}{padded}; take a smaller kernel"));
        }

        return window;
    }

    private static void RequireAtLeast(string kind, string option, Size2d found, int least)
    {
        if (found.Height < least || found.Width < least)
        {
            throw DistNetException.BadInput($"A module of kind {kind} has the {option} {found}; it needs at least {least} each way.");
        }
    }
}
