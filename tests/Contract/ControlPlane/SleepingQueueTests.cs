using System.Runtime.CompilerServices;
using DistNet.Kernels;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Nothing that waits for a thread is lost or waits for ever, whoever comes first: with a futex, and with a monitor as where there is none.</summary>
public sealed class SleepingQueueTests
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    public static TheoryData<bool> Futex => WordWait.Probe() ? [true, false] : [false];

    [Theory]
    [MemberData(nameof(Futex))]
    public async Task Two_threads_that_wake_each_other_in_turns_never_miss_a_wake_up(bool futex)
    {
        const int Rounds = 20_000;
        SleepingQueue<int> there = Queue<int>(futex), back = Queue<int>(futex);
        Task<int> echo = OwnThread.Run("echo", () =>
        {
            int echoed = 0;
            for (; there.TryTake(out int item); echoed++)
            {
                Assert.True(back.TryAdd(item));
            }

            return echoed;
        });
        Task<int> asking = OwnThread.Run("asking", () =>
        {
            int round = 0;
            for (; round < Rounds; round++)
            {
                Assert.True(there.TryAdd(round));
                Assert.True(back.TryTake(out int answer));
                Assert.Equal(round, answer);
            }

            there.Close(drop: false);
            return round;
        });
        Assert.Equal((int[])[Rounds, Rounds], await Ended(asking, echo));
    }

    // Of several one comes late with its ring, while what it added was taken on account of another's, and the thread is on its way to sleep again. The ring must fall between two instructions to be
    // lost by a flag that is taken back outside the gate: this finds that where something makes the way longer (a Thread.Yield between them, each time), not in code that is compiled well.
    [Theory]
    [MemberData(nameof(Futex))]
    public async Task A_ring_that_comes_late_does_not_keep_the_next_one_away(bool futex)
    {
        const int Adders = 3, Rounds = 10_000;
        SleepingQueue<StrongBox<int>> queue = Queue<StrongBox<int>>(futex);
        Task<int> taker = OwnThread.Run("taker", () =>
        {
            int taken = 0;
            for (; queue.TryTake(out StrongBox<int>? item); taken++)
            {
                Volatile.Write(ref item.Value, item.Value + 1);
            }

            return taken;
        });
        int[] added = await Ended([.. Enumerable.Range(0, Adders).Select(adder => OwnThread.Run($"adder {adder}", () =>
        {
            StrongBox<int> item = new();
            int round = 0;
            while (round < Rounds)
            {
                queue.TryAdd(item);
                round++;
                while (Volatile.Read(ref item.Value) < round && !taker.IsCompleted)
                {
                    Thread.Yield();
                }
            }

            return round;
        }))]);
        queue.Close(drop: false);
        Assert.Equal(Adders * Rounds, added.Sum());
        Assert.Equal(Adders * Rounds, (await Ended(taker))[0]);
    }

    [Theory]
    [MemberData(nameof(Futex))]
    public async Task What_several_threads_add_is_taken_once_and_in_the_order_of_each(bool futex)
    {
        const int Adders = 3, Items = 5_000;
        SleepingQueue<(int Adder, int Item)> queue = Queue<(int, int)>(futex);
        Task<List<(int Adder, int Item)>> taker = OwnThread.Run("taker", () =>
        {
            List<(int, int)> taken = [];
            while (queue.TryTake(out (int, int) item))
            {
                taken.Add(item);
            }

            return taken;
        });
        await Ended([.. Enumerable.Range(0, Adders).Select(adder => OwnThread.Run($"adder {adder}", () => Enumerable.Range(0, Items).Count(item => queue.TryAdd((adder, item)))))]);
        queue.Close(drop: false);
        List<(int Adder, int Item)> all = (await Ended(taker))[0];
        Assert.False(queue.TryAdd((0, 0)));
        Assert.Equal(Adders * Items, all.Count);
        foreach (IGrouping<int, (int Adder, int Item)> ofOne in all.GroupBy(item => item.Adder))
        {
            Assert.Equal(Enumerable.Range(0, Items), ofOne.Select(item => item.Item));
        }
    }

    // Over the rounds the thread is still at work, on its way to sleep, and asleep when its queue is closed.
    [Theory]
    [MemberData(nameof(Futex))]
    public async Task A_thread_that_sleeps_for_a_queue_is_let_go_when_it_is_closed(bool futex)
    {
        const int Rounds = 2_000;
        SleepingQueue<SleepingQueue<int>> rounds = Queue<SleepingQueue<int>>(futex);
        Task<int> taker = OwnThread.Run("taker", () =>
        {
            int ended = 0;
            while (rounds.TryTake(out SleepingQueue<int>? queue))
            {
                Assert.True(queue.TryTake(out int item));
                Assert.Equal(ended, item);
                Assert.False(queue.TryTake(out _));
                ended++;
            }

            return ended;
        });
        Task<int> closer = OwnThread.Run("closer", () =>
        {
            int round = 0;
            for (; round < Rounds; round++)
            {
                SleepingQueue<int> queue = Queue<int>(futex);
                Assert.True(queue.TryAdd(round));
                Assert.True(rounds.TryAdd(queue));
                for (int yields = 0; !taker.IsCompleted && (yields < round % 64 || queue.IsAwaited); yields++)
                {
                    Thread.Yield();
                }

                queue.Close(drop: true);
            }

            rounds.Close(drop: false);
            return round;
        });
        Assert.Equal((int[])[Rounds, Rounds], await Ended(closer, taker));
    }

    [Fact]
    public void A_queue_that_drops_what_waits_gives_none_of_it()
    {
        SleepingQueue<int> queue = new();
        Assert.True(queue.TryAdd(1));
        Assert.True(queue.IsAwaited);
        queue.Close(drop: true);
        Assert.False(queue.TryTake(out _));
    }

    private static SleepingQueue<T> Queue<T>(bool futex) => new(new Doorbell(futex));

    // What a thread throws, this throws at once, though others then wait for it.
    private static async Task<T[]> Ended<T>(params Task<T>[] threads)
    {
        List<T> results = [];
        await foreach (Task<T> ended in Task.WhenEach(threads.Select(thread => thread.WaitAsync(Most, TestContext.Current.CancellationToken))))
        {
            results.Add(await ended);
        }

        return [.. results];
    }
}
