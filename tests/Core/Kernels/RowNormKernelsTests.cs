using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Normalisations of rows and of groups of channels against their formula in the contract's order, written plainly, at every width and for every small size.</summary>
public sealed class RowNormKernelsTests
{
    private const float Epsilon = 0.1f;

    [Fact]
    public void Rows_with_a_weight_for_each_place_have_the_bits_of_the_formula()
    {
        foreach (int columns in (int[])[.. Enumerable.Range(1, 36), 49, 100])
        {
            foreach (int rows in (int[])[1, 2, 5])
            {
                Numbers random = new((rows * 1000) + columns);
                float[] x = random.Floats(rows * columns), dy = random.Floats(rows * columns), weight = random.Floats(columns), bias = random.Floats(columns), start = random.Floats(columns);
                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    string what = $"{unit}, {rows} rows of {columns}";
                    float[] statistics = new float[2 * rows], y = new float[x.Length], dx = new float[x.Length], scratch = new float[columns];
                    RowNormKernels.Forward(unit, x, weight, bias, Epsilon, statistics, y);
                    RowNormKernels.Backward(unit, x, dy, weight, statistics, dx, scratch);
                    for (int row = 0; row < rows; row++)
                    {
                        Range range = (row * columns)..((row + 1) * columns);
                        (float mean, float inverse) = PlainNorms.Statistics(x[range], Epsilon);
                        Bits.Equal([mean, inverse], statistics.AsSpan(2 * row, 2), $"statistics, {what}");
                        Bits.Equal([.. x[range].Select((value, i) => MathF.FusedMultiplyAdd(value - mean, weight[i] * inverse, bias[i]))], y[range], $"output, {what}");
                        Bits.Equal(PlainNorms.RowBackward(x[range], dy[range], weight, mean, inverse), dx[range], $"input gradient, {what}");
                        float[] sum = [.. start];
                        RowNormKernels.AddWeightGradient(unit, x[range], dy[range], mean, inverse, sum);
                        Bits.Equal(
                            [.. start.Select((value, i) => MathF.FusedMultiplyAdd(dy[range][i], (x[range][i] - mean) * inverse, value))], sum, $"gradient of the weight, {what}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 4)]
    [InlineData(3, 3)]
    [InlineData(4, 20)]
    public void Groups_with_a_weight_for_each_channel_have_the_bits_of_the_formula(int groups, int channels)
    {
        foreach (int pixels in (int[])[1, 2, 4, 9, 15, 16, 17, 33, 49])
        {
            foreach (int samples in (int[])[1, 2, 3])
            {
                Numbers random = new((samples * 1000) + (channels * 100) + pixels);
                int length = samples * channels * pixels, run = channels / groups * pixels;

                // What lies behind must not matter.
                float[] x = random.Floats(length), dy = random.Floats(length), padded = [.. x, .. Enumerable.Repeat(float.NaN, 16)], paddedDy = [.. dy, .. Enumerable.Repeat(float.NaN, 16)];
                float[] weight = random.Floats(channels), bias = random.Floats(channels);
                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    string what = $"{unit}, {samples} samples of {groups} groups of {channels} channels of {pixels} pixels";
                    float[] statistics = new float[2 * samples * groups], y = new float[length], dx = new float[length];
                    float[] ofWeight = new float[samples * channels], ofBias = new float[samples * channels], again = new float[samples * channels];
                    RowNormKernels.ForwardGroups(unit, padded.AsSpan(0, length), weight, bias, groups, Epsilon, statistics, y);
                    RowNormKernels.BackwardGroups(unit, padded.AsSpan(0, length), paddedDy.AsSpan(0, length), weight, groups, statistics, ofWeight, ofBias, dx);
                    for (int group = 0; group < samples * groups; group++)
                    {
                        Range range = (group * run)..((group + 1) * run), own = (group * channels / groups)..((group + 1) * channels / groups);
                        int first = group % groups * channels / groups;
                        float[] weights = weight[first..(first + (channels / groups))];
                        (float mean, float inverse) = PlainNorms.Statistics(x[range], Epsilon);
                        Bits.Equal([mean, inverse], statistics.AsSpan(2 * group, 2), $"statistics, {what}");
                        Bits.Equal([.. x[range].Select((value, i) => MathF.FusedMultiplyAdd(value - mean, weights[i / pixels] * inverse, bias[first + (i / pixels)]))], y[range], $"output, {what}");
                        PlainNorms.Gradients gradients = PlainNorms.GroupBackward(x[range], dy[range], weights, mean, inverse);
                        Bits.Equal(gradients.Weight, ofWeight[own], $"gradient of the weight, {what}");
                        Bits.Equal(gradients.Bias, ofBias[own], $"gradient of the bias, {what}");
                        Bits.Equal(gradients.X, dx[range], $"input gradient, {what}");
                    }

                    RowNormKernels.BackwardGroups(unit, x, dy, weight, groups, statistics, again, ofBias, default);
                    Bits.Equal(ofWeight, again, $"gradient of the weight alone, {what}");
                }
            }
        }
    }
}
