using CsCheck;
using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Runs;

public sealed class CanonicalSumTests
{
    private static readonly Gen<(int SliceCount, int[] Cuts, uint Seed)> Splits =
        from sliceCount in Gen.Int[1, 70]
        from cuts in Gen.Int[0, sliceCount].Array[0, 8]
        from seed in Gen.UInt
        select (sliceCount, cuts, seed);

    [Fact]
    public void Any_split_into_shards_folds_to_the_bits_of_the_direct_tree()
    {
        Splits.Sample(split =>
        {
            float[] slices = OrderSensitive(split.SliceCount, split.Seed);
            SumNode[] nodes = Shuffle(CoverShards(split.SliceCount, split.Cuts), split.Seed);
            float[] values = [.. nodes.Select(node => Direct(slices, node))];

            float root = CanonicalSum.Fold<float>(nodes, values, split.SliceCount, (left, right) => left + right);

            Assert.Equal(BitConverter.SingleToInt32Bits(Direct(slices, new SumNode(7, 0))), BitConverter.SingleToInt32Bits(root));
            Assert.True(CanonicalSum.IsDisjointCover(nodes, split.SliceCount));
        });
    }

    [Fact]
    public void Metrics_fold_to_the_same_bits_for_any_split_and_any_order()
    {
        Splits.Sample(split =>
        {
            float[] slices = OrderSensitive(split.SliceCount, split.Seed);
            NodeMetrics[] metrics = [.. slices.Select((value, i) => new NodeMetrics(value / 3.0, 1.1 * i, i, i / 2))];
            SumNode[] nodes = Shuffle(CoverShards(split.SliceCount, split.Cuts), split.Seed);
            NodeMetrics[] values = [.. nodes.Select(node => CanonicalSum.Fold(metrics.AsSpan(node.First, node.Slices(split.SliceCount).Count)))];

            Assert.Equal(CanonicalSum.Fold(metrics), CanonicalSum.Fold(nodes, values, split.SliceCount));
        });
    }

    [Fact]
    public void The_order_of_a_plain_sum_would_give_other_bits()
    {
        int differ = Enumerable.Range(0, 100).Count(seed =>
        {
            float[] slices = OrderSensitive(70, (uint)seed);
            return slices.Aggregate((a, b) => a + b) != Direct(slices, new SumNode(7, 0));
        });
        Assert.InRange(differ, 30, 100);
    }

    [Fact]
    public void A_cover_is_exact_ordered_and_the_smallest_for_every_range()
    {
        for (int sliceCount = 1; sliceCount <= 20; sliceCount++)
        {
            for (int first = 0; first < sliceCount; first++)
            {
                for (int end = first; end <= sliceCount; end++)
                {
                    SliceRange range = new(first, end - first);
                    var cover = CanonicalSum.Cover(range, sliceCount);

                    Assert.True(CanonicalSum.IsDisjointCover(cover.AsSpan(), range, sliceCount));
                    Assert.Equal(cover.OrderBy(node => node.First), cover);
                    Assert.Equal(Smallest(first, end, sliceCount), cover.Length);
                    Assert.All(cover, node => Assert.Equal(CanonicalSum.Reduce(node, sliceCount), node));
                }
            }
        }
    }

    [Fact]
    public void A_node_may_be_cut_at_the_batchs_end()
    {
        Assert.Equal([new SumNode(2, 2)], CanonicalSum.Cover(new SliceRange(8, 3), 11));
        Assert.Equal([new SumNode(4, 0)], CanonicalSum.Cover(new SliceRange(0, 11), 11));
        Assert.Equal([new SumNode(0, 10)], CanonicalSum.Cover(new SliceRange(10, 1), 11));
        Assert.Equal([new SumNode(3, 0), new SumNode(1, 4)], CanonicalSum.Cover(new SliceRange(0, 10), 11));
        Assert.Empty(CanonicalSum.Cover(new SliceRange(3, 0), 11));
    }

    [Fact]
    public void A_node_whose_right_half_is_empty_is_its_left_half()
    {
        Assert.Equal(new SumNode(2, 2), CanonicalSum.Reduce(new SumNode(3, 1), 11));
        Assert.Equal(new SumNode(0, 0), CanonicalSum.Reduce(new SumNode(30, 0), 1));

        float[] values = [1f, 1e8f, -1e8f];
        float lowest = CanonicalSum.Fold<float>([new(1, 4), new(0, 10), new(3, 0)], values, 11, (a, b) => a + b);
        float highest = CanonicalSum.Fold<float>([new(1, 4), new(1, 5), new(3, 0)], values, 11, (a, b) => a + b);
        Assert.Equal(lowest, highest);
        Assert.Equal(-1e8f + (1f + 1e8f), lowest);
    }

    [Fact]
    public void What_is_no_disjoint_cover_is_told_apart()
    {
        Assert.True(CanonicalSum.IsDisjointCover([new(1, 1), new(1, 0)], 4));
        Assert.True(CanonicalSum.IsDisjointCover([new(5, 0)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([], 1));
        Assert.False(CanonicalSum.IsDisjointCover([new(1, 0)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(1, 0), new(1, 0)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(1, 0), new(1, 1), new(0, 3)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(2, 0), new(2, 1)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(-1, 0)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(40, 0)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(2, -1)], 4));
        Assert.False(CanonicalSum.IsDisjointCover([new(30, int.MaxValue)], 4));
        Assert.Throws<InvalidOperationException>(() => CanonicalSum.Fold<int>([new(1, 0)], [1], 4, (a, b) => a + b));
        Assert.Throws<InvalidOperationException>(() => CanonicalSum.Fold<int>([new(1, 0), new(1, 0)], [1, 1], 4, (a, b) => a + b));
    }

    [Fact]
    public void The_largest_batch_is_covered_by_one_node()
    {
        int most = CanonicalSum.MaximumSlices;
        Assert.Equal([new SumNode(30, 0)], CanonicalSum.Cover(new SliceRange(0, most), most));
        Assert.Equal([new SumNode(30, 0)], CanonicalSum.Cover(new SliceRange(0, most - 1), most - 1));
        Assert.True(CanonicalSum.IsDisjointCover([new(29, 0), new(29, 1)], most));
    }

    private static SumNode[] CoverShards(int sliceCount, int[] cuts)
    {
        List<SumNode> nodes = [];
        int first = 0;
        foreach (int end in cuts.Append(sliceCount).Order())
        {
            nodes.AddRange(CanonicalSum.Cover(new SliceRange(first, end - first), sliceCount));
            first = end;
        }

        return [.. nodes];
    }

    private static float Direct(float[] slices, SumNode node)
    {
        if (node.Level == 0)
        {
            return slices[node.Index];
        }

        SumNode right = new(node.Level - 1, (node.Index * 2) + 1);
        float left = Direct(slices, new SumNode(node.Level - 1, node.Index * 2));
        return right.First >= slices.Length ? left : left + Direct(slices, right);
    }

    // The fewest aligned, cut nodes that tile [first, end), by trying all.
    private static int Smallest(int first, int end, int sliceCount)
    {
        if (first == end)
        {
            return 0;
        }

        int best = int.MaxValue;
        for (int level = 0; level <= 5 && first % (1 << level) == 0; level++)
        {
            int last = Math.Min(first + (1 << level), sliceCount);
            if (last <= end)
            {
                best = Math.Min(best, 1 + Smallest(last, end, sliceCount));
            }
        }

        return best;
    }

    private static float[] OrderSensitive(int count, uint seed)
    {
        Random random = new((int)seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 5))))];
    }

    private static SumNode[] Shuffle(SumNode[] nodes, uint seed)
    {
        new Random((int)seed).Shuffle(nodes);
        return nodes;
    }
}
