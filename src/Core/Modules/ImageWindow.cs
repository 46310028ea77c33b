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
    /// <param name="padding">Rows and columns added at each edge, or <see cref="Same"/>.</param>
    /// <param name="dilation">From one tap to the next.</param>
    public ImageWindow(string kind, Size2d kernel, Size2d stride, Size2d padding, Size2d dilation)
    {
        RequireAtLeast(kind, "kernel", kernel, 1);
        RequireAtLeast(kind, "stride", stride, 1);
        RequireAtLeast(kind, "padding", padding == Same ? 0 : padding, 0);
        RequireAtLeast(kind, "dilation", dilation, 1);
        (Kernel, Stride, Padding, Dilation) = (kernel, stride, padding, dilation);
    }

    /// <summary>The padding that gives as many outputs as there are inputs at a stride of 1; where it is odd, the last place is at the end, as in PyTorch.</summary>
    public static Size2d Same => -1;

    public Size2d Kernel { get; }

    public Size2d Stride { get; }

    public Size2d Padding { get; }

    public Size2d Dilation { get; }

    /// <summary>The window over the planes of an image.</summary>
    /// <exception cref="DistNetException">The shape is no image's, or the window is larger than the image with its padding.</exception>
    public PlaneWindow Over(Shape shape, string kind)
    {
        ImageShape image = ImageShape.Of(shape, kind);
        PlaneWindow window = new(
            Axis(image.Height, Kernel.Height, Stride.Height, Dilation.Height, Padding.Height), Axis(image.Width, Kernel.Width, Stride.Width, Dilation.Width, Padding.Width));
        if (window.Rows.Output == 0 || window.Columns.Output == 0)
        {
            string padded = Padding == 0 ? "" : Padding == Same ? " and the padding 'same'" : $" and a padding of {Padding} at each edge";
            throw DistNetException.BadInput(FormattableString.Invariant(
                $"its kernel spans {window.Rows.Reach + 1}×{window.Columns.Reach + 1}, but its input {shape} has {image.Height}×{image.Width}{padded}; take a smaller kernel"));
        }

        return window;
    }

    private static WindowAxis Axis(int input, int kernel, int stride, int dilation, int padding)
    {
        int same = (int)Math.Min((long)dilation * (kernel - 1), int.MaxValue);
        return padding >= 0 ? new(input, kernel, stride, dilation, padding, padding) : new(input, kernel, stride, dilation, same / 2, same - (same / 2));
    }

    internal static void RequireAtLeast(string kind, string option, Size2d found, int least)
    {
        if (found.Height < least || found.Width < least)
        {
            throw DistNetException.BadInput($"A module of kind {kind} has the {option} {found}; it needs at least {least} each way.");
        }
    }
}
