using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Functions of rows against their formula with sums in 16 virtual lanes, written plainly, at every width.</summary>
public sealed class RowKernelsTests
{
    private static readonly int[] Widths = [.. Enumerable.Range(1, 40), 47, 48, 49, 100];

    // Fewer rows than a vector has lanes, as many, and more: narrow rows go side by side.
    private static readonly int[] RowCounts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33];

    [Fact]
    public void Softmax_has_the_bits_of_16_virtual_lanes() => Check((unit, x, _, columns, y) => RowKernels.SoftMax(unit, x, columns, y), (x, _) => SoftMax(x));

    [Fact]
    public void Softmax_backward_has_the_bits_of_16_virtual_lanes() => Check((unit, y, dy, columns, dx) => RowKernels.SoftMaxBackward(unit, y, dy, columns, dx), (y, dy) =>
    {
        float dot = Dot(y, dy);
        return [.. y.Zip(dy, (output, gradient) => output * (gradient - dot))];
    });

    [Fact]
    public void Log_softmax_has_the_bits_of_16_virtual_lanes() => Check((unit, x, _, columns, y) => RowKernels.LogSoftMax(unit, x, columns, y), (x, _) => LogSoftMax(x));

    [Fact]
    public void Log_softmax_backward_has_the_bits_of_16_virtual_lanes() => Check((unit, y, dy, columns, dx) => RowKernels.LogSoftMaxBackward(unit, y, dy, columns, dx), (y, dy) =>
    {
        float sum = PlainLanes.Sum(dy);
        return [.. y.Zip(dy, (output, gradient) => MathF.FusedMultiplyAdd(CanonicalFunctions.Exp(output), -sum, gradient))];
    });

    [Fact]
    public void Cross_entropy_is_the_log_softmax_of_the_label_and_its_gradient()
    {
        foreach (int columns in Widths)
        {
            foreach (int rows in RowCounts)
            {
                Numbers random = new(columns + rows);
                float[] x = random.Floats(rows * columns), weights = random.Floats(rows), log = new float[x.Length], soft = new float[x.Length];
                int[] labels = [.. Enumerable.Range(0, rows).Select(row => row * 7 % columns)];
                for (int row = 0; row < rows; row++)
                {
                    float[] logits = x[(row * columns)..((row + 1) * columns)];
                    LogSoftMax(logits).CopyTo(log, row * columns);
                    SoftMax(logits).CopyTo(soft, row * columns);
                }

                float[] losses = [.. labels.Select((label, row) => 0 - log[(row * columns) + label])];
                float[] gradient = [.. soft.Select((value, index) => value - (index % columns == labels[index / columns] ? 1 : 0))];
                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    string what = $"{unit}, {rows} rows of {columns}";
                    float[] found = new float[x.Length], foundLosses = new float[rows];
                    RowKernels.CrossEntropy(unit, x, columns, labels, weights, foundLosses, found);
                    Bits.Equal(losses, foundLosses, $"losses, {what}");
                    Bits.Equal([.. gradient.Select((value, index) => value * weights[index / columns])], found, $"weighted gradient, {what}");

                    RowKernels.CrossEntropy(unit, x, columns, labels, [], foundLosses, default);
                    Bits.Equal(losses, foundLosses, $"losses alone, {what}");

                    x.CopyTo(found, 0);
                    RowKernels.CrossEntropy(unit, found, columns, labels, [], foundLosses, found);
                    Bits.Equal(losses, foundLosses, $"losses in place, {what}");
                    Bits.Equal(gradient, found, $"gradient in place, {what}");
                }
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
        foreach (int columns in Widths)
        {
            foreach (int rows in RowCounts)
            {
                Numbers random = new(columns + rows);
                float[] a = [.. random.Floats(rows * columns).Select(value => value / 16)], b = random.Floats(rows * columns), expected = new float[a.Length];
                for (int row = 0; row < rows; row++)
                {
                    Range range = (row * columns)..((row + 1) * columns);
                    formula(a[range], b[range]).CopyTo(expected, row * columns);
                }

                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    float[] y = random.Floats(rows * columns), inPlace = [.. a];
                    call(unit, a, b, columns, y);
                    Bits.Equal(expected, y, $"{unit}, {rows} rows of {columns}");
                    call(unit, inPlace, b, columns, inPlace);
                    Bits.Equal(expected, inPlace, $"in place, {unit}, {rows} rows of {columns}");
                }
            }
        }
    }

    private static float[] SoftMax(float[] x)
    {
        float[] e = Exponentials(x);
        float sum = PlainLanes.Sum(e);
        return [.. e.Select(value => value / sum)];
    }

    private static float[] LogSoftMax(float[] x)
    {
        float logarithm = CanonicalFunctions.Log(PlainLanes.Sum(Exponentials(x))), maximum = x.Max() + 0f;
        return [.. x.Select(value => (value - maximum) - logarithm)];
    }

    private static float[] Exponentials(float[] x)
    {
        float maximum = x.Max() + 0f;
        return [.. x.Select(value => CanonicalFunctions.Exp(value - maximum))];
    }

    private static float Dot(float[] a, float[] b) => PlainLanes.Sum<float>(a.Length, (lane, index) => MathF.FusedMultiplyAdd(a[index], b[index], lane));
}
