using CsCheck;
using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>How slices are cut into shards.</summary>
public sealed class ShardPlannerTests
{
    private static readonly Gen<double[]> Speeds = Gen.Double[0.01, 1000].Array[1, 40];

    [Fact]
    public void Parts_of_one_range_are_consecutive_cover_it_and_go_to_different_workers() => Speeds.SelectMany(speeds => Gen.Int[1, 300].Select(slices => (speeds, slices)))
        .Sample(drawn =>
        {
            (double[] speeds, int slices) = drawn;
            var parts = ShardPlanner.Plan([new SliceRange(0, slices)], speeds, slices);
            int next = 0;
            foreach (ShardPlanner.Part part in parts)
            {
                Assert.Equal(next, part.Slices.First);
                Assert.True(part.Slices.Count > 0);
                next = part.Slices.End;
            }

            Assert.Equal(slices, next);
            Assert.Equal(parts.Length, parts.Select(part => part.Worker).Distinct().Count());
        });

    [Fact]
    public void Parts_of_several_ranges_lie_inside_them() => Speeds.SelectMany(speeds => Gen.Int[1, 20].Array[2, 12].Select(lengths => (speeds, lengths)))
        .Sample(drawn =>
        {
            (double[] speeds, int[] lengths) = drawn;
            var ranges = new List<SliceRange>();
            int at = 0;
            for (int i = 0; i < lengths.Length; i++)
            {
                if (i % 2 == 1)
                {
                    ranges.Add(new SliceRange(at, lengths[i]));
                }

                at += lengths[i];
            }

            var parts = ShardPlanner.Plan(ranges.ToArray(), speeds, at);
            Assert.NotEmpty(parts);
            Assert.All(parts, part => Assert.Contains(ranges, range => range.First <= part.Slices.First && part.Slices.End <= range.End));
            Assert.Equal(parts.Length, parts.Select(part => part.Worker).Distinct().Count());
            var covered = parts.SelectMany(part => Enumerable.Range(part.Slices.First, part.Slices.Count)).ToList();
            Assert.Equal(covered.Count, covered.Distinct().Count());
        });

    [Fact]
    public void Where_there_are_slices_enough_equal_workers_all_get_some_and_none_gets_much_more()
    {
        for (int workers = 1; workers <= 16; workers++)
        {
            double[] speeds = Enumerable.Repeat(7.0, workers).ToArray();
            for (int slices = workers; slices <= 200; slices++)
            {
                var parts = ShardPlanner.Plan([new SliceRange(0, slices)], speeds, slices);
                Assert.Equal(workers, parts.Length);
                int fair = (slices + workers - 1) / workers;
                Assert.True(parts.Max(part => part.Slices.Count) <= fair + 1 + (fair / 8), $"{workers} workers, {slices} slices");
            }
        }
    }

    [Theory]
    [InlineData(41, 8)]
    [InlineData(41, 5)]
    [InlineData(41, 3)]
    [InlineData(16, 3)]
    [InlineData(128, 6)]
    [InlineData(1000, 7)]
    public void A_shard_needs_two_nodes_as_a_rule(int slices, int workers)
    {
        var parts = ShardPlanner.Plan([new SliceRange(0, slices)], Enumerable.Repeat(1.0, workers).ToArray(), slices);
        double nodes = parts.Average(part => ShardPlanner.NodeCount(part.Slices.First, part.Slices.End, slices));
        Assert.True(nodes <= 3.2, $"{nodes} nodes: {string.Join(", ", parts.Select(part => part.Slices))}");
        Assert.Equal(parts.Length, workers);
    }

    [Fact]
    public void Shards_follow_the_speeds()
    {
        var parts = ShardPlanner.Plan([new SliceRange(0, 400)], [1, 2, 5], 400);
        Assert.Equal([50, 100, 250], parts.Select(part => part.Slices.Count), (expected, actual) => Math.Abs(expected - actual) <= 2 * RunLimits.EndWindow);
    }

    [Fact]
    public void A_worker_far_too_slow_for_one_slice_gets_none()
    {
        var parts = ShardPlanner.Plan([new SliceRange(0, 10)], [100, 0.1, 100], 10);
        Assert.Equal([0, 2], parts.Select(part => part.Worker));
    }

    [Fact]
    public void The_count_of_nodes_is_that_of_the_smallest_cover()
    {
        for (int slices = 1; slices <= 40; slices++)
        {
            for (int first = 0; first < slices; first++)
            {
                for (int end = first + 1; end <= slices; end++)
                {
                    Assert.Equal(CanonicalSum.Cover(new SliceRange(first, end - first), slices).Length, ShardPlanner.NodeCount(first, end, slices));
                }
            }
        }
    }
}
