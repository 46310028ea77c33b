using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>The double functions against the runtime's, which are within an ulp themselves.</summary>
public sealed class DoubleFunctionsTests
{
    [Fact]
    public void Exp_is_within_2_ulp() => Check(CanonicalFunctions.Exp, Math.Exp, -745, 709.7, 2);

    [Fact]
    public void Log_is_within_2_ulp()
    {
        Check(CanonicalFunctions.Log, Math.Log, 1e-300, 3, 2);
        Check(x => CanonicalFunctions.Log(Math.ScaleB(1.7, (int)x)), x => Math.Log(Math.ScaleB(1.7, (int)x)), -1070, 1023, 2);
    }

    [Fact]
    public void Tanh_is_within_4_ulp()
    {
        Check(CanonicalFunctions.Tanh, Math.Tanh, -25, 25, 4);
        Check(CanonicalFunctions.Tanh, Math.Tanh, -1.1, 1.1, 4);
        Check(CanonicalFunctions.Tanh, Math.Tanh, -1e-5, 1e-5, 4);
    }

    [Fact]
    public void Sin_and_Cos_are_within_2_ulp()
    {
        Check(CanonicalFunctions.Sin, Math.Sin, -7, 7, 2);
        Check(CanonicalFunctions.Cos, Math.Cos, -7, 7, 2);
        Check(CanonicalFunctions.Sin, Math.Sin, -1e6, 1e6, 2);
        Check(CanonicalFunctions.Cos, Math.Cos, -1e6, 1e6, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => CanonicalFunctions.Cos(1e7));
    }

    [Fact]
    public void Pow_is_within_8_ulp()
    {
        Numbers random = new(9);
        for (int count = 0; count < 200_000; count++)
        {
            double x = Math.ScaleB(1 + (random.Below(1 << 30) / (double)(1 << 30)), random.Below(40) - 20);
            double y = (random.Below(2000) - 1000) / 16.0;
            Near(Math.Pow(x, y), CanonicalFunctions.Pow(x, y), 8, $"{x:G17}^{y:G17}");
        }

        for (int exponent = 0; exponent < 1000; exponent++)
        {
            Near(Math.Pow(0.9, exponent), CanonicalFunctions.Pow(0.9, exponent), 8, $"0.9^{exponent}");
            Near(Math.Pow(0.9999, exponent), CanonicalFunctions.Pow(0.9999, exponent), 8, $"0.9999^{exponent}");
        }
    }

    [Fact]
    public void Edges_are_as_stated()
    {
        Assert.Equal(double.PositiveInfinity, CanonicalFunctions.Exp(double.PositiveInfinity));
        Assert.Equal(0, CanonicalFunctions.Exp(double.NegativeInfinity));
        Assert.Equal(double.NegativeInfinity, CanonicalFunctions.Log(0.0));
        Assert.Equal(double.PositiveInfinity, CanonicalFunctions.Log(double.PositiveInfinity));
        Assert.True(double.IsNaN(CanonicalFunctions.Log(-1.0)));
        Assert.Equal(0L, BitConverter.DoubleToInt64Bits(CanonicalFunctions.Log(1.0)));
        Assert.Equal(1, CanonicalFunctions.Pow(0, 0));
        Assert.Equal(0, CanonicalFunctions.Pow(0, 2));
        Assert.Equal(double.PositiveInfinity, CanonicalFunctions.Pow(0, -2));
        Assert.Equal(double.PositiveInfinity, CanonicalFunctions.Pow(10, 400));
        Assert.Equal(0, CanonicalFunctions.Pow(10, -400));
        Assert.Equal(0.25, CanonicalFunctions.Pow(0.5, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => CanonicalFunctions.Pow(-1, 2));
        Assert.Equal(1, CanonicalFunctions.Tanh(double.PositiveInfinity));
        Assert.Equal(BitConverter.DoubleToInt64Bits(-0.0), BitConverter.DoubleToInt64Bits(CanonicalFunctions.Tanh(-0.0)));
        Assert.Equal(1, CanonicalFunctions.Cos(0));
    }

    private static void Check(Func<double, double> found, Func<double, double> expected, double from, double to, double bound)
    {
        const int Steps = 300_001;
        for (int step = 0; step <= Steps; step++)
        {
            double x = from + ((to - from) * step / Steps);
            Near(expected(x), found(x), bound, $"at {x:G17}");
        }
    }

    private static void Near(double expected, double found, double bound, string where)
    {
        double ulp = Math.Max(double.Epsilon, Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected));
        Assert.True(expected == found || Math.Abs(expected - found) <= bound * ulp, $"{where}: {found:G17}, not {expected:G17}.");
    }
}
