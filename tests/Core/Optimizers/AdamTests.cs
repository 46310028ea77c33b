using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Tests.Kernels;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>The rule as its remarks have it, one float operation after the other, beside the kernel: on numbers of every size, so that a short cut that moves a bit shows.</summary>
public sealed class AdamTests
{
    private const int Length = 16 * 4096;

    [Theory]
    [InlineData(1e-3, 1e-8, 1e-4)]
    [InlineData(1e-3, 1e-30, 0)]
    [InlineData(0.1, 1e-37, 0.1)]
    [InlineData(1e-3, 1e-42, 0)]
    [InlineData(1e30, 1e-8, 0)]
    [InlineData(1e-30, 1, 0)]
    [InlineData(0, 1e-8, 0.01)]
    public void Every_vector_unit_has_the_bits_of_the_formula(double learningRate, double epsilon, double decay)
    {
        OptimizerOptions options = new() { Kind = OptimizerKind.AdamW, LearningRate = learningRate, WeightDecay = decay, Epsilon = epsilon };
        Adam adam = new(options);
        UpdateScalars scalars = new(learningRate, 0.9 * 0.9, 0.999 * 0.999, ClipFactor: 1);
        Random random = new(7);
        float[] gradients = Many(random, zeros: 0.5), first = Many(random, zeros: 0.1), second = [.. Many(random, zeros: 0.1).Select(MathF.Abs)], weights = Many(random, zeros: 0.1);
        Near(options, scalars, random, gradients, first, second, weights);
        (float Weight, float First, float Second)[] expected = [.. Enumerable.Range(0, Length).Select(i => Formula(options, scalars, gradients[i], first[i], second[i], weights[i]))];
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] w = [.. weights], m = [.. first], v = [.. second];
            adam.Update(unit, scalars, new() { Parameters = w, Gradient = gradients, Slot0 = m, Slot1 = v, Decayed = true });
            Bits.Equal([.. expected.Select(row => row.Weight)], w, $"{unit}: weights");
            Bits.Equal([.. expected.Select(row => row.First)], m, $"{unit}: first moments");
            Bits.Equal([.. expected.Select(row => row.Second)], v, $"{unit}: second moments");
        }
    }

    private static (float Weight, float First, float Second) Formula(OptimizerOptions options, UpdateScalars scalars, float gradient, float first, float second, float weight)
    {
        first = MathF.FusedMultiplyAdd((float)options.Beta1, first, gradient * (float)(1 - options.Beta1));
        second = MathF.FusedMultiplyAdd((float)options.Beta2, second, gradient * gradient * (float)(1 - options.Beta2));
        float denominator = MathF.FusedMultiplyAdd(MathF.Sqrt(second), (float)(1 / Math.Sqrt(1 - scalars.Beta2Power)), (float)options.Epsilon);
        float kept = weight * (float)(1 - (scalars.LearningRate * options.WeightDecay));
        return (MathF.FusedMultiplyAdd((float)(-scalars.LearningRate / (1 - scalars.Beta1Power)), first / denominator, kept), first, second);
    }

    // Every sign, exponent and mantissa alike: a quarter subnormal or nearly, a quarter of the size of weights.
    private static float[] Many(Random random, double zeros)
    {
        float[] values = new float[Length];
        foreach (ref float value in values.AsSpan())
        {
            int exponent = random.Next(4) switch { 0 => random.Next(3), 1 => random.Next(90, 128), _ => random.Next(190) };
            int bits = (random.Next(2) << 31) | (exponent << 23) | (random.Next(2) == 0 ? random.Next(1 << 23) : (random.Next(3) - 1) & 0x7F_FFFF);
            value = random.NextDouble() < zeros ? 0 : BitConverter.Int32BitsToSingle(bits);
        }

        return values;
    }

    // In half of the places, what the moment changes lies about half the step from the weight to its neighbour; that of a power of two downwards is the smallest.
    private static void Near(OptimizerOptions options, UpdateScalars scalars, Random random, float[] gradients, float[] first, float[] second, float[] weights)
    {
        for (int i = 0; i < Length; i += 2)
        {
            gradients[i] = 0;
            (float change, _, _) = Formula(options, scalars, 0, first[i], second[i], 0);
            double mantissa = 1 + (random.Next(2) * random.NextDouble());
            weights[i] = change == 0 ? weights[i] : (float)Math.ScaleB(mantissa * (1 - (2 * random.Next(2))), Math.ILogB(change) + random.Next(22, 30));
        }
    }
}
