using DistNet.Modules;

namespace DistNet.Onnx;

/// <summary>Convolutions; the padding is written out, as ONNX deprecates words for it.</summary>
internal static class ConvolutionForm
{
    public static string Write(Conv2d convolution, OnnxNode node) => node.Add(
        "Conv",
        [PoolForms.Image(node), .. node.Parameters],
        ("kernel_shape", PoolForms.Pair(convolution.Kernel)),
        ("strides", PoolForms.Pair(convolution.Stride)),
        ("pads", Pads(convolution)),
        ("dilations", PoolForms.Pair(convolution.Dilation)),
        ("group", convolution.Groups));

    private static long[] Pads(Conv2d convolution)
    {
        if (convolution.Padding != Conv2d.Same)
        {
            return PoolForms.Pads(convolution.Padding);
        }

        long rows = (long)convolution.Dilation.Height * (convolution.Kernel.Height - 1), columns = (long)convolution.Dilation.Width * (convolution.Kernel.Width - 1);
        return [rows / 2, columns / 2, rows - (rows / 2), columns - (columns / 2)];
    }
}
