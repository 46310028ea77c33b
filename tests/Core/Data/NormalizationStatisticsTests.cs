using CsCheck;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Data;

public sealed class NormalizationStatisticsTests
{
    [Fact]
    public void Statistics_are_those_of_the_documented_tree_bit_for_bit() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[1, 5], Gen.Int[1, 4], Gen.Int[1, 400], Gen.Int, Gen.Bool).Sample(
            (channels, height, width, count, seed, feature) =>
            {
                Shape shape = new(channels, height, width);
                Random random = new(seed);
                float[] inputs = [.. Enumerable.Range(0, count * shape.Length).Select(_ => (float)((random.NextDouble() * 3) - 1))];
                int[] samples = [.. Enumerable.Range(0, count).Where(i => i == 0 || random.Next(3) > 0)];
                NormalizeMode mode = feature ? NormalizeMode.Feature : NormalizeMode.Channel;
                NormalizationStatistics found = NormalizationStatistics.Of(new DataSplit(new FloatDataset(shape, inputs, SampleLabels.None), samples), mode)!;
                int perChannel = feature ? 1 : height * width;
                double[] means = Channels(f => Tree(samples, i => inputs[(i * shape.Length) + f]), shape.Length, perChannel, samples.Length);
                double[] variances = Channels(
                    f => Tree(samples, i => (inputs[(i * shape.Length) + f] - means[f / perChannel]) * (inputs[(i * shape.Length) + f] - means[f / perChannel])),
                    shape.Length,
                    perChannel,
                    samples.Length);
                Assert.Equal(means.Select(value => (float)value), found.Mean);
                Assert.Equal(variances.Select(value => (float)Math.Sqrt(value)), found.Deviation);
            },
            iter: 60);

    [Fact]
    public void Bytes_and_floats_of_the_same_values_have_the_same_statistics() => Gen.Select(Gen.Int[1, 70], Gen.Int[1, 100], Gen.Int).Sample(
        (features, count, seed) =>
        {
            byte[] bytes = new byte[features * count];
            new Random(seed).NextBytes(bytes);
            DataSplit narrow = DataSplit.All(new ByteDataset(new Shape(features), bytes, SampleLabels.None));
            DataSplit wide = DataSplit.All(new FloatDataset(new Shape(features), [.. bytes.Select(value => (float)value)], SampleLabels.None));
            Assert.Equal(DataFileMaker.Inputs(wide.Data), DataFileMaker.Inputs(narrow.Data));
            foreach (NormalizeMode mode in new[] { NormalizeMode.Feature, NormalizeMode.Channel })
            {
                Assert.Equal(NormalizationStatistics.Of(wide, mode), NormalizationStatistics.Of(narrow, mode));
            }
        },
        iter: 60);

    [Fact]
    public void One_sample_is_held_at_a_time_however_large_it_is()
    {
        const int Features = 100_000;
        DataSplit split = DataSplit.All(new ByteDataset(new Shape(Features), new byte[2 * Features], SampleLabels.None));
        long before = GC.GetAllocatedBytesForCurrentThread();
        NormalizationStatistics.Of(split, NormalizeMode.Feature);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * Features);
    }

    [Fact]
    public void A_known_case_has_the_population_deviation()
    {
        DataSplit split = DataSplit.All(new FloatDataset(new Shape(2), [1, 5, 3, 5, 5, 5, 7, 5], SampleLabels.None));
        NormalizationStatistics feature = NormalizationStatistics.Of(split, NormalizeMode.Feature)!;
        Assert.Equal([4, 5], feature.Mean);
        Assert.Equal([MathF.Sqrt(5), 0], feature.Deviation);
        NormalizationStatistics channel = NormalizationStatistics.Of(split, NormalizeMode.Channel)!;
        Assert.Equal([4.5f], channel.Mean);
        Assert.Equal([(float)Math.Sqrt(2.75)], channel.Deviation);
        Assert.Null(NormalizationStatistics.Of(split, NormalizeMode.None));
    }

    private static double[] Channels(Func<int, double> sumOfFeature, int features, int perChannel, int samples) =>
        [.. Enumerable.Range(0, features / perChannel).Select(channel =>
            Enumerable.Range(channel * perChannel, perChannel).Aggregate(0.0, (sum, f) => sum + sumOfFeature(f)) / ((double)samples * perChannel))];

    // The tree by its definition: a node whose right half is empty is its left half.
    private static double Tree(int[] samples, Func<int, double> value)
    {
        double[] leaves = [.. samples.Chunk(32).Select(leaf => leaf.Aggregate(0.0, (sum, i) => sum + value(i)))];
        double Node(int level, int index) => level == 0
            ? leaves[index]
            : ((2 * index) + 1) << (level - 1) < leaves.Length ? Node(level - 1, 2 * index) + Node(level - 1, (2 * index) + 1) : Node(level - 1, 2 * index);
        return Node(20, 0);
    }
}
