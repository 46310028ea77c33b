using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Answers that come second are compared with those that counted.</summary>
public sealed class ProofTests : MachineTest
{
    [Fact]
    public void A_second_answer_that_is_equal_is_counted_as_such()
    {
        (RunEffect.SendShard first, RunEffect.SendShard second) = TwoForTheSame();
        Answer(second, checksum: 7);
        Effects.Clear();
        Answer(first, checksum: 7);
        Assert.Equal((1, 0, 1), (State.Counters.Agreed, State.Counters.Differed, State.Counters.Stale + State.Counters.Second));
        Assert.Empty(Warnings);
    }

    [Fact]
    public void A_late_answer_to_the_completed_step_that_differs_is_reported_with_both_workers()
    {
        (RunEffect.SendShard first, RunEffect.SendShard second) = TwoForTheSame();
        Answer(second, checksum: 7);
        CompleteStep();
        Effects.Clear();
        Answer(first, checksum: 8);
        Assert.Equal(
            "Workers b (b-host) and a (a-host) computed the same, slices [0, 8) of step 0 (Training), and the gradient differ: one of these machines is broken. The answer that came first counts.",
            Assert.Single(Warnings));
        Assert.Equal(1, State.Counters.Differed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_difference_of_gradients_is_told_when_the_step_is_finite_and_never_where_it_is_not(bool finite)
    {
        (RunEffect.SendShard first, RunEffect.SendShard second) = TwoForTheSame();
        Answer(second, checksum: 7);
        Effects.Clear();
        Answer(first, checksum: 8);
        Assert.Empty(Warnings);
        CompleteStep(finite);
        Assert.Equal(finite ? 1 : 0, Warnings.Count(sentence => sentence.Contains("differ", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_difference_of_the_loss_is_told_at_once()
    {
        (RunEffect.SendShard first, RunEffect.SendShard second) = TwoForTheSame();
        Answer(second);
        Effects.Clear();
        Answer(first, loss: 1e-16 * 8 * 2);
        Assert.Contains("the loss or counts differ", Assert.Single(Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Checksums_that_were_not_computed_accuse_nobody()
    {
        (RunEffect.SendShard first, RunEffect.SendShard second) = TwoForTheSame();
        Answer(second, checksum: 7);
        Answer(first, checksum: 0);
        Assert.Equal((1, 0), (State.Counters.Agreed, State.Counters.Differed));
    }

    [Fact]
    public void Metrics_of_different_cuts_are_summed_to_be_compared_and_all_who_took_part_are_named()
    {
        NodeProof One(int level, int index, double loss) => new(new SumNode(level, index), new NodeMetrics(loss, 1 << level, 1 << level, 0), 5);
        AcceptedAnswer By(string name, int first, NodeProof proof) => new(new SliceRange(first, 2), new WorkerId(name), "", null, [proof]);
        ProofComparison same = ProofComparison.Of([By("a", 0, One(1, 0, 2)), By("b", 2, One(1, 1, 3))], [One(2, 0, 5)], 4);
        Assert.Equal((1, null), (same.Compared, same.Difference));
        ProofComparison other = ProofComparison.Of([By("a", 0, One(1, 0, 2)), By("b", 2, One(1, 1, 3))], [One(2, 0, 6)], 4);
        Assert.Equal(["a", "b"], other.Difference!.First.Select(answer => answer.Worker.Name));
        ProofComparison parts = ProofComparison.Of([new(new SliceRange(0, 4), new WorkerId("a"), "", null, [One(2, 0, 5)])], [One(1, 0, 2), One(1, 1, 4)], 4);
        Assert.True(parts.Difference!.InMetrics);
    }

    [Fact]
    public void Names_that_are_no_nodes_and_metrics_that_are_no_numbers_are_borne()
    {
        var nan = new NodeMetrics(double.NaN, 1, 1, 0);
        AcceptedAnswer accepted = new(new SliceRange(0, 1), new WorkerId("a"), "", null, [new NodeProof(new SumNode(0, 0), nan, 0)]);
        NodeProof[] second = [new(new SumNode(0, 0), nan with { Loss = -double.NaN }, 0), new(new SumNode(40, 7), default, 1), new(new SumNode(-1, -5), default, 1), new(new SumNode(0, 99), default, 1)];
        Assert.Equal((1, null), (ProofComparison.Of([accepted], [.. second], 1).Compared, ProofComparison.Of([accepted], [.. second], 1).Difference));
    }

    // A shard of worker a that worker b, who joined when a was suspected, computes too.
    private (RunEffect.SendShard First, RunEffect.SendShard Second) TwoForTheSame()
    {
        State = RunState.Start(Defined(nonFinite: NonFinitePolicy.Skip), new());
        Take(new RunInput.Begin());
        Join("a", beats: true);
        RunEffect.SendShard first = Assert.Single(Sent());
        Tick(RunLimits.SuspectAfterMs);
        Tick(RunLimits.TickMs);
        Effects.Clear();
        Join("b", beats: true);
        RunEffect.SendShard second = Assert.Single(Sent());
        Assert.Equal(first.Work.Slices, second.Work.Slices);
        return (first, second);
    }
}
