using CsCheck;
using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Lecture, "Use ReLU as the non-linear activation function": its single kink makes it equivariant to scale.</summary>
public sealed class ScaleEquivarianceTests
{
    [Fact]
    public void Relu_of_a_scaled_input_is_the_scaled_relu_of_the_input() =>
        Gen.Select(Gen.Float[1e-3f, 1e3f], Gen.Float[-1e3f, 1e3f].Array[1, 100]).Sample((scale, input) =>
        {
            float[] scaledLast = [.. Relu(input).Select(y => scale * y)];
            Assert.Equal(scaledLast, Relu([.. input.Select(x => scale * x)]));
        });

    private static float[] Relu(float[] input)
    {
        float[] output = new float[input.Length];
        Elementwise.Relu(VectorUnit.Widest, input, output);
        return output;
    }
}
