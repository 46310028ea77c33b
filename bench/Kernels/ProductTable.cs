using System.Diagnostics;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Kernels.Bench;

/// <summary>The three products of Linear layers of many sizes, each as a share of the limit measured around it: one line of JSON each, for a script that puts a peer's beside it.</summary>
internal static class ProductTable
{
    private const int Runs = 15;
    private const double OperationsOfARun = 1e8;

    // Samples, inputs, outputs: the workload's layers, then small, odd, narrow and large ones.
    private static readonly (int Samples, int Inputs, int Outputs)[] Sizes =
    [
        (512, 784, 512), (512, 512, 512), (512, 512, 10), (128, 784, 512), (32, 784, 512), (32, 512, 512), (32, 512, 10),
        (1, 1, 1), (7, 13, 5), (1, 784, 512), (8, 64, 64), (64, 64, 10), (100, 100, 100), (33, 257, 129), (512, 1024, 1024), (1024, 1024, 1024),
    ];

    public static void Write(TextWriter output)
    {
        foreach ((int samples, int inputs, int outputs) in Sizes)
        {
            Memory<float> x = Operand(samples * inputs), w = Operand(outputs * inputs), bias = Operand(outputs), dy = Operand(samples * outputs);
            Memory<float> y = Operand(samples * outputs), dx = Operand(samples * inputs), dw = Operand(outputs * inputs);
            SliceRows[] slices = [.. Enumerable.Range(0, (samples + 31) / 32).Select(slice => new SliceRows(slice * 32, Math.Min(32, samples - (slice * 32))))];
            int[] needs = [MatrixProduct.TransposedScratch(samples, inputs), MatrixProduct.MultiplyScratch(samples, outputs), MatrixProduct.SlicedScratch(samples, outputs, slices.Length)];
            Memory<float> scratch = Operand(needs.Max());
            VectorUnit unit = VectorUnit.Widest;
            double operations = 2.0 * samples * inputs * outputs;
            Line("forward", operations, () => MatrixProduct.MultiplyTransposed(unit, x.Span, samples, inputs, w.Span, outputs, bias.Span, y.Span, scratch.Span));
            Line("input gradient", operations, () => MatrixProduct.Multiply(unit, dy.Span, samples, outputs, w.Span, inputs, dx.Span, scratch.Span));
            Line("weight gradient", operations, () => MatrixProduct.SlicedProduct(unit, dy.Span, outputs, x.Span, inputs, slices, dw.Span, 0, outputs, scratch.Span));

            void Line(string product, double one, Action run)
            {
                double peak = MachineLimits.MeasureFma(unit);
                int repeat = Math.Max(1, (int)(OperationsOfARun / Math.Max(one, 20_000)));
                double seconds = Median(run, repeat);
                peak = Math.Max(peak, MachineLimits.MeasureFma(unit));
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $$"""{"product": "{{product}}", "samples": {{samples}}, "inputs": {{inputs}}, "outputs": {{outputs}}, "seconds": {{seconds:E4}}, "share": {{one / seconds / 1e9 / peak:F3}}}"""));
            }
        }
    }

    private static Memory<float> Operand(int length)
    {
        AlignedBuffer buffer = new(length);
        Values.Of(length).CopyTo(buffer.Span);
        return buffer.Memory;
    }

    private static double Median(Action run, int repeat)
    {
        double[] seconds = new double[Runs];
        for (int i = -2; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int j = 0; j < repeat; j++)
            {
                run();
            }

            seconds[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(start).TotalSeconds / repeat;
        }

        return seconds.Order().ElementAt(Runs / 2);
    }
}
