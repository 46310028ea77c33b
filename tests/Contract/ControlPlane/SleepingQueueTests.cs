using System.Collections.Concurrent;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Nothing that waits for a thread is lost or waits for ever, whoever comes first.</summary>
public sealed class SleepingQueueTests
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    [Fact]
    public void Two_threads_that_wake_each_other_in_turns_never_miss_a_wake_up()
    {
        const int Rounds = 20_000;
        SleepingQueue<int> there = new(), back = new();
        Thread echo = new(() =>
        {
            while (there.TryTake(out int item))
            {
                back.TryAdd(item);
            }

            back.Close(drop: false);
        }) { IsBackground = true };
        List<int> answered = [];
        Thread asking = new(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                there.TryAdd(round);
                Assert.True(back.TryTake(out int answer));
                answered.Add(answer);
            }

            there.Close(drop: false);
        }) { IsBackground = true };
        echo.Start();
        asking.Start();
        Assert.True(asking.Join(Most) && echo.Join(Most), $"the threads sleep for ever after {answered.Count} rounds");
        Assert.Equal(Enumerable.Range(0, Rounds), answered);
    }

    [Fact]
    public void What_several_threads_add_is_taken_once_and_in_the_order_of_each()
    {
        const int Adders = 3, Items = 5_000;
        SleepingQueue<(int Adder, int Item)> queue = new();
        ConcurrentQueue<(int Adder, int Item)> taken = new();
        Thread taker = new(() =>
        {
            while (queue.TryTake(out (int Adder, int Item) item))
            {
                taken.Enqueue(item);
            }
        }) { IsBackground = true };
        taker.Start();
        Thread[] adders = [.. Enumerable.Range(0, Adders).Select(adder => new Thread(() =>
        {
            for (int item = 0; item < Items; item++)
            {
                Assert.True(queue.TryAdd((adder, item)));
            }
        }) { IsBackground = true })];
        Array.ForEach(adders, adder => adder.Start());
        Array.ForEach(adders, adder => Assert.True(adder.Join(Most)));
        queue.Close(drop: false);
        Assert.True(taker.Join(Most), "the taker sleeps for ever");
        Assert.False(queue.TryAdd((0, 0)));
        foreach (IGrouping<int, (int Adder, int Item)> ofOne in taken.GroupBy(item => item.Adder))
        {
            Assert.Equal(Enumerable.Range(0, Items), ofOne.Select(item => item.Item));
        }

        Assert.Equal(Adders * Items, taken.Count);
    }

    [Fact]
    public void A_queue_that_drops_what_waits_lets_its_thread_go_at_once()
    {
        SleepingQueue<int> queue = new();
        Assert.True(queue.TryAdd(1));
        Assert.True(queue.IsAwaited);
        queue.Close(drop: true);
        Assert.False(queue.TryTake(out _));
    }
}
