using CsCheck;
using DistNet.Kernels;
using DistNet.Randomness;
using Xunit;

namespace DistNet.Tests.Randomness;

public sealed class KeyedRandomTests
{
    [Fact]
    public void A_permutation_has_every_number_once_and_depends_on_its_whole_key() =>
        Gen.Select(Gen.Int[0, 300], Gen.ULong, Gen.UInt).Sample((length, seed, epoch) =>
        {
            int[] permutation = Permutation(length, seed, epoch);
            Assert.Equal(Enumerable.Range(0, length), permutation.Order());
            Assert.Equal(permutation, Permutation(length, seed, epoch));
            if (length > 20)
            {
                Assert.NotEqual(permutation, Permutation(length, seed, epoch + 1));
                Assert.NotEqual(permutation, Permutation(length, seed + 1, epoch));
            }
        });

    [Fact]
    public void All_24_permutations_of_4_are_equally_frequent()
    {
        const int Draws = 24_000;
        Dictionary<string, int> counts = [];
        for (uint epoch = 0; epoch < Draws; epoch++)
        {
            string key = string.Join(',', Permutation(4, 7, epoch));
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        // χ² with 23 degrees of freedom is below 49.7 with probability 0.999; the draws are fixed.
        double chiSquare = counts.Values.Sum(count => (count - 1000.0) * (count - 1000.0) / 1000.0);
        Assert.Equal(24, counts.Count);
        Assert.True(chiSquare < 49.7, $"χ² = {chiSquare:F1}");
    }

    [Fact]
    public void Streams_of_purposes_and_names_differ_and_never_change()
    {
        uint[] streams = [.. from purpose in Enum.GetValues<RandomPurpose>() from name in new[] { "", "fc1", "fc2", "fc1.weight", "dropout1" } select KeyedRandom.Stream(purpose, name)];
        Assert.Equal(streams.Length, streams.Distinct().Count());
        Assert.Equal(0x040C5B8Cu, KeyedRandom.Stream(RandomPurpose.Shuffle, ""));
    }

    [Fact]
    public void Uniform_numbers_are_the_upper_24_bits_of_consecutive_words() =>
        Gen.Select(Gen.Int[0, 150], Gen.ULong, Gen.UInt, Gen.UInt, Gen.UInt).Sample((length, seed, stream, step, place) =>
        {
            float[] numbers = new float[length];
            KeyedRandom.Uniform(seed, stream, step, place, numbers);
            for (int index = 0; index < length; index++)
            {
                Assert.Equal((Word(seed, stream, step, place, index) >> 8) / 16777216f, numbers[index]);
            }
        });

    [Fact]
    public void A_dropout_mask_compares_each_word_with_the_probability_at_every_width() =>
        Gen.Select(Gen.Int[0, 150], Gen.ULong, Gen.UInt, Gen.UInt, Gen.Double[0, 0.999]).Sample((length, seed, step, place, probability) =>
        {
            foreach (VectorUnit unit in VectorUnit.Available())
            {
                float[] scale = new float[length];
                KeyedRandom.DropoutMask(unit, seed, 11, step, place, probability, scale);
                for (int index = 0; index < length; index++)
                {
                    float expected = Word(seed, 11, step, place, index) < Math.Floor(probability * 4294967296.0) ? 0f : (float)(1 / (1 - probability));
                    Assert.Equal(expected, scale[index]);
                }
            }
        });

    [Fact]
    public void A_dropout_mask_keeps_the_mean()
    {
        float[] scale = new float[100_000];
        KeyedRandom.DropoutMask(VectorUnit.Widest, 1, 2, 3, 4, 0.3, scale);
        Assert.Equal(1.0, scale.Average(value => (double)value), 0.01);
        KeyedRandom.DropoutMask(VectorUnit.Widest, 1, 2, 3, 4, 0, scale);
        Assert.All(scale, value => Assert.Equal(1f, value));
    }

    [Fact]
    public void Normal_numbers_have_mean_0_and_deviation_1()
    {
        float[] numbers = new float[100_001];
        KeyedRandom.Normal(5, 6, 0, 0, numbers);
        Assert.Equal(0.0, numbers.Average(value => (double)value), 0.01);
        Assert.Equal(1.0, Math.Sqrt(numbers.Average(value => (double)value * value)), 0.01);
        Assert.Equal(0.6827, numbers.Count(value => Math.Abs(value) < 1) / 100_001.0, 0.005);
    }

    [Fact]
    public void Uniform_doubles_lie_inside_0_and_1()
    {
        double[] numbers = new double[10_001];
        KeyedRandom.Uniform(5, 6, 0, 0, numbers);
        Assert.All(numbers, value => Assert.InRange(value, double.Epsilon, 1 - 1e-17));
        Assert.Equal(0.5, numbers.Average(), 0.01);
    }

    private static int[] Permutation(int length, ulong seed, uint epoch)
    {
        int[] destination = new int[length];
        KeyedRandom.Permutation(seed, RandomPurpose.Shuffle, epoch, destination);
        return destination;
    }

    private static uint Word(ulong seed, uint stream, uint step, uint place, int index)
    {
        Philox.Block(seed, (uint)index / 4, place, step, stream, out uint r0, out uint r1, out uint r2, out uint r3);
        return new[] { r0, r1, r2, r3 }[index % 4];
    }
}
