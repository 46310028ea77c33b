namespace DistNet.Tests.Kernels;

/// <summary>Normalisations written plainly, one float after the other in the contract's order.</summary>
internal static class PlainNorms
{
    /// <summary>What a slice gives for each channel, and for each value.</summary>
    public sealed record Slice(float[] Mean, float[] Variance, float[] Inverse, float[] Y);

    public sealed record Gradients(float[] Weight, float[] Bias, float[] X);

    public static Slice Forward(float[] x, int rows, int channels, float[] weight, float[] bias, float epsilon)
    {
        int pixels = x.Length / rows / channels;
        float count = rows * pixels;
        Slice slice = new(new float[channels], new float[channels], new float[channels], new float[x.Length]);
        for (int channel = 0; channel < channels; channel++)
        {
            float mean = LaneSum(rows, pixels, (sum, row, i) => sum + x[At(row, channel, i)]) / count;
            float squares = LaneSum(rows, pixels, (sum, row, i) => MathF.FusedMultiplyAdd(x[At(row, channel, i)] - mean, x[At(row, channel, i)] - mean, sum));
            float inverse = 1 / MathF.Sqrt((squares / count) + epsilon);
            (slice.Mean[channel], slice.Variance[channel], slice.Inverse[channel]) = (mean, squares / (count - 1), inverse);
        }

        return slice with { Y = Apply(x, rows, channels, weight, bias, slice.Mean, slice.Inverse) };

        int At(int row, int channel, int i) => (((row * channels) + channel) * pixels) + i;
    }

    public static float[] Apply(float[] x, int rows, int channels, float[] weight, float[] bias, float[] mean, float[] inverse)
    {
        int pixels = x.Length / rows / channels;
        return [.. x.Select((value, index) =>
        {
            int channel = index / pixels % channels;
            return MathF.FusedMultiplyAdd(value - mean[channel], weight[channel] * inverse[channel], bias[channel]);
        })];
    }

    public static Gradients Backward(float[] x, float[] dy, int rows, int channels, float[] weight, float[] mean, float[] inverse, bool ofSlice)
    {
        int pixels = x.Length / rows / channels;
        float count = rows * pixels;
        Gradients gradients = new(new float[channels], new float[channels], new float[x.Length]);
        for (int channel = 0; channel < channels; channel++)
        {
            float b = LaneSum(rows, pixels, (sum, row, i) => sum + dy[At(row, channel, i)]);
            float d = LaneSum(rows, pixels, (sum, row, i) => MathF.FusedMultiplyAdd(dy[At(row, channel, i)], x[At(row, channel, i)] - mean[channel], sum));
            float ofWeight = d * inverse[channel];
            (gradients.Weight[channel], gradients.Bias[channel]) = (ofWeight, b);
            float shift = ofSlice ? b / count : 0, slope = ofSlice ? 0 - (ofWeight * inverse[channel] / count) : 0;
            for (int row = 0; row < rows; row++)
            {
                for (int i = 0; i < pixels; i++)
                {
                    int at = At(row, channel, i);
                    gradients.X[at] = MathF.FusedMultiplyAdd(x[at] - mean[channel], slope, dy[at] - shift) * (weight[channel] * inverse[channel]);
                }
            }
        }

        return gradients;

        int At(int row, int channel, int i) => (((row * channels) + channel) * pixels) + i;
    }

    /// <summary>Mean and inverse deviation of one row.</summary>
    public static (float Mean, float Inverse) Statistics(float[] row, float epsilon)
    {
        float mean = LaneSum(1, row.Length, (sum, _, i) => sum + row[i]) / row.Length;
        float squares = LaneSum(1, row.Length, (sum, _, i) => MathF.FusedMultiplyAdd(row[i] - mean, row[i] - mean, sum));
        return (mean, 1 / MathF.Sqrt((squares / row.Length) + epsilon));
    }

    /// <summary>The input gradient of a row in which each place has its own weight.</summary>
    public static float[] RowBackward(float[] x, float[] dy, float[] weight, float mean, float inverse)
    {
        float[] products = [.. dy.Zip(weight, (gradient, w) => gradient * w)];
        float a = LaneSum(1, x.Length, (sum, _, i) => sum + products[i]);
        float b = LaneSum(1, x.Length, (sum, _, i) => MathF.FusedMultiplyAdd(products[i], x[i] - mean, sum));
        return [.. x.Select((value, i) => MathF.FusedMultiplyAdd(value - mean, 0 - (b * inverse * inverse / x.Length), products[i] - (a / x.Length)) * inverse)];
    }

    /// <summary>The gradients of a group of channels, each with its own weight.</summary>
    public static Gradients GroupBackward(float[] x, float[] dy, float[] weight, float mean, float inverse)
    {
        int pixels = x.Length / weight.Length;
        Gradients gradients = new(new float[weight.Length], new float[weight.Length], new float[x.Length]);
        float a = 0, b = 0;
        for (int channel = 0; channel < weight.Length; channel++)
        {
            int first = channel * pixels;
            float ofBias = LaneSum(1, pixels, (sum, _, i) => sum + dy[first + i]);
            float d = LaneSum(1, pixels, (sum, _, i) => MathF.FusedMultiplyAdd(dy[first + i], x[first + i] - mean, sum));
            (gradients.Bias[channel], gradients.Weight[channel]) = (ofBias, d * inverse);
            a = MathF.FusedMultiplyAdd(weight[channel], ofBias, a);
            b = MathF.FusedMultiplyAdd(weight[channel], d, b);
        }

        for (int i = 0; i < x.Length; i++)
        {
            gradients.X[i] = MathF.FusedMultiplyAdd(x[i] - mean, 0 - (b * inverse * inverse / x.Length), (dy[i] * weight[i / pixels]) - (a / x.Length)) * inverse;
        }

        return gradients;
    }

    /// <summary>The lanes of each row, added in order, then in one.</summary>
    public static float LaneSum(int rows, int pixels, Func<float, int, int, float> add)
    {
        float[] lanes = new float[PlainLanes.Count];
        for (int row = 0; row < rows; row++)
        {
            float[] own = PlainLanes.Of<float>(pixels, (lane, i) => add(lane, row, i));
            for (int lane = 0; lane < lanes.Length; lane++)
            {
                lanes[lane] += own[lane];
            }
        }

        return PlainLanes.Combined(lanes);
    }
}
