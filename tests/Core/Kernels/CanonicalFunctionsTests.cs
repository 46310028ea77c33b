using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>The stated error bounds, on every 4099th float, the neighbourhoods of edges, and against double-precision references.</summary>
public sealed class CanonicalFunctionsTests
{
    private const uint Stride = 4099;

    private const double Step = 0.5;

    private static readonly double[] Weights = [.. Enumerable.Range(0, 14).Select(n => Math.Exp(-n * n * Step * Step))];

    private static readonly float[] Edges =
    [
        0f, 1f, 2f, 0.5f, 0.625f, 1.4142135f, 0.70710677f, -0.29289323f, 0.41421357f, 88.72284f, 89f, -87.33655f, -103.97208f, -104.5f, 9.010913f, 16f, 104f, 1e15f,
        16777216f, float.Epsilon, 1.17549435e-38f, float.MaxValue, 0.34657359f, 0.6931472f,
    ];

    public static TheoryData<string, double> Bounds => new()
    {
        { "Exp", 1.02 }, { "Log", 0.83 }, { "Log1p", 1.40 }, { "Sigmoid", 1.48 }, { "Tanh", 1.34 }, { "Softplus", 1.67 }, { "Gelu", 1.97 }, { "Silu", 1.1 },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Float_functions_keep_their_bounds(string name, double bound)
    {
        (Func<float, float> found, Func<double, double> reference) = Function(name);
        foreach (float x in Dense())
        {
            double expected = reference(x);
            float value = found(x);
            if (double.IsNaN(expected))
            {
                Assert.True(float.IsNaN(value), $"{name}({x:G9}) is {value:G9}, not NaN.");
            }
            else if (float.IsInfinity((float)expected))
            {
                Assert.True(value == (float)expected, $"{name}({x:G9}) is {value:G9}, not {expected:G9}.");
            }
            else
            {
                double error = Math.Abs(value - expected) / Ulp(expected);
                Assert.True(error <= bound, $"{name}({x:G9}) is {value:G9}, {error:F3} ulp from {expected:G17}.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Vectors_of_every_width_have_the_bits_of_the_scalar_twin(string name, double bound)
    {
        Assert.True(bound > 0);
        (Func<float, float> scalar, _) = Function(name);
        float[] x = [.. Dense().Where((_, index) => index % 17 == 0), float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 3f];
        float[] expected = [.. x.Select(scalar)];
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] y = new float[x.Length];
            switch (name)
            {
                case "Exp":
                    Elementwise.Exp(unit, x, y);
                    break;
                case "Log":
                    Elementwise.Log(unit, x, y);
                    break;
                case "Sigmoid":
                    Elementwise.Sigmoid(unit, x, y);
                    break;
                case "Tanh":
                    Elementwise.Tanh(unit, x, y);
                    break;
                case "Softplus":
                    Elementwise.Softplus(unit, x, y);
                    break;
                case "Gelu":
                    Elementwise.Gelu(unit, x, y);
                    break;
                case "Silu":
                    Elementwise.Silu(unit, x, y);
                    break;
                default:
                    Log1pKernel kernel = new() { X = x, Y = y };
                    unit.Run(ref kernel);
                    expected.AsSpan(x.Length / 16 * 16).CopyTo(y.AsSpan(x.Length / 16 * 16)); // whole vectors only
                    break;
            }

            Bits.Equal(expected, y, $"{name}, {unit}");
        }
    }

    [Fact]
    public void Derivatives_keep_their_bounds_and_have_the_bits_of_the_scalar_twin_at_every_width()
    {
        const double Unit = 1.0 / (1 << 24);
        float[] x = [.. Dense().Where(value => Math.Abs(value) < 700)];
        float[] ones = new float[x.Length], gelu = new float[x.Length], silu = new float[x.Length];
        Array.Fill(ones, 1);
        for (int index = 0; index < x.Length; index++)
        {
            double value = x[index], density = Math.Exp(-value * value / 2) / Math.Sqrt(2 * Math.PI), sigmoid = 1 / (1 + Math.Exp(-value));
            gelu[index] = CanonicalFunctions.GeluDerivative(x[index]);
            silu[index] = CanonicalFunctions.SiluDerivative(x[index]);
            Assert.InRange(Math.Abs(gelu[index] - (NormalDistribution(value) + (value * density))), 0, 1.6 * Unit);
            Assert.InRange(Math.Abs(silu[index] - (sigmoid + (value * sigmoid / (1 + Math.Exp(value))))), 0, 3.2 * Unit);
        }

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            int length = unit.Emulated ? x.Length / 17 : x.Length;
            float[] dx = new float[length];
            Elementwise.GeluBackward(unit, x.AsSpan(0, length), ones.AsSpan(0, length), dx);
            Bits.Equal(gelu.AsSpan(0, length), dx, $"gelu, {unit}");
            Elementwise.SiluBackward(unit, x.AsSpan(0, length), ones.AsSpan(0, length), dx);
            Bits.Equal(silu.AsSpan(0, length), dx, $"silu, {unit}");
        }
    }

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1, 0.84134474606854293)]
    [InlineData(-1, 0.15865525393145705)]
    [InlineData(-1.75, 0.040059156863817086)]
    [InlineData(-5, 2.8665157187919391e-7)]
    [InlineData(-10, 7.6198530241605261e-24)]
    [InlineData(8, 0.99999999999999933)]
    public void The_normal_distribution_s_function_is_right_in_double(double x, double expected) =>
        Assert.InRange(CanonicalFunctions.NormalDistribution(x) / expected, 1 - 1e-13, 1 + 1e-13);

    [Fact]
    public void The_normal_distribution_s_function_is_right_in_double_between_them_too()
    {
        for (double x = -37; x < 10; x += 0.001)
        {
            Assert.InRange(CanonicalFunctions.NormalDistribution(x) / NormalDistribution(x), 1 - 1e-13, 1 + 1e-13);
        }
    }

    [Fact]
    public void Edges_are_as_stated()
    {
        Same(float.PositiveInfinity, CanonicalFunctions.Exp(float.PositiveInfinity));
        Same(0f, CanonicalFunctions.Exp(float.NegativeInfinity));
        Same(1f, CanonicalFunctions.Exp(-0f));
        Same(float.PositiveInfinity, CanonicalFunctions.Exp(88.7229f));
        Same(float.Epsilon, CanonicalFunctions.Exp(-103.5f));
        Same(0f, CanonicalFunctions.Log(1f));
        Same(float.NegativeInfinity, CanonicalFunctions.Log(0f));
        Same(float.NegativeInfinity, CanonicalFunctions.Log(-0f));
        Same(float.PositiveInfinity, CanonicalFunctions.Log(float.PositiveInfinity));
        Same(float.NaN, CanonicalFunctions.Log(-1f));
        Same(float.NaN, CanonicalFunctions.Log(float.NegativeInfinity));
        Same(-0f, CanonicalFunctions.Log1p(-0f));
        Same(float.NegativeInfinity, CanonicalFunctions.Log1p(-1f));
        Same(float.PositiveInfinity, CanonicalFunctions.Log1p(float.PositiveInfinity));
        Same(-0f, CanonicalFunctions.Tanh(-0f));
        Same(1f, CanonicalFunctions.Tanh(float.PositiveInfinity));
        Same(-1f, CanonicalFunctions.Tanh(float.NegativeInfinity));
        Same(0.5f, CanonicalFunctions.Sigmoid(-0f));
        Same(0f, CanonicalFunctions.Sigmoid(float.NegativeInfinity));
        Same(1f, CanonicalFunctions.Sigmoid(float.PositiveInfinity));
        Same(0f, CanonicalFunctions.Softplus(float.NegativeInfinity));
        Same(float.PositiveInfinity, CanonicalFunctions.Softplus(float.PositiveInfinity));
        Same(float.NaN, CanonicalFunctions.Softplus(float.NaN));
        Same(-0f, CanonicalFunctions.Gelu(-0f));
        Same(-0f, CanonicalFunctions.Gelu(float.MinValue));
        Same(float.MaxValue, CanonicalFunctions.Gelu(float.MaxValue));
        Same(float.NaN, CanonicalFunctions.Gelu(float.NaN));
        Same(float.PositiveInfinity, CanonicalFunctions.Gelu(float.PositiveInfinity));
        Same(float.PositiveInfinity, CanonicalFunctions.Silu(float.PositiveInfinity));
        Same(-0f, CanonicalFunctions.Silu(-0f));
        Same(-0f, CanonicalFunctions.Silu(float.MinValue));
        Same(float.MaxValue, CanonicalFunctions.Silu(float.MaxValue));
        Same(float.NaN, CanonicalFunctions.Silu(float.NaN));
    }

    private static void Same(float expected, float found) => Bits.Equal([expected], [found], "edge");

    private static (Func<float, float> Found, Func<double, double> Reference) Function(string name) => name switch
    {
        "Exp" => (CanonicalFunctions.Exp, Math.Exp),
        "Log" => (CanonicalFunctions.Log, Math.Log),
        "Log1p" => (CanonicalFunctions.Log1p, Log1p),
        "Sigmoid" => (CanonicalFunctions.Sigmoid, x => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x))),
        "Tanh" => (CanonicalFunctions.Tanh, Math.Tanh),
        "Gelu" => (CanonicalFunctions.Gelu, x => double.IsNegativeInfinity(x) ? 0 : x * NormalDistribution(x)),
        "Silu" => (CanonicalFunctions.Silu, x => double.IsNegativeInfinity(x) ? 0 : x * (x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)))),
        _ => (CanonicalFunctions.Softplus, x => Math.Max(x, 0) + Log1p(Math.Exp(-Math.Abs(x)))),
    };

    // Φ(x) = erfc(−x / √2) / 2, and erfc by the trapezoidal rule for its integral over the line, 1/π · ∫ z e^(−z²−t²) / (z² + t²) dt, at steps of ½ with the residue of the pole at t = iz, which the steps
    // see while it is near (Matta and Reichel, 1971); near 0 by Taylor's series. The product has another series and a continued fraction. Compared with mpmath: 6e-14.
    private static double NormalDistribution(double x)
    {
        double z = Math.Abs(x) / Math.Sqrt(2);
        if (z < 0.01)
        {
            return 0.5 + (x * (1 - (x * x / 6) + (x * x * x * x / 40)) / Math.Sqrt(2 * Math.PI));
        }

        if (double.IsInfinity(z))
        {
            return x < 0 ? 0 : 1;
        }

        double sum = 1 / (2 * z * z);
        for (int n = 1; n < Weights.Length; n++)
        {
            sum += Weights[n] / ((n * n * Step * Step) + (z * z));
        }

        double pole = z < Math.PI / Step ? 2 / (1 - Math.Exp(2 * Math.PI * z / Step)) : 0;
        double tail = ((2 * Step * z / Math.PI * Math.Exp(-x * x / 2) * sum) + pole) / 2;
        return x < 0 ? tail : 1 - tail;
    }

    private static double Log1p(double x) =>
        Math.Abs(x) < 1e-4 ? x - (x * x / 2) + (x * x * x / 3) - (x * x * x * x / 4)
        : double.IsPositiveInfinity(x) ? x
        : Math.Log(1 + x) + ((x - (1 + x - 1)) / (1 + x) is double rest && double.IsFinite(rest) ? rest : 0);

    private static double Ulp(double value) =>
        Math.Max(float.Epsilon, Math.ScaleB(1, Math.ILogB(value == 0 ? float.Epsilon : Math.Abs(value)) - 23));

    private static IEnumerable<float> Dense()
    {
        for (ulong bits = 0; bits < 1UL << 32; bits += Stride)
        {
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
        }

        foreach (float edge in Edges)
        {
            for (int offset = -20; offset <= 20; offset++)
            {
                float near = BitConverter.Int32BitsToSingle(Math.Max(0, BitConverter.SingleToInt32Bits(Math.Abs(edge)) + offset));
                yield return near;
                yield return -near;
            }
        }
    }

    private ref struct Log1pKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public Span<float> Y;

        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int index = 0; index < X.Length / 16 * 16; index += TOps.Count)
            {
                TOps.Store(VectorFunctions.Log1p<TVector, TOps>(TOps.Load(in X[index], 0)), ref Y[index], 0);
            }
        }
    }
}
