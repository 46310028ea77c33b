using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Functions of rows against their formula with sums in 16 virtual lanes, written plainly, at every width.</summary>
public sealed class RowKernelsTests
{
    private static readonly int[] Widths = [1, 2, 3, 8, 10, 15, 16, 17, 31, 32, 33, 100];

    [Fact]
    public void Softmax_has_the_bits_of_16_virtual_lanes() => Check((unit, x, _, columns, y) => RowKernels.SoftMax(unit, x, columns, y), (x, _) =>
    {
        float[] e = Exponentials(x);
        float sum = Sum(e);
        return [.. e.Select(value => value / sum)];
    });

    [Fact]
    public void Softmax_backward_has_the_bits_of_16_virtual_lanes() => Check((unit, y, dy, columns, dx) => RowKernels.SoftMaxBackward(unit, y, dy, columns, dx), (y, dy) =>
    {
        float dot = Dot(y, dy);
        return [.. y.Zip(dy, (output, gradient) => output * (gradient - dot))];
    });

    [Fact]
    public void Log_softmax_has_the_bits_of_16_virtual_lanes() => Check((unit, x, _, columns, y) => RowKernels.LogSoftMax(unit, x, columns, y), (x, _) =>
    {
        float logarithm = CanonicalFunctions.Log(Sum(Exponentials(x)));
        return [.. x.Select(value => (value - x.Max()) - logarithm)];
    });

    [Fact]
    public void Log_softmax_backward_has_the_bits_of_16_virtual_lanes() => Check((unit, y, dy, columns, dx) => RowKernels.LogSoftMaxBackward(unit, y, dy, columns, dx), (y, dy) =>
    {
        float sum = Sum(dy);
        return [.. y.Zip(dy, (output, gradient) => MathF.FusedMultiplyAdd(CanonicalFunctions.Exp(output), -sum, gradient))];
    });

    [Fact]
    public void Cross_entropy_is_the_log_softmax_of_the_label_and_its_gradient()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int columns in Widths)
            {
                Numbers random = new(columns);
                const int Rows = 4;
                float[] x = random.Floats(Rows * columns), weights = [0.5f, 1f, 2f, 0.3f], losses = new float[Rows], gradient = new float[x.Length], log = new float[x.Length], soft = new float[x.Length];
                int[] labels = [.. Enumerable.Range(0, Rows).Select(row => row * 7 % columns)];
                RowKernels.LogSoftMax(unit, x, columns, log);
                RowKernels.SoftMax(unit, x, columns, soft);
                RowKernels.CrossEntropy(unit, x, columns, labels, weights, losses, gradient);
                for (int row = 0; row < Rows; row++)
                {
                    Bits.Equal([0 - log[(row * columns) + labels[row]]], [losses[row]], $"loss, {unit}, {columns} columns");
                    for (int column = 0; column < columns; column++)
                    {
                        int index = (row * columns) + column;
                        Bits.Equal([(soft[index] - (column == labels[row] ? 1 : 0)) * weights[row]], [gradient[index]], $"gradient, {unit}, {columns} columns");
                    }
                }

                RowKernels.CrossEntropy(unit, x, columns, labels, [], losses, x);
                Bits.Equal([.. soft.Select((value, index) => value - (index % columns == labels[index / columns] ? 1 : 0))], x, "in place, unweighted");
            }
        }
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    public void Logits_of_any_size_are_stable(float offset)
    {
        float[] logits = [offset, offset + 1, -offset], losses = new float[1], gradient = new float[3], y = new float[3];
        RowKernels.CrossEntropy(VectorUnit.Widest, logits, 3, [2], [], losses, gradient);
        RowKernels.LogSoftMax(VectorUnit.Widest, logits, 3, y);
        Assert.True(float.IsFinite(losses[0]) && gradient.All(float.IsFinite) && y.All(float.IsFinite));
        Assert.Equal(offset > 0 ? 20001.312f : 0f, losses[0]);
        RowKernels.SoftMax(VectorUnit.Widest, logits, 3, y);
        Assert.Equal(1f, y.Sum(), 1e-6f);
    }

    [Fact]
    public void A_row_of_zeros_of_both_signs_does_not_depend_on_their_order()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] y = new float[2];
            RowKernels.LogSoftMax(unit, [-0f, -1000f], 2, y);
            Bits.Equal([-0f, -1000f], y, unit.ToString());
            RowKernels.LogSoftMax(unit, [0f, -0f], 2, y);
            Assert.Equal(y[0], y[1]);
        }
    }

    [Fact]
    public void The_first_of_several_maxima_is_the_argument()
    {
        Assert.Equal(1, RowKernels.ArgMax([1f, 3f, 3f, 2f]));
        Assert.Equal(0, RowKernels.ArgMax([5f]));
        Assert.Equal(2, RowKernels.ArgMax([-3f, -2f, -1f]));
    }

    private delegate void Call(VectorUnit unit, float[] a, float[] b, int columns, float[] y);

    private static void Check(Call call, Func<float[], float[], float[]> formula)
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int columns in Widths)
            {
                Numbers random = new(columns);
                const int Rows = 3;
                float[] a = [.. random.Floats(Rows * columns).Select(value => value / 16)], b = random.Floats(Rows * columns), y = random.Floats(Rows * columns);
                call(unit, a, b, columns, y);
                for (int row = 0; row < Rows; row++)
                {
                    Range range = (row * columns)..((row + 1) * columns);
                    Bits.Equal(formula(a[range], b[range]), y[range], $"{unit}, {columns} columns");
                }
            }
        }
    }

    private static float[] Exponentials(float[] x) => [.. x.Select(value => CanonicalFunctions.Exp(value - (x.Max() + 0f)))];

    private static float Sum(float[] x) => Combine(x, (lane, index) => lane + x[index]);

    private static float Dot(float[] a, float[] b) => Combine(a, (lane, index) => MathF.FusedMultiplyAdd(a[index], b[index], lane));

    private static float Combine(float[] x, Func<float, int, float> take)
    {
        float[] lanes = new float[16];
        for (int index = 0; index < x.Length; index++)
        {
            lanes[index % 16] = take(lanes[index % 16], index);
        }

        foreach (int half in new[] { 8, 4, 2, 1 })
        {
            for (int lane = 0; lane < half; lane++)
            {
                lanes[lane] += lanes[lane + half];
            }
        }

        return lanes[0];
    }
}
