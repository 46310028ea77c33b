using CsCheck;
using DistNet.Coordinator;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Training;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>Merging early changes no bit and loses no lease, whatever the cover, the order of arrival and the moments of merging.</summary>
public sealed class StepSumTests
{
    private readonly GradientPool pool = new(ExactSum.Floats);

    [Fact]
    public void Any_cover_in_any_order_merged_at_any_moments_gives_the_digest_of_one_node()
    {
        long merges = 0;
        Gen.Select(Gen.Int[1, 70], Gen.ULong, Gen.OneOf(Gen.Const(1000), Gen.Int[0, 999])).Sample(
            (slices, seed, patience) =>
            {
                var random = new Random((int)seed);
                RunDefinition definition = Definition(slices);
                var run = new ExactRun(definition);
                var sum = new StepSum(run);
                foreach (List<ShardNode> answer in Answers(run, slices, random))
                {
                    bool met = sum.Accept(answer, slices);
                    if (patience == 1000)
                    {
                        // Merged as soon as siblings meet: nothing is left where none have.
                        sum.Absorb();
                        Assert.Equal(met, sum.MergeNext());
                        while (sum.MergeNext())
                        {
                        }
                    }
                    else if (random.Next(1000) < patience)
                    {
                        sum.Absorb();
                        for (int merge = random.Next(8); merge > 0 && sum.MergeNext(); merge--)
                        {
                        }
                    }
                }

                List<ShardNode> left = sum.Take();
                run.CompleteStep(0, [.. left]);
                Leases.Return(left);
                merges += sum.Merges;
                run.EndTraining();
                Assert.Equal(ExactRun.Undisturbed(definition), run.Digest);
                Assert.Equal(0, pool.Outstanding);
            },
            iter: 2_000,
            threads: 1);
        Assert.True(merges > 0);
    }

    [Fact]
    public void Merged_as_far_as_possible_a_whole_cover_is_one_node()
    {
        for (int slices = 1; slices <= 40; slices++)
        {
            var run = new ExactRun(Definition(slices));
            var sum = new StepSum(run);
            foreach (List<ShardNode> answer in Answers(run, slices, new Random(slices)))
            {
                sum.Accept(answer, slices);
                sum.Absorb();
                while (sum.MergeNext())
                {
                }
            }

            ShardNode root = Assert.Single(sum.Take());
            Assert.Equal(new SliceRange(0, slices), root.Node.Slices(slices));
            root.Gradient!.Return();
            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Fact]
    public void What_is_abandoned_returns_all_leases_and_does_not_count_in_the_next_phase()
    {
        var run = new ExactRun(Definition(21));
        var sum = new StepSum(run);
        foreach (List<ShardNode> answer in Answers(run, 21, new Random(1)))
        {
            sum.Accept(answer, 21);
            sum.Absorb();
            sum.MergeNext();
        }

        sum.Abandon();
        foreach (List<ShardNode> answer in Answers(run, 21, new Random(2)))
        {
            sum.Accept(answer, 21);
        }

        List<ShardNode> left = sum.Take();
        Assert.True(run.CompleteStep(0, [.. left]).Finite);
        Leases.Return(left);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Nodes_without_gradients_are_kept_as_they_came()
    {
        var sum = new StepSum(new ExactRun(Definition(2)));
        sum.Accept([new ShardNode(new SumNode(0, 0), default, null), new ShardNode(new SumNode(0, 1), default, null)], 2);
        sum.Absorb();
        Assert.False(sum.MergeNext());
        Assert.Equal(2, sum.Take().Count);
    }

    [Fact]
    public void A_sibling_is_the_other_half_of_the_node_above_for_every_node_of_every_small_batch()
    {
        for (int slices = 1; slices <= 33; slices++)
        {
            for (int first = 0; first < slices; first++)
            {
                for (int level = 0; first % (1 << level) == 0 && level <= 6; level++)
                {
                    SumNode node = CanonicalSum.Reduce(new SumNode(level, first >> level), slices);
                    SliceRange its = node.Slices(slices);
                    bool found = CanonicalSum.TrySibling(node, slices, out SumNode sibling, out SumNode parent);
                    Assert.Equal(its.Count < slices, found);
                    if (found)
                    {
                        SliceRange other = sibling.Slices(slices);
                        SliceRange both = parent.Slices(slices);
                        Assert.Equal((CanonicalSum.Reduce(sibling, slices), CanonicalSum.Reduce(parent, slices)), (sibling, parent));
                        Assert.Equal(both, new SliceRange(Math.Min(its.First, other.First), its.Count + other.Count));
                        Assert.True(CanonicalSum.IsDisjointCover([node, sibling], both, slices));
                    }
                }
            }
        }
    }

    private static RunDefinition Definition(int slices) => new()
    {
        Run = RunId.Create(),
        Plan = new TrainingPlan(slices * 3, slices * 3, 3, 1),
    };

    // Answers of shards with random ends, in random order.
    private List<List<ShardNode>> Answers(ExactRun run, int slices, Random random)
    {
        var answers = new List<List<ShardNode>>();
        for (int first = 0; first < slices;)
        {
            int count = random.Next(1, Math.Min(slices - first, 12) + 1);
            var work = new ShardWork(RunPhase.Training, 0, 0, 0, new SliceRange(first, count), slices, slices * 3);
            answers.Add([.. new ExactComputer().Compute(work, run.Parameters, pool).Nodes]);
            first += count;
        }

        List<ShardNode>[] shuffled = [.. answers];
        random.Shuffle(shuffled);
        return [.. shuffled];
    }
}
