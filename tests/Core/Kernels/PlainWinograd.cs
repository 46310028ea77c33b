using DistNet.Kernels;

namespace DistNet.Tests.Kernels;

/// <summary>Convolutions by Winograd's F(2×2, 3×3), written plainly: each operation of docs/numerics.md one float at a time, tile by tile.</summary>
internal static class PlainWinograd
{
    /// <summary>Which convolutions go this way: 3×3 without steps or groups, of enough channels, with at most three quarters of the multiplications.</summary>
    public static bool Takes(ConvolutionShape shape)
    {
        int rows = shape.Rows.Output, columns = shape.Columns.Output, tiles = (rows + 1) / 2 * ((columns + 1) / 2);
        return shape.Groups == 1 && shape.Channels >= 16 && shape.Outputs >= 16 && IsThreeInARow(shape.Rows) && IsThreeInARow(shape.Columns) && 64 * tiles <= 27 * rows * columns;

        static bool IsThreeInARow(WindowAxis axis) => axis is { Kernel: 3, Stride: 1, Dilation: 1 };
    }

    public static float[] Forward(ConvolutionShape shape, int samples, float[] input, float[] weight, float[] bias)
    {
        Images inputs = new(input, shape.Channels, shape.Rows.Input, shape.Columns.Input), outputs = Images.Empty(samples, shape.Outputs, shape.Rows.Output, shape.Columns.Output);
        Convolve(inputs, -shape.Rows.Before, -shape.Columns.Before, (output, channel) => Kernel(shape, weight, output, channel), outputs);
        for (int index = 0; index < outputs.Values.Length && bias.Length > 0; index++)
        {
            outputs.Values[index] += bias[index / shape.OutputPixels % shape.Outputs];
        }

        return outputs.Values;
    }

    public static float[] InputGradient(ConvolutionShape shape, int samples, float[] outputGradient, float[] weight)
    {
        Images gradients = new(outputGradient, shape.Outputs, shape.Rows.Output, shape.Columns.Output);
        Images result = Images.Empty(samples, shape.Channels, shape.Rows.Input, shape.Columns.Input);
        Convolve(gradients, shape.Rows.Before - 2, shape.Columns.Before - 2, (channel, output) => [.. Kernel(shape, weight, output, channel).Reverse()], result);
        return result.Values;
    }

    public static float[] WeightGradient(ConvolutionShape shape, float[] input, float[] outputGradient, SliceRows[] slices)
    {
        Dictionary<SliceRows, float[]> gradients = slices.Distinct().ToDictionary(slice => slice, slice => SliceGradient(shape, input, outputGradient, slice));
        return [.. Enumerable.Range(0, shape.WeightLength).Select(index => PlainProducts.Tree(slices, slice => gradients[slice][index]))];
    }

    // Tile by tile of 2×2 results; the tile at row r and column c reads 4×4 of the source from row firstRow + r and column firstColumn + c.
    private static void Convolve(Images source, int firstRow, int firstColumn, Func<int, int, float[]> kernel, Images result)
    {
        float[][][] weights = [.. Enumerable.Range(0, result.Channels).Select(to => All(source.Channels, from => BothWays(kernel(to, from), Weights)))];
        for (int sample = 0; sample < result.Samples; sample++)
        {
            foreach ((int row, int column) in Tiles(result.Rows, result.Columns))
            {
                float[][] sources = All(source.Channels, from => BothWays(source.Square(sample, from, firstRow + row, firstColumn + column, 4), Inputs));
                for (int to = 0; to < result.Channels; to++)
                {
                    float[] sums = new float[16];
                    for (int from = 0; from < source.Channels; from++)
                    {
                        Multiply(sources[from], weights[to][from], sums);
                    }

                    result.Put(sample, to, row, column, BothWays(sums, Products));
                }
            }
        }
    }

    private static float[] SliceGradient(ConvolutionShape shape, float[] input, float[] outputGradient, SliceRows slice)
    {
        Images inputs = new(input, shape.Channels, shape.Rows.Input, shape.Columns.Input), gradients = new(outputGradient, shape.Outputs, shape.Rows.Output, shape.Columns.Output);
        float[][] sums = All(shape.Outputs * shape.Channels, _ => new float[16]);
        for (int sample = slice.First; sample < slice.First + slice.Count; sample++)
        {
            foreach ((int row, int column) in Tiles(shape.Rows.Output, shape.Columns.Output))
            {
                float[][] from = All(shape.Channels, channel => BothWays(inputs.Square(sample, channel, row - shape.Rows.Before, column - shape.Columns.Before, 4), Inputs));
                float[][] to = All(shape.Outputs, output => BothWays(gradients.Square(sample, output, row, column, 2), OutputGradients));
                for (int index = 0; index < sums.Length; index++)
                {
                    Multiply(from[index % shape.Channels], to[index / shape.Channels], sums[index]);
                }
            }
        }

        return [.. sums.SelectMany(sum => BothWays(sum, WeightGradients))];
    }

    private static float[] Weights(float[] g)
    {
        float ends = g[0] + g[2];
        return [g[0], 0.5f * (ends + g[1]), 0.5f * (ends - g[1]), g[2]];
    }

    private static float[] Inputs(float[] d) => [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]];

    private static float[] Products(float[] m) => [m[0] + m[1] + m[2], m[1] - m[2] - m[3]];

    private static float[] OutputGradients(float[] y) => [y[0], y[0] + y[1], y[0] - y[1], 0f - y[1]];

    private static float[] WeightGradients(float[] w)
    {
        float half = 0.5f * (w[1] + w[2]);
        return [w[0] + half, 0.5f * (w[1] - w[2]), half + w[3]];
    }

    // Down the rows first, in each column; then along the columns, in each row of that.
    private static float[] BothWays(float[] square, Func<float[], float[]> rule)
    {
        int size = (int)Math.Sqrt(square.Length);
        float[][] columns = All(size, column => rule(All(size, row => square[(row * size) + column])));
        float[][] rows = All(columns[0].Length, row => rule(All(size, column => columns[column][row])));
        return All(rows.Length * rows.Length, place => rows[place / rows.Length][place % rows.Length]);
    }

    private static void Multiply(float[] left, float[] right, float[] sums)
    {
        for (int place = 0; place < sums.Length; place++)
        {
            sums[place] = MathF.FusedMultiplyAdd(left[place], right[place], sums[place]);
        }
    }

    private static float[] Kernel(ConvolutionShape shape, float[] weight, int output, int channel) => weight.AsSpan(((output * shape.Channels) + channel) * 9, 9).ToArray();

    private static IEnumerable<(int Row, int Column)> Tiles(int rows, int columns)
    {
        for (int row = 0; row < rows; row += 2)
        {
            for (int column = 0; column < columns; column += 2)
            {
                yield return (row, column);
            }
        }
    }

    private static T[] All<T>(int count, Func<int, T> value)
    {
        T[] values = new T[count];
        for (int index = 0; index < count; index++)
        {
            values[index] = value(index);
        }

        return values;
    }

    // Samples [channels, rows, columns], with +0 all around.
    private readonly record struct Images(float[] Values, int Channels, int Rows, int Columns)
    {
        public int Samples => Values.Length / (Channels * Rows * Columns);

        public static Images Empty(int samples, int channels, int rows, int columns) => new(new float[samples * channels * rows * columns], channels, rows, columns);

        public float[] Square(int sample, int channel, int row, int column, int size)
        {
            Images images = this;
            return All(size * size, place => images.IsInside(row + (place / size), column + (place % size)) ? images.Values[images.Index(sample, channel, row + (place / size), column + (place % size))] : 0);
        }

        // What lies outside is dropped.
        public void Put(int sample, int channel, int row, int column, float[] square)
        {
            for (int place = 0; place < 4; place++)
            {
                if (IsInside(row + (place / 2), column + (place % 2)))
                {
                    Values[Index(sample, channel, row + (place / 2), column + (place % 2))] = square[place];
                }
            }
        }

        private bool IsInside(int row, int column) => row >= 0 && row < Rows && column >= 0 && column < Columns;

        private int Index(int sample, int channel, int row, int column) => (((((sample * Channels) + channel) * Rows) + row) * Columns) + column;
    }
}
