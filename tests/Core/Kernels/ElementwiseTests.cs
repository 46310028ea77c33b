using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Each function against its formula, at all lengths around the vectors' widths, in place and not, at every width.</summary>
public sealed class ElementwiseTests
{
    private delegate void Call(VectorUnit unit, float[] a, float[] b, float[] y);

    private static readonly Dictionary<string, (Call Call, Func<float, float, float> Formula)> Functions = new()
    {
        ["Add"] = ((unit, a, b, y) => Elementwise.Add(unit, a, b, y), (a, b) => a + b),
        ["Subtract"] = ((unit, a, b, y) => Elementwise.Subtract(unit, a, b, y), (a, b) => a - b),
        ["Multiply"] = ((unit, a, b, y) => Elementwise.Multiply(unit, a, b, y), (a, b) => a * b),
        ["Scale"] = ((unit, a, b, y) => Elementwise.Scale(unit, a, 0.3f, y), (a, b) => a * 0.3f),
        ["Divide"] = ((unit, a, b, y) => Elementwise.Divide(unit, a, 0.3f, y), (a, b) => a / 0.3f),
        ["Relu"] = ((unit, a, b, y) => Elementwise.Relu(unit, a, y), (a, b) => a < 0 ? 0 : a),
        ["ReluBackward"] = ((unit, a, b, y) => Elementwise.ReluBackward(unit, a, b, y), (a, b) => a < 0 ? 0 : b),
        ["LeakyRelu"] = ((unit, a, b, y) => Elementwise.LeakyRelu(unit, a, 0.3f, y), (a, b) => a < 0 ? 0.3f * a : a),
        ["LeakyReluBackward"] = ((unit, a, b, y) => Elementwise.LeakyReluBackward(unit, a, 0.3f, b, y), (a, b) => a < 0 ? 0.3f * b : b),
        ["GeluBackward"] = ((unit, a, b, y) => Elementwise.GeluBackward(unit, a, b, y), (a, b) => b * CanonicalFunctions.GeluDerivative(a)),
        ["SiluBackward"] = ((unit, a, b, y) => Elementwise.SiluBackward(unit, a, b, y), (a, b) => b * CanonicalFunctions.SiluDerivative(a)),
        ["Max"] = ((unit, a, b, y) => Elementwise.Max(unit, a, b, y), (a, b) => a > b ? a : b),
        ["MaxBackward, first"] = ((unit, a, b, y) => Elementwise.MaxBackward(unit, a, b, a, y, new float[y.Length]), (a, b) => a > b ? a : 0),
        ["MaxBackward, second"] = ((unit, a, b, y) => Elementwise.MaxBackward(unit, a, b, a, new float[y.Length], y), (a, b) => a > b ? 0 : a),
        ["SigmoidBackward"] = ((unit, a, b, y) => Elementwise.SigmoidBackward(unit, a, b, y), (a, b) => b * (a * (1 - a))),
        ["TanhBackward"] = ((unit, a, b, y) => Elementwise.TanhBackward(unit, a, b, y), (a, b) => b * MathF.FusedMultiplyAdd(-a, a, 1)),
        ["SoftplusBackward"] = ((unit, a, b, y) => Elementwise.SoftplusBackward(unit, a, b, y), (a, b) => b * CanonicalFunctions.Sigmoid(a)),
    };

    public static TheoryData<string> Names => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_function_has_the_bits_of_its_formula_at_every_length_and_width(string name)
    {
        (Call call, Func<float, float, float> formula) = Functions[name];
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            for (int length = 0; length <= 70; length++)
            {
                Numbers random = new(length);
                float[] a = random.Floats(length), b = random.Floats(length), y = random.Floats(length);
                for (int index = 0; index < length; index++)
                {
                    // Ties, zeros of both signs, and edges among them.
                    a[index] = index % 7 == 0 ? b[index] : index % 11 == 0 ? 0f : index % 13 == 0 ? -0f : index % 17 == 0 ? float.PositiveInfinity : a[index];
                }

                float[] expected = [.. a.Zip(b, formula)];
                call(unit, a, b, y);
                Bits.Equal(expected, y, $"{name}, {unit}, length {length}");
            }
        }
    }

    [Fact]
    public void An_output_may_be_an_input()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] a = new Numbers(1).Floats(37), b = new Numbers(2).Floats(37);
            float[] expected = [.. a.Zip(b, (x, y) => x + y)];
            Elementwise.Add(unit, a, b, a);
            Bits.Equal(expected, a, unit.ToString());
        }
    }

    [Fact]
    public void The_gradient_passes_where_x_is_0()
    {
        float[] dx = new float[3];
        Elementwise.ReluBackward(VectorUnit.Widest, [0f, -0f, -1f], [5f, 6f, 7f], dx);
        Assert.Equal([5f, 6f, 0f], dx);
    }

    [Fact]
    public void Of_equal_inputs_the_second_gets_the_gradient_of_the_maximum()
    {
        float[] da = new float[3], db = new float[3];
        Elementwise.MaxBackward(VectorUnit.Widest, [2f, 1f, 3f], [2f, 2f, 2f], [5f, 6f, 7f], da, db);
        Assert.Equal([0f, 0f, 7f], da);
        Assert.Equal([5f, 6f, 0f], db);
    }

    [Fact]
    public void Normalising_subtracts_and_divides_by_column()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            for (int columns = 1; columns <= 40; columns++)
            {
                for (int rows = 0; rows <= 9; rows++)
                {
                    Numbers random = new(columns);
                    float[] x = random.Floats(rows * columns), mean = random.Floats(columns), denominator = random.Floats(columns), y = new float[x.Length];
                    Elementwise.Normalize(unit, x, mean, denominator, y);
                    Bits.Equal([.. x.Select((value, index) => (value - mean[index % columns]) / denominator[index % columns])], y, $"{unit}, {rows} rows of {columns}");
                }
            }
        }
    }

    [Fact]
    public void Spans_of_different_lengths_are_a_bug_that_is_told() =>
        Assert.Throws<InvalidOperationException>(() => Elementwise.Add(VectorUnit.Widest, new float[3], new float[4], new float[4]));
}
