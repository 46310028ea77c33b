using DistNet.Kernels;

namespace DistNet.Tests.Kernels;

/// <summary>The order of every sum of a convolution, written plainly: one float at a time, padding written out. Some go by <see cref="PlainWinograd"/>.</summary>
internal static class PlainConvolutions
{
    public static float[] Forward(ConvolutionShape shape, int samples, float[] input, float[] weight, float[] bias)
    {
        if (PlainWinograd.Takes(shape))
        {
            return PlainWinograd.Forward(shape, samples, input, weight, bias);
        }

        float[] result = new float[samples * shape.OutputLength];
        ForEachOutput(shape, samples, (sample, output, row, column, index) =>
        {
            float sum = 0;
            for (int tap = 0; tap < shape.Taps; tap++)
            {
                sum = MathF.FusedMultiplyAdd(Input(shape, input, sample, output, tap, row, column), weight[(output * shape.Taps) + tap], sum);
            }

            result[index] = bias.Length == 0 ? sum : sum + bias[output];
        });
        return result;
    }

    public static float[] InputGradient(ConvolutionShape shape, int samples, float[] outputGradient, float[] weight)
    {
        if (PlainWinograd.Takes(shape))
        {
            return PlainWinograd.InputGradient(shape, samples, outputGradient, weight);
        }

        float[] result = new float[samples * shape.InputLength];
        int groupChannels = shape.Channels / shape.Groups, groupOutputs = shape.Outputs / shape.Groups;

        // Of a single output the stride says nothing, and counts as 1.
        int rowStride = shape.Rows.Output == 1 ? 1 : shape.Rows.Stride, columnStride = shape.Columns.Output == 1 ? 1 : shape.Columns.Stride;
        for (int index = 0; index < result.Length; index++)
        {
            int x = index % shape.Columns.Input, y = index / shape.Columns.Input % shape.Rows.Input;
            int channel = index / (shape.Columns.Input * shape.Rows.Input) % shape.Channels, sample = index / shape.InputLength;
            float sum = 0;
            for (int output = channel / groupChannels * groupOutputs; output < ((channel / groupChannels) + 1) * groupOutputs; output++)
            {
                for (int tap = 0; tap < shape.Rows.Kernel * shape.Columns.Kernel; tap++)
                {
                    int row = y + shape.Rows.Before - (tap / shape.Columns.Kernel * shape.Rows.Dilation), column = x + shape.Columns.Before - (tap % shape.Columns.Kernel * shape.Columns.Dilation);
                    if (row % rowStride == 0 && column % columnStride == 0)
                    {
                        row /= rowStride;
                        column /= columnStride;
                        bool inside = row >= 0 && row < shape.Rows.Output && column >= 0 && column < shape.Columns.Output;
                        float gradient = inside ? outputGradient[(((((sample * shape.Outputs) + output) * shape.Rows.Output) + row) * shape.Columns.Output) + column] : 0;
                        sum = MathF.FusedMultiplyAdd(gradient, weight[(output * shape.Taps) + (channel % groupChannels * shape.Rows.Kernel * shape.Columns.Kernel) + tap], sum);
                    }
                }
            }

            result[index] = sum;
        }

        return result;
    }

    public static float[] WeightGradient(ConvolutionShape shape, float[] input, float[] outputGradient, SliceRows[] slices)
    {
        if (PlainWinograd.Takes(shape))
        {
            return PlainWinograd.WeightGradient(shape, input, outputGradient, slices);
        }

        float[] result = new float[shape.WeightLength];
        for (int index = 0; index < result.Length; index++)
        {
            int output = index / shape.Taps, tap = index % shape.Taps;
            result[index] = PlainProducts.Tree(slices, slice =>
            {
                float sum = 0;
                for (int sample = slice.First; sample < slice.First + slice.Count; sample++)
                {
                    for (int pixel = 0; pixel < shape.OutputPixels; pixel++)
                    {
                        float x = Input(shape, input, sample, output, tap, pixel / shape.Columns.Output, pixel % shape.Columns.Output);
                        sum = MathF.FusedMultiplyAdd(x, outputGradient[(((sample * shape.Outputs) + output) * shape.OutputPixels) + pixel], sum);
                    }
                }

                return sum;
            });
        }

        return result;
    }

    public static float[] BiasGradient(ConvolutionShape shape, float[] outputGradient, SliceRows[] slices)
    {
        float[] result = new float[shape.Outputs];
        for (int output = 0; output < shape.Outputs; output++)
        {
            result[output] = PlainProducts.Tree(slices, slice =>
            {
                float sum = 0;
                for (int sample = slice.First; sample < slice.First + slice.Count; sample++)
                {
                    sum += PlainLanes.Sum(outputGradient.AsSpan(((sample * shape.Outputs) + output) * shape.OutputPixels, shape.OutputPixels));
                }

                return sum;
            });
        }

        return result;
    }

    private static float Input(ConvolutionShape shape, float[] input, int sample, int output, int tap, int row, int column)
    {
        int area = shape.Rows.Kernel * shape.Columns.Kernel;
        int channel = (output / (shape.Outputs / shape.Groups) * (shape.Channels / shape.Groups)) + (tap / area);
        int y = (row * shape.Rows.Stride) + (tap % area / shape.Columns.Kernel * shape.Rows.Dilation) - shape.Rows.Before;
        int x = (column * shape.Columns.Stride) + (tap % shape.Columns.Kernel * shape.Columns.Dilation) - shape.Columns.Before;
        bool inside = y >= 0 && y < shape.Rows.Input && x >= 0 && x < shape.Columns.Input;
        return inside ? input[(((((sample * shape.Channels) + channel) * shape.Rows.Input) + y) * shape.Columns.Input) + x] : 0;
    }

    private static void ForEachOutput(ConvolutionShape shape, int samples, Action<int, int, int, int, int> act)
    {
        for (int index = 0; index < samples * shape.OutputLength; index++)
        {
            act(index / shape.OutputLength, index / shape.OutputPixels % shape.Outputs, index / shape.Columns.Output % shape.Rows.Output, index % shape.Columns.Output, index);
        }
    }
}
