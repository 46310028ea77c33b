using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Tests.Kernels;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>The gradient at the root and the sum of its squares against their definition, written plainly, at every length and width.</summary>
public sealed class GradientKernelsTests
{
    public static TheoryData<float, float, float> Terms => new()
    {
        { 1f, 0f, 0f }, { 32f, 0f, 0f }, { 300f, 0f, 0f }, { 0.125f, 1e-3f, 0f }, { 328f, 0f, 1e-3f }, { 328f, 1e-3f, 1e-3f }, { 512f, 1e-3f, 1e-3f },
    };

    [Theory]
    [MemberData(nameof(Terms))]
    public void A_root_has_the_bits_of_its_definition_for_every_length(float divisor, float l2Twice, float l1)
    {
        for (int length = 0; length <= 70; length++)
        {
            Numbers random = new(length);
            int padded = (length + 15) / 16 * 16;
            float[] left = Padded(random.Floats(length), padded, float.NaN), right = Padded(random.Floats(length), padded, float.PositiveInfinity);
            float[] parameters = Padded([.. random.Floats(length).Select((value, index) => index % 5 == 0 ? 0f : index % 7 == 0 ? -0f : value)], padded, 0f);
            foreach (bool whole in new[] { true, false })
            {
                float[] expected = new float[padded];
                for (int index = 0; index < length; index++)
                {
                    float gradient = (whole ? left[index] : left[index] + right[index]) / divisor;
                    gradient = l2Twice == 0 ? gradient : MathF.FusedMultiplyAdd(l2Twice, parameters[index], gradient);
                    expected[index] = l1 == 0 ? gradient : gradient + (parameters[index] < 0 ? -l1 : parameters[index] > 0 ? l1 : 0);
                }

                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    string what = $"{unit}, length {length}, {(whole ? "one node" : "two halves")}";
                    float[] gradient = new float[padded], inPlace = new float[padded];
                    ReadOnlySpan<float> other = whole ? default : right;
                    foreach (bool squared in new[] { true, false })
                    {
                        long sum = BitConverter.DoubleToInt64Bits(squared ? SquareSum(expected) : 0);
                        Assert.Equal(sum, Sum(GradientKernels.Root(unit, left, other, new(divisor, l2Twice, l1), parameters, length, gradient, squared)));
                        Bits.Equal(expected, gradient, what);

                        left.CopyTo(inPlace, 0);
                        Assert.Equal(sum, Sum(GradientKernels.Root(unit, inPlace, other, new(divisor, l2Twice, l1), parameters, length, inPlace, squared)));
                        Bits.Equal(expected, inPlace, $"in place, {what}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(32f)]
    [InlineData(0.125f)]
    [InlineData(300f)]
    [InlineData(1.7014118e38f)]
    [InlineData(1e-45f)]
    public void A_division_gives_the_bits_of_a_division(float divisor)
    {
        Random random = new(7);
        float[] values = new float[4096];
        foreach (ref float value in values.AsSpan())
        {
            value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            value = float.IsNaN(value) ? 1 : value;
        }

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] quotient = new float[values.Length];
            GradientKernels.Root(unit, values, default, new(divisor, 0, 0), new float[values.Length], values.Length, quotient, squared: false);
            Assert.Equal(values.Select(value => BitConverter.SingleToInt32Bits(value / divisor)), quotient.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void The_sum_tells_of_any_element_that_is_not_finite_squared_or_not(float value)
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            for (int place = 0; place < 37; place++)
            {
                float[] sum = new float[48], gradient = new float[48];
                Array.Fill(sum, float.MaxValue);
                Assert.True(GradientKernels.AreFinite(unit, sum));
                sum[place] = value;
                Assert.False(GradientKernels.AreFinite(unit, sum));
                Assert.All([true, false], squared => Assert.False(double.IsFinite(GradientKernels.Root(unit, sum, default, new(4, 0, 0), new float[48], 37, gradient, squared))));
            }
        }
    }

    private static float[] Padded(float[] values, int length, float padding) => [.. values, .. Enumerable.Repeat(padding, length - values.Length)];

    private static long Sum(double sum) => BitConverter.DoubleToInt64Bits(sum);

    private static double SquareSum(float[] values) => PlainLanes.Sum<double>(values.Length, (lane, index) => lane + ((double)values[index] * values[index]));
}
