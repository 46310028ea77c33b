using System.Diagnostics;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class StepTimesTests
{
    [Fact]
    public void The_parts_of_a_step_add_up_to_its_wall_clock()
    {
        StepTimes times = new();
        long ready = 0;
        for (int warmUp = 0; warmUp < 10; warmUp++)
        {
            ready = Step(times, []);
        }

        Step(times, [0.25, 0.125]);
        double wallMs = (Step(times, [0.25, 0.5, 0.0625]) - ready) * 1000.0 / Stopwatch.Frequency;

        Assert.Equal(2, times.Steps);
        Assert.Equal(wallMs, Enum.GetValues<StepPart>().Sum(times.MeanMs) * 2, 6);
        Assert.Equal((125 + 62.5) / 2, times.MeanMs(StepPart.Compute), 3);
        Assert.True(times.MeanMs(StepPart.Exchange) < 0, "Computations that are longer than the step can only be the test's.");
        Assert.Equal(1000.0 * 3 / Stopwatch.Frequency, times.MeanMs(StepPart.Update), 6);
        Assert.InRange(times.MeanWaitMs, 0, wallMs);
    }

    [Fact]
    public void What_is_allocated_between_steps_does_not_count()
    {
        StepTimes times = new();
        for (int step = 0; step < 20; step++)
        {
            Step(times, [0.25]);
            times.Forget();
            GC.KeepAlive(new byte[1 << 24]);
        }

        Assert.Equal(10, times.Steps);
        Assert.InRange(times.MeanAllocatedBytes, 0, 1 << 23);
    }

    [Fact]
    public void A_step_whose_shards_are_sent_ahead_begins_when_its_parameters_are_ready()
    {
        StepTimes times = new();
        for (int warmUp = 0; warmUp < 10; warmUp++)
        {
            Step(times, []);
        }

        times.Sent();
        times.Answered(0);
        times.Completes();
        times.Sent();
        long ready = Stopwatch.GetTimestamp();
        times.Numeric(ready, ready, ready);
        times.Updated();
        double before = Enum.GetValues<StepPart>().Sum(times.MeanMs);
        times.Answered(0);
        times.Completes();
        long end = Stopwatch.GetTimestamp();
        times.Numeric(end, end, end);
        times.Updated();

        double second = (Enum.GetValues<StepPart>().Sum(times.MeanMs) * 2) - before;
        Assert.Equal(2, times.Steps);
        Assert.Equal((end - ready) * 1000.0 / Stopwatch.Frequency, second, 6);
    }

    [Fact]
    public void A_step_that_is_not_completed_is_not_measured()
    {
        StepTimes times = new();
        for (int step = 0; step < 30; step++)
        {
            times.Sent();
            times.Answered(1);
            times.Forget();
            times.Completes();
            times.Updated();
        }

        Assert.Equal(0, times.Steps);
        Assert.Equal(0, times.MeanMs(StepPart.Compute));
        Assert.Equal(0, times.MeanWaitMs);
    }

    [Fact]
    public void A_step_without_an_answer_is_not_measured()
    {
        StepTimes times = new();
        for (int step = 0; step < 30; step++)
        {
            times.Sent();
            times.Completes();
            times.Updated();
        }

        Assert.Equal(0, times.Steps);
    }

    // One step of the coordinator's life, by the computations of its workers; the next one's shards are sent ahead. Returns when its parameters are new.
    private static long Step(StepTimes times, double[] seconds)
    {
        times.Sent();
        times.Sent();
        if (seconds.Length == 0)
        {
            times.Answered(0);
        }

        foreach (double one in seconds)
        {
            times.Answered(one);
        }

        times.Completes();
        times.Sent();
        long now = Stopwatch.GetTimestamp();
        times.Numeric(now - 8, now - 3, now);
        times.Updated();
        return now;
    }
}
