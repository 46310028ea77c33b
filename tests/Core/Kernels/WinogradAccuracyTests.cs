using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>How far the sums of convolutions by Winograd lie from the exact ones, as shares of the sums of their terms' magnitudes. A place of a tile is a chain over the channels alone, a ninth of the
/// direct one's length, and the transforms add and subtract a few such chains: so an error is of the size of the direct chain's.</summary>
public sealed class WinogradAccuracyTests
{
    // Of all sums the root mean square, and the largest one: at an edge with padding, of few terms. Found: up to 3.3e-8 and 4.5e-7; of direct chains 2.4e-8 and 3.6e-7. A rounding is at most 6e-8.
    private const double TypicalError = 4e-8, LargestError = 8e-7;

    /// <summary>Channels, outputs, rows and columns, padding.</summary>
    public static TheoryData<int, int, int, int> Sizes => new() { { 16, 16, 14, 1 }, { 17, 64, 6, 0 }, { 64, 32, 14, 1 }, { 256, 16, 8, 1 }, { 16, 256, 6, 2 }, { 32, 16, 28, 1 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_three_products_are_within_few_roundings_of_the_exact_sums(int channels, int outputs, int size, int padding)
    {
        const int Samples = 4;
        WindowAxis axis = new(size, 3, 1, 1, padding, padding);
        ConvolutionShape shape = new(channels, outputs, 1, axis, axis);
        Assert.True(PlainWinograd.Takes(shape));
        VectorUnit unit = VectorUnit.Widest;
        SliceRows[] slices = [new(0, 3), new(3, 1)];
        float[] input = Uniform(Samples * shape.InputLength, seed: 1), weight = Uniform(shape.WeightLength, seed: 2), gradient = Uniform(Samples * shape.OutputLength, seed: 3);
        Sums forward = new(gradient.Length), inputGradient = new(input.Length), weightGradient = new(weight.Length);
        AddExactly(shape, input, weight, gradient, forward, inputGradient, weightGradient);

        Convolution.Forward(unit, shape, Samples, input, weight, [], forward.Found, new float[Convolution.ForwardScratch(shape, Samples)]);
        Convolution.InputGradient(unit, shape, Samples, gradient, weight, inputGradient.Found, new float[Convolution.InputGradientScratch(shape, Samples)]);
        Convolution.WeightGradient(unit, shape, input, gradient, slices, weightGradient.Found, 0, outputs, new float[Convolution.WeightGradientScratch(shape, slices.Length)]);
        foreach (Sums sums in (Sums[])[forward, inputGradient, weightGradient])
        {
            double[] errors = sums.Errors();
            Assert.InRange(Math.Sqrt(errors.Average(error => error * error)), 1e-9, TypicalError);
            Assert.InRange(errors.Max(), 0, LargestError);
        }
    }

    // From −1 to 1.
    private static float[] Uniform(int count, int seed)
    {
        Numbers random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.Next() / 2147483648.0))];
    }

    // A convolution is a sum of x · w for each y; its gradients are sums of the same pairs.
    private static void AddExactly(ConvolutionShape shape, float[] input, float[] weight, float[] gradient, Sums forward, Sums inputGradient, Sums weightGradient)
    {
        for (int y = 0; y < gradient.Length; y++)
        {
            int row = y / shape.Columns.Output % shape.Rows.Output, column = y % shape.Columns.Output, output = y / shape.OutputPixels % shape.Outputs, sample = y / shape.OutputLength;
            for (int tap = 0; tap < shape.Taps; tap++)
            {
                int w = (output * shape.Taps) + tap, inputRow = row + (tap / 3 % 3) - shape.Rows.Before, inputColumn = column + (tap % 3) - shape.Columns.Before;
                if (inputRow >= 0 && inputRow < shape.Rows.Input && inputColumn >= 0 && inputColumn < shape.Columns.Input)
                {
                    int x = (((((sample * shape.Channels) + (tap / 9)) * shape.Rows.Input) + inputRow) * shape.Columns.Input) + inputColumn;
                    forward.Add(y, (double)input[x] * weight[w]);
                    inputGradient.Add(x, (double)gradient[y] * weight[w]);
                    weightGradient.Add(w, (double)gradient[y] * input[x]);
                }
            }
        }
    }

    // Sums in double with those of their terms' magnitudes, and what was found for them.
    private sealed class Sums(int length)
    {
        private readonly double[] values = new double[length], magnitudes = new double[length];

        public float[] Found { get; } = new float[length];

        public void Add(int index, double term)
        {
            values[index] += term;
            magnitudes[index] += Math.Abs(term);
        }

        public double[] Errors() => [.. Found.Select((found, index) => Math.Abs(found - values[index]) / magnitudes[index])];
    }
}
