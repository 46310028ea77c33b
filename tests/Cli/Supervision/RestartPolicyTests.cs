using CsCheck;
using DistNet.Cli.Supervision;
using Xunit;

namespace DistNet.Cli.Tests.Supervision;

public sealed class RestartPolicyTests
{
    [Fact]
    public void Deaths_without_progress_are_answered_with_growing_pauses_and_then_no_more()
    {
        var policy = new RestartPolicy(4);

        double?[] pauses = [.. Enumerable.Range(0, 5).Select(_ => policy.Died(7)?.TotalMilliseconds)];

        Assert.Equal([0, 100, 200, 400, null], pauses);
        Assert.Equal(4, policy.Restarts);
        Assert.Equal(5, policy.DeathsInARow);
    }

    [Fact]
    public void Progress_between_deaths_begins_the_count_anew_whatever_came_before() => Gen.Long[0, 5].Array[1, 60].Sample(gains =>
    {
        var policy = new RestartPolicy(3);
        long step = 0;
        int withoutProgress = 0;
        foreach (long gain in gains)
        {
            step += gain;
            withoutProgress = gain > 0 || policy.DeathsInARow == 0 ? 1 : withoutProgress + 1;
            TimeSpan? pause = policy.Died(step);
            Assert.Equal(withoutProgress, policy.DeathsInARow);
            Assert.Equal(withoutProgress <= 3, pause is not null);
            Assert.True(withoutProgress > 1 || pause == TimeSpan.Zero);
        }
    });

    [Fact]
    public void A_step_that_was_reached_before_is_no_progress()
    {
        var policy = new RestartPolicy(9);
        policy.Died(10);
        policy.Died(4);
        policy.Died(10);
        Assert.Equal(3, policy.DeathsInARow);
    }

    [Fact]
    public void No_pause_is_longer_than_five_seconds()
    {
        var policy = new RestartPolicy(int.MaxValue);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.InRange(policy.Died(0)!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(5)));
        Assert.Equal(TimeSpan.FromSeconds(5), policy.Died(0));
    }
}
