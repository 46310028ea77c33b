using System.Collections.Immutable;
using CsCheck;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class ShardFoldTests
{
    private const int Floats = 50;

    [Fact]
    public void A_shard_gives_its_smallest_cover_with_the_bits_of_the_direct_tree_and_never_holds_more_than_stated()
    {
        Gen<(int SliceCount, int First, int End, int PassLevel, int Threads, uint Seed)> shards =
            from sliceCount in Gen.Int[1, 70]
            from first in Gen.Int[0, sliceCount - 1]
            from end in Gen.Int[first + 1, sliceCount]
            from passLevel in Gen.Int[0, 4]
            from threads in Gen.Int[1, 2]
            from seed in Gen.UInt
            select (sliceCount, first, end, passLevel, threads, seed);
        shards.Sample(
            shard =>
            {
                using ThreadTeam team = new(shard.Threads, "fold");
                float[][] slices = Slices(shard.SliceCount, shard.Seed);
                GradientPool pool = new(Floats);
                ShardFold fold = new(VectorUnit.Widest, team);
                long most = 0;
                foreach (SliceRange pass in Passes(shard.First, shard.End, 1 << shard.PassLevel))
                {
                    ImmutableArray<SumNode> cover = CanonicalSum.Cover(pass, shard.SliceCount);
                    ShardNode[] nodes = [.. cover.Select(node => new ShardNode(node, Metrics(node, shard.SliceCount), Lease(pool, Direct(slices, node))))];
                    most = Math.Max(most, pool.Outstanding);
                    Array.ForEach(nodes, node => fold.Push(node, shard.SliceCount));
                }

                ImmutableArray<ShardNode> result = fold.Take();

                Assert.Equal(CanonicalSum.Cover(new SliceRange(shard.First, shard.End - shard.First), shard.SliceCount), result.Select(node => node.Node));
                Assert.All(result, node => Assert.Equal(Bits(Direct(slices, node.Node)), Bits(node.Gradient!.Values.ToArray())));
                Assert.All(result, node => Assert.Equal(Metrics(node.Node, shard.SliceCount), node.Metrics));
                Assert.Equal(result.Length, pool.Outstanding);
                Assert.InRange(most, 1, ShardFold.MostLeases(shard.SliceCount));
            },
            iter: 2000);
    }

    [Fact]
    public void Nodes_without_gradients_fold_as_well()
    {
        using ThreadTeam team = new(1, "fold");
        ShardFold fold = new(VectorUnit.Widest, team);
        for (int slice = 0; slice < 5; slice++)
        {
            fold.Push(new ShardNode(new SumNode(0, slice), new NodeMetrics(slice, 1, 1, 0), null), 5);
        }

        ShardNode root = Assert.Single(fold.Take());
        Assert.Equal((new SumNode(3, 0), 10.0), (root.Node, root.Metrics.Loss));
    }

    [Fact]
    public void A_failed_shard_returns_what_was_folded()
    {
        using ThreadTeam team = new(1, "fold");
        GradientPool pool = new(Floats);
        ShardFold fold = new(VectorUnit.Widest, team);
        fold.Push(new ShardNode(new SumNode(0, 1), default, pool.Lease()), 4);
        fold.Push(new ShardNode(new SumNode(0, 2), default, pool.Lease()), 4);
        fold.Drop();
        Assert.Equal(0, pool.Outstanding);
        Assert.Empty(fold.Take());
    }

    [Fact]
    public void The_stated_most_nodes_are_those_of_the_worst_range()
    {
        for (int sliceCount = 1; sliceCount <= 70; sliceCount++)
        {
            int worst = 0;
            for (int first = 0; first < sliceCount; first++)
            {
                for (int end = first + 1; end <= sliceCount; end++)
                {
                    worst = Math.Max(worst, CanonicalSum.Cover(new SliceRange(first, end - first), sliceCount).Length);
                }
            }

            Assert.InRange(worst, 1, CanonicalSum.MostNodes(sliceCount));
            if (int.IsPow2(sliceCount))
            {
                Assert.Equal(worst, CanonicalSum.MostNodes(sliceCount));
            }
        }
    }

    private static IEnumerable<SliceRange> Passes(int first, int end, int length)
    {
        while (first < end)
        {
            int passEnd = Math.Min(end, ((first / length) + 1) * length);
            yield return new SliceRange(first, passEnd - first);
            first = passEnd;
        }
    }

    private static NodeMetrics Metrics(SumNode node, int sliceCount) =>
        CanonicalSum.Fold([.. Enumerable.Range(node.First, node.Slices(sliceCount).Count).Select(slice => new NodeMetrics(slice / 3.0, 1.1 * slice, slice, slice / 2))]);

    private static GradientLease Lease(GradientPool pool, float[] values)
    {
        GradientLease lease = pool.Lease();
        values.CopyTo(lease.Values.Span);
        return lease;
    }

    private static float[] Direct(float[][] slices, SumNode node)
    {
        if (node.Level == 0)
        {
            return slices[node.Index];
        }

        float[] left = Direct(slices, new SumNode(node.Level - 1, node.Index * 2));
        SumNode right = new(node.Level - 1, (node.Index * 2) + 1);
        return right.First >= slices.Length ? left : [.. left.Zip(Direct(slices, right), (a, b) => a + b)];
    }

    private static float[][] Slices(int count, uint seed)
    {
        Random random = new((int)seed);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, Floats).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 5)))).ToArray())];
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
