using DistNet.Protocol;
using Xunit;

namespace DistNet.Plane.Tests;

public sealed class BeatClockTests
{
    [Fact]
    public void What_is_due_is_due_at_the_first_multiple_from_a_moment_on()
    {
        Random random = new(1);
        for (int round = 0; round < 10_000; round++)
        {
            TimeSpan interval = TimeSpan.FromMilliseconds(random.Next(1, 60_001));
            TimeSpan moment = new(random.NextInt64(TimeSpan.FromDays(1000).Ticks));
            TimeSpan first = BeatClock.FirstFrom(moment, interval);
            Assert.Equal(0, first.Ticks % interval.Ticks);
            Assert.InRange(first - moment, TimeSpan.Zero, interval - TimeSpan.FromTicks(1));
            Assert.Equal(first, BeatClock.FirstFrom(first, interval));
        }
    }

    [Fact]
    public async Task A_wait_that_is_given_up_is_cancelled()
    {
        using CancellationTokenSource stop = new();
        Task beat = BeatClock.NextAsync(TimeSpan.FromMinutes(1), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => beat);
    }
}
