using DistNet.Modules;

namespace DistNet.Onnx;

/// <summary>Pools: ONNX takes images with channels, so that one of two dimensions gets its one channel first.</summary>
internal static class PoolForms
{
    public static string Max(MaxPool2d pool, OnnxNode node) => node.Add(
        "MaxPool", [Image(node)], ("kernel_shape", Pair(pool.Kernel)), ("strides", Pair(pool.Stride)), ("pads", Pads(pool.Padding)), ("dilations", Pair(pool.Dilation)));

    public static string Average(AvgPool2d pool, OnnxNode node) => node.Add(
        "AveragePool", [Image(node)], ("kernel_shape", Pair(pool.Kernel)), ("strides", Pair(pool.Stride)), ("pads", Pads(pool.Padding)),
        ("count_include_pad", pool.CountIncludePadding ? 1 : 0));

    public static string Global(OnnxNode node) => node.Add("Flatten", [node.Add("GlobalAveragePool", [Image(node)])], ("axis", 1));

    /// <summary>The first input as [batch, channels, height, width].</summary>
    public static string Image(OnnxNode node) => node.InputShape.Rank == 3 ? node.Input : node.Reshape(node.Input, 1, node.InputShape[0], node.InputShape[1]);

    /// <summary>Height and width.</summary>
    public static long[] Pair(Size2d size) => [size.Height, size.Width];

    /// <summary>The padding before each dimension, then that after.</summary>
    public static long[] Pads(Size2d padding) => [padding.Height, padding.Width, padding.Height, padding.Width];
}
