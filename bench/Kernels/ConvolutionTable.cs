using System.Diagnostics;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Kernels.Bench;

/// <summary>The three products of convolutions of many sizes, each in microseconds a sample and as a share of the multiply-adds of the core, measured around it.</summary>
internal static class ConvolutionTable
{
    private const int Runs = 9;
    private const double SecondsOfARun = 0.01;

    private static readonly (string Name, int Samples, ConvolutionShape Shape)[] Sizes =
    [
        ("cnn conv1", 32, Square(1, 32, 28, 3, padding: 1)),
        ("cnn conv2", 32, Square(32, 64, 14, 3, padding: 1)),
        ("first of a residual network", 32, Square(3, 64, 32, 3, padding: 1)),
        ("residual 64", 32, Square(64, 64, 16, 3, padding: 1)),
        ("residual 64, wide", 32, Square(64, 64, 32, 3, padding: 1)),
        ("residual 128", 32, Square(128, 128, 8, 3, padding: 1)),
        ("residual 512", 32, Square(512, 512, 4, 3, padding: 1)),
        ("halving", 32, Square(64, 128, 16, 3, stride: 2, padding: 1)),
        ("shortcut 1×1, halving", 32, Square(64, 128, 16, 1, stride: 2)),
        ("1×1", 32, Square(64, 128, 16, 1)),
        ("1×1, narrow", 32, Square(256, 64, 7, 1)),
        ("stem 7×7", 8, Square(3, 64, 96, 7, stride: 2, padding: 3)),
        ("5×5 valid", 32, Square(6, 16, 14, 5)),
        ("depthwise", 32, Square(64, 64, 16, 3, padding: 1, groups: 64)),
        ("depthwise, halving", 32, Square(64, 64, 16, 3, stride: 2, padding: 1, groups: 64)),
        ("depthwise 14", 32, Square(128, 128, 14, 3, padding: 1, groups: 128)),
        ("depthwise 14, halving", 32, Square(128, 128, 14, 3, stride: 2, padding: 1, groups: 128)),
        ("depthwise 7", 32, Square(128, 128, 7, 3, padding: 1, groups: 128)),
        ("depthwise 7, 5×5", 32, Square(128, 128, 7, 5, padding: 2, groups: 128)),
        ("depthwise 56", 8, Square(64, 64, 56, 3, padding: 1, groups: 64)),
        ("depthwise 2", 32, Square(256, 256, 2, 3, padding: 1, groups: 256)),
        ("depthwise, 2 of each", 32, Square(64, 128, 16, 3, padding: 1, groups: 64)),
        ("groups of 16", 32, Square(64, 64, 16, 3, padding: 1, groups: 4)),
    ];

    public static void Write(TextWriter output, string name)
    {
        output.WriteLine("share of the core's multiply-adds (µs a sample): forward, input gradient, weight gradient");
        foreach ((string title, int samples, ConvolutionShape shape) in Sizes.Where(size => size.Name.Contains(name, StringComparison.Ordinal)))
        {
            VectorUnit unit = VectorUnit.Widest;
            Memory<float> x = Operand(samples * shape.InputLength), w = Operand(shape.WeightLength), bias = Operand(shape.Outputs), dy = Operand(samples * shape.OutputLength);
            Memory<float> y = Operand(samples * shape.OutputLength), dx = Operand(samples * shape.InputLength), dw = Operand(shape.WeightLength);
            SliceRows[] slices = [new SliceRows(0, samples)];
            int[] needs = [Convolution.ForwardScratch(shape, samples), Convolution.InputGradientScratch(shape, samples), Convolution.WeightGradientScratch(shape, slices.Length)];
            Memory<float> scratch = Operand(needs.Max());
            string forward = Measured(() => Convolution.Forward(unit, shape, samples, x.Span, w.Span, bias.Span, y.Span, scratch.Span));
            string inputs = Measured(() => Convolution.InputGradient(unit, shape, samples, dy.Span, w.Span, dx.Span, scratch.Span));
            string weights = Measured(() => Convolution.WeightGradient(unit, shape, x.Span, dy.Span, slices, dw.Span, 0, shape.Outputs, scratch.Span));
            output.WriteLine($"{title,-28} {Words(shape),-34} {forward}  {inputs}  {weights}");

            string Measured(Action run)
            {
                double peak = MachineLimits.MeasureFma(unit);
                double seconds = Median(run);
                peak = Math.Max(peak, MachineLimits.MeasureFma(unit));
                double operations = 2.0 * samples * shape.OutputLength * shape.Taps;
                return string.Create(CultureInfo.InvariantCulture, $"{operations / seconds / 1e9 / peak:F2} ({seconds / samples * 1e6,7:F1})");
            }
        }
    }

    private static ConvolutionShape Square(int channels, int outputs, int size, int kernel, int stride = 1, int padding = 0, int groups = 1)
    {
        WindowAxis axis = new(size, kernel, stride, 1, padding, padding);
        return new ConvolutionShape(channels, outputs, groups, axis, axis);
    }

    private static string Words(in ConvolutionShape shape)
    {
        string words = FormattableString.Invariant($"{shape.Channels}→{shape.Outputs} @ {shape.Rows.Input}², {shape.Rows.Kernel}×{shape.Columns.Kernel}");
        words += shape.Rows.Stride > 1 ? FormattableString.Invariant($", stride {shape.Rows.Stride}") : "";
        return words + (shape.Groups > 1 ? FormattableString.Invariant($", {shape.Groups} groups") : "");
    }

    private static Memory<float> Operand(int length)
    {
        AlignedBuffer buffer = new(length);
        Values.Of(length).CopyTo(buffer.Span);
        return buffer.Memory;
    }

    private static double Median(Action run)
    {
        double[] seconds = new double[Runs];
        int repeat = 1;
        for (int i = -3; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int j = 0; j < repeat; j++)
            {
                run();
            }

            double one = Stopwatch.GetElapsedTime(start).TotalSeconds / repeat;
            repeat = Math.Max(1, (int)(SecondsOfARun / one));
            seconds[Math.Max(i, 0)] = one;
        }

        return seconds.Order().ElementAt(Runs / 2);
    }
}
