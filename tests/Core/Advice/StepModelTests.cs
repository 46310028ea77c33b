using CsCheck;
using DistNet.Advice;
using Xunit;

namespace DistNet.Tests.Advice;

public sealed class StepModelTests
{
    // 16 slices of 32 samples, 1 ms each; 1 MB of parameters.
    private static readonly StepCosts Costs = new()
    {
        Batch = 512,
        Slice = 32,
        TensorBytes = 1_000_000,
        Compute = new CostCurve([new CostPoint(32, 0.001), new CostPoint(512, 0.016)]),
        Crowding = new CostCurve([new CostPoint(1, 1), new CostPoint(2, 1.1), new CostPoint(4, 1.5)]),
        Complete = new CostCurve([new CostPoint(1, 0.002), new CostPoint(2, 0.0015), new CostPoint(4, 0.001)]),
        CompleteOne = 0.001,
        SumNode = 0.0001,
        Exchange = 0.0005,
        ExchangeWorker = 0.0001,
        PlaneBytesPerSecond = 1e9,
        Cores = 4,
    };

    private static readonly NetworkLink Link = new(8e8 / 0.94, 0.0002);

    [Fact]
    public void One_worker_computes_the_whole_batch()
    {
        StepPrediction one = StepModel.OnOneMachine(Costs, 1);

        Assert.Equal(0.016 + 0.0005 + 0.002, one.Seconds, 12);
        Assert.Equal(512 / 0.0185, one.SamplesPerSecond, 6);
        Assert.Equal(1, one.EfficiencyAgainst(one), 12);
    }

    [Fact]
    public void Workers_of_one_machine_share_the_batch_and_crowd_each_other()
    {
        StepPrediction two = StepModel.OnOneMachine(Costs, 2);
        StepPrediction three = StepModel.OnOneMachine(Costs, 3);

        Assert.Equal(0.008 * 1.1, two.Compute, 12);
        Assert.Equal(0.0015, two.Complete, 12);
        Assert.Equal(0.006 * 1.3, three.Compute, 12); // [0, 6) [6, 10) … six slices at the most
        Assert.Equal(0, three.Transfer);
    }

    [Fact]
    public void Machines_share_the_link_of_the_coordinator()
    {
        StepPrediction one = StepModel.OverLink(Costs, Link, 1);
        StepPrediction four = StepModel.OverLink(Costs, Link, 4);

        Assert.Equal(2 * 0.01, one.Transfer, 9); // 1 MB each way at 100 MB/s
        Assert.Equal(8 * 0.01, four.Transfer, 9); // a quarter of the batch is one node
        Assert.Equal(0.004, four.Compute, 12);
        Assert.Equal(0.0005 + (3 * 0.0001) + 0.0004, four.Exchange, 12);
        Assert.Equal(0.001 + (3 * 0.0001), four.Complete, 12);
        Assert.True(four.CommunicationOutweighs);
    }

    [Fact]
    public void A_link_faster_than_the_plane_is_as_fast_as_the_plane_on_the_cores_that_there_are()
    {
        NetworkLink endless = new(1e15, 0);

        Assert.Equal(2 * 0.001, StepModel.OverLink(Costs, endless, 1).Transfer, 9);
        Assert.Equal(4 * 0.001 / 2, StepModel.OverLink(Costs, endless, 2).Transfer, 9);
        Assert.Equal(32 * 0.001 / 4, StepModel.OverLink(Costs, endless, 16).Transfer, 9);
    }

    [Fact]
    public void More_workers_than_slices_wait()
    {
        StepPrediction all = StepModel.OverLink(Costs, Link, 16);
        StepPrediction more = StepModel.OverLink(Costs, Link, 64);

        Assert.Equal(all.Seconds, more.Seconds);
        Assert.Equal(all.SamplesPerSecond, more.SamplesPerSecond);
        Assert.Equal(64, more.Workers);
    }

    [Fact]
    public void The_parts_add_up_and_no_shard_is_smaller_than_a_fair_share() =>
        Gen.Select(Gen.Int[1, 4000], Gen.Int[1, 64], Gen.Int[1, 64]).Sample((batch, slice, workers) =>
        {
            StepCosts costs = Costs with { Batch = batch, Slice = slice, Compute = new CostCurve([new CostPoint(0, 0), new CostPoint(4000, 4000)]) };
            StepPrediction prediction = StepModel.OverLink(costs, Link, workers);
            Assert.Equal(prediction.Seconds, prediction.Compute + prediction.Transfer + prediction.Exchange + prediction.Complete);
            Assert.InRange(prediction.Compute, ((double)batch / workers) - 1e-9, batch);
        });

    [Fact]
    public void A_curve_goes_straight_from_one_measurement_to_the_next_and_stays_outside_them()
    {
        CostCurve curve = new([new CostPoint(4, 30), new CostPoint(1, 10), new CostPoint(2, 20)]);

        Assert.Equal([10, 10, 15, 20, 25, 30, 30], new[] { 0, 1, 1.5, 2, 3, 4, 9 }.Select(curve.At));
        Assert.Equal([1, 2, 4], curve.Points.Select(point => point.At));
    }
}
