using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The window of a pool: every place of it holds an element of the image.</summary>
internal static class PoolWindow
{
    /// <summary>Checks the options; as in PyTorch, the padding is at most half the kernel. The window's places have to be counted.</summary>
    public static ImageWindow Create(string kind, Size2d kernel, Size2d? stride, Size2d padding, Size2d dilation)
    {
        ImageWindow window = new(kind, kernel, stride ?? kernel, padding, dilation);
        ImageWindow.RequireAtLeast(kind, "padding", padding, 0);
        if ((long)kernel.Height * kernel.Width > int.MaxValue)
        {
            throw DistNetException.BadInput($"A module of kind {kind} has the kernel {kernel}; it may have {int.MaxValue} places at most.");
        }

        return padding.Height <= kernel.Height / 2 && padding.Width <= kernel.Width / 2
            ? window
            : throw DistNetException.BadInput($"A module of kind {kind} has the padding {padding} and the kernel {kernel}; the padding may be half the kernel at most.");
    }

    /// <summary>The shape of the output, [channels, height, width].</summary>
    public static Shape OutputShape(ImageWindow window, Shape input, string kind)
    {
        PlaneWindow plane = window.Over(input, kind);
        return HoldsElements(plane.Rows) && HoldsElements(plane.Columns)
            ? ModuleShape.Of(ImageShape.Of(input, kind).Channels, plane.Rows.Output, plane.Columns.Output)
            : throw DistNetException.BadInput($"its dilation of {window.Dilation} is so wide that a window holds nothing but padding of its input {input}; take a smaller dilation");
    }

    private static bool HoldsElements(WindowAxis axis)
    {
        for (int output = 0; output < axis.Output; output++)
        {
            if (axis.FirstTap(output) >= axis.EndTap(output))
            {
                return false;
            }
        }

        return true;
    }
}
