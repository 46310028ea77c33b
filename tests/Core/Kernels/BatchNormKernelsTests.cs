using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Batch normalisation against its formula in the contract's order, written plainly, at every width and for every small size.</summary>
public sealed class BatchNormKernelsTests
{
    public static TheoryData<int> Pixels => [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49, 100];

    [Theory]
    [MemberData(nameof(Pixels))]
    public void Statistics_outputs_and_gradients_have_the_bits_of_the_formula(int pixels)
    {
        foreach (int channels in pixels == 1 ? Enumerable.Range(1, 36) : [1, 2, 3, 5])
        {
            foreach (int rows in (int[])[1, 2, 3, 5])
            {
                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    Check(unit, rows, channels, pixels);
                }
            }
        }
    }

    [Fact]
    public void A_mean_far_from_0_costs_the_variance_no_accuracy()
    {
        Numbers random = new(3);
        float[] x = [.. Enumerable.Range(0, 32 * 196).Select(_ => 10000 + (random.Next() / 2147483648f))];
        double mean = x.Average(value => (double)value), variance = x.Sum(value => (value - mean) * (value - mean)) / (x.Length - 1);
        float[] found = new float[1], unbiased = new float[1];
        BatchNormKernels.Forward(VectorUnit.Widest, x, 32, [1], [0], 1e-5f, found, unbiased, new float[1], new float[x.Length], new float[3]);
        Assert.Equal(mean, found[0], 1e-6 * mean);
        Assert.Equal(variance, unbiased[0], 1e-4 * variance);
    }

    private static void Check(VectorUnit unit, int rows, int channels, int pixels)
    {
        string what = $"{unit}, {rows} rows of {channels} channels of {pixels} pixels";
        Numbers random = new((rows * 1000) + (channels * 100) + pixels);
        int length = rows * channels * pixels;

        // What lies behind must not matter.
        float[] x = random.Floats(length), dy = random.Floats(length), padded = [.. x, .. Enumerable.Repeat(float.NaN, 16)], paddedDy = [.. dy, .. Enumerable.Repeat(float.NaN, 16)];
        float[] weight = random.Floats(channels), bias = random.Floats(channels), scratch = Bits.Unwritten(BatchNormKernels.ScratchPerChannel * channels);
        float[] mean = random.Floats(channels), inverse = [.. random.Floats(channels).Select(Math.Abs)], y = Bits.Unwritten(length), dx = Bits.Unwritten(length);
        float[] ofWeight = Bits.Unwritten(channels), ofBias = Bits.Unwritten(channels);

        BatchNormKernels.Apply(unit, padded.AsSpan(0, length), rows, weight, bias, mean, inverse, y, scratch);
        Bits.Equal(PlainNorms.Apply(x, rows, channels, weight, bias, mean, inverse), y, $"evaluation, {what}");
        foreach (bool ofSlice in (bool[])[false, true])
        {
            if (ofSlice && rows * pixels > 1)
            {
                PlainNorms.Slice slice = PlainNorms.Forward(x, rows, channels, weight, bias, 0.1f);
                float[] variance = new float[channels];
                BatchNormKernels.Forward(unit, padded.AsSpan(0, length), rows, weight, bias, 0.1f, mean, variance, inverse, y, scratch);
                Bits.Equal(slice.Mean, mean, $"mean, {what}");
                Bits.Equal(slice.Variance, variance, $"variance, {what}");
                Bits.Equal(slice.Inverse, inverse, $"inverse, {what}");
                Bits.Equal(slice.Y, y, $"output, {what}");
            }

            PlainNorms.Gradients expected = PlainNorms.Backward(x, dy, rows, channels, weight, mean, inverse, ofSlice);
            BatchNormKernels.Backward(unit, padded.AsSpan(0, length), paddedDy.AsSpan(0, length), rows, weight, mean, inverse, ofSlice, ofWeight, ofBias, dx, scratch);
            Bits.Equal(expected.Weight, ofWeight, $"gradient of the weight, {what}");
            Bits.Equal(expected.Bias, ofBias, $"gradient of the bias, {what}");
            Bits.Equal(expected.X, dx, $"input gradient, {what}");
            Array.Fill(ofWeight, float.NaN);
            BatchNormKernels.Backward(unit, x, dy, rows, weight, mean, inverse, ofSlice, ofWeight, ofBias, default, scratch);
            Bits.Equal(expected.Weight, ofWeight, $"gradient of the weight alone, {what}");
        }
    }
}
