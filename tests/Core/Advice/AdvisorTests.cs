using System.Collections.Immutable;
using DistNet.Advice;
using Xunit;

namespace DistNet.Tests.Advice;

public sealed class AdvisorTests
{
    private static readonly StepCosts Costs = new()
    {
        Batch = 512,
        Slice = 32,
        TensorBytes = 1_000_000,
        Compute = new CostCurve([new CostPoint(32, 0.010), new CostPoint(512, 0.160)]),
        Crowding = new CostCurve([new CostPoint(1, 1)]),
        Complete = new CostCurve([new CostPoint(1, 0.001)]),
        CompleteOne = 0.001,
        SumNode = 0,
        Exchange = 0.0005,
        ExchangeWorker = 0,
        PlaneBytesPerSecond = 1e12,
        Cores = 8,
    };

    private static readonly NetworkLink Endless = new(1e15, 0);

    [Fact]
    public void The_most_workers_that_are_each_worth_their_while_are_recommended()
    {
        Recommendation advice = OverLink(Costs, Endless, 64);

        Assert.Equal(16, advice.Workers);
        Assert.Equal("More than 16 would not be worth their while: with 21, the batch has only 16 slices of 32 samples to give out, one to a worker at the least; a larger training.batch would help.", advice.Sentence);
        Assert.InRange(advice.SamplesPerSecond, 44_500, 512 / 0.0115);
    }

    [Fact]
    public void Of_numbers_that_are_as_fast_the_smallest_is_recommended()
    {
        // Eight have two slices each; nine to fifteen have one or two, and the step is no shorter.
        Recommendation advice = OverLink(Costs, Endless, 15);

        Assert.Equal(8, advice.Workers);
        Assert.StartsWith("More than 8 would not be worth their while: with 11, the largest shard takes ", advice.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_all_are_worth_their_while_it_says_so()
    {
        Recommendation advice = OverLink(Costs, Endless, 4);

        Assert.Equal(4, advice.Workers);
        Assert.Equal("Up to 4, as many as were looked at, each is worth its while.", advice.Sentence);
    }

    [Theory]
    [InlineData(1e8, 0.0005, 0.001, "a faster link or a larger training.batch")]
    [InlineData(1e15, 0.1, 0.001, "messages and wake-ups")]
    [InlineData(1e15, 0.0005, 0.1, "sum and update")]
    public void What_takes_most_names_what_would_help(double bitsPerSecond, double exchange, double complete, string words)
    {
        Recommendation advice = OverLink(Costs with { Exchange = exchange, CompleteOne = complete }, new NetworkLink(bitsPerSecond, 0), 8);

        Assert.InRange(advice.Workers, 0, 7);
        Assert.Contains(words, advice.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_takes_more_than_a_worker_brings_leaves_none()
    {
        Recommendation advice = OverLink(Costs, new NetworkLink(1e7, 0), 8);

        Assert.Equal(0, advice.Workers);
        Assert.True(double.IsNaN(advice.SamplesPerSecond));
        Assert.StartsWith("Not even one would be worth its while: with 1, ", advice.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Cores_that_slow_each_other_down_are_named()
    {
        StepCosts costs = Costs with { Crowding = new CostCurve([new CostPoint(1, 1), new CostPoint(2, 1.9)]) };
        ImmutableArray<StepPrediction> predictions = [.. Enumerable.Range(1, 2).Select(workers => StepModel.OnOneMachine(costs, workers))];

        Recommendation advice = Advisor.Recommend(costs, predictions[0], predictions);

        Assert.Equal(1, advice.Workers);
        Assert.Contains("152.00 ms where an even share would take 80.00 ms", advice.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.0, 1.0, 10_000, false)] // as long is not longer
    [InlineData(1.0, 1.1, 10_000, true)]
    [InlineData(0.1, 1.1, 900, false)] // less than a second in all
    [InlineData(0.1, 1.1, 1_000, true)]
    [InlineData(0, 0, 0, false)]
    public void A_run_that_talked_longer_than_it_computed_is_told_so(double computeMs, double communicationMs, long steps, bool warned) =>
        Assert.Equal(warned, CommunicationRule.Warning(computeMs, communicationMs, steps, batch: 64, workers: 2) is not null);

    [Fact]
    public void The_warning_says_what_was_measured_and_what_would_help()
    {
        Assert.Equal(
            "communication outweighs computing: of each step 1.25 ms went to messages and transfers and 0.50 ms to computing (means of 12,000 steps of 64 samples, 2 workers); "
            + "a larger training.batch, fewer workers or, between machines, a faster link would help, and 'distnet bench' predicts by how much",
            CommunicationRule.Warning(0.5, 1.25, 12_000, 64, 2));
        Assert.Contains("1 worker); a larger training.batch or, between machines,", CommunicationRule.Warning(0.5, 1.25, 12_000, 64, 1), StringComparison.Ordinal);
    }

    private static Recommendation OverLink(StepCosts costs, NetworkLink link, int most)
    {
        ImmutableArray<StepPrediction> predictions = [.. Enumerable.Range(1, most).Select(workers => StepModel.OverLink(costs, link, workers))];
        return Advisor.Recommend(costs, StepModel.OnOneMachine(costs, 1), predictions);
    }
}
