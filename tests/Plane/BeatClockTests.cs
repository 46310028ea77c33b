using DistNet.Protocol.Plane;
using Xunit;

namespace DistNet.Plane.Tests;

public sealed class BeatClockTests
{
    [Fact]
    public void The_next_beat_is_a_multiple_of_the_interval_and_neither_at_once_nor_late()
    {
        Random random = new(1);
        for (int round = 0; round < 10_000; round++)
        {
            TimeSpan interval = TimeSpan.FromMilliseconds(random.Next(1, 60_001));
            TimeSpan now = new(random.NextInt64(TimeSpan.FromDays(1000).Ticks));
            TimeSpan until = BeatClock.UntilNext(now, interval);
            Assert.Equal(0, (now + until).Ticks % interval.Ticks);
            Assert.InRange(until / interval, 0.5, 1.5);
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
