using Akka.Actor;
using DistNet.Kernels;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>A thread that brings something does itself what comes of it, and a queue is served by one at a time, in order, whoever it is.</summary>
public sealed class HelperTests
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_helper_serves_what_it_adds_and_what_comes_of_that_before_it_goes_on()
    {
        List<string> done = [];
        SleepingQueue<string> second = new(new Doorbell(), done.Add);
        SleepingQueue<string> first = new(new Doorbell(), item =>
        {
            done.Add(item);
            Assert.True(second.TryAdd($"{item}, on"));
        });
        Helper.Tell(
            new Bringer(() =>
            {
                Assert.True(first.TryAdd("a"));
                Assert.True(first.TryAdd("b"));
                Assert.Empty(done);
            }),
            "");
        Assert.Equal(["a", "b", "a, on", "b, on"], done);
        Assert.False(Helper.IsHelping);
    }

    [Fact]
    public void What_only_its_thread_may_serve_waits_for_it()
    {
        SleepingQueue<int> queue = new();
        Helper.Tell(new Bringer(() => Assert.True(queue.TryAdd(1))), "");
        Assert.True(queue.TryTake(out int item));
        Assert.Equal(1, item);
    }

    [Fact]
    public async Task A_helper_leaves_the_rest_of_a_long_queue_to_its_thread()
    {
        const int Items = 1_000;
        List<int> helped = [], own = [];
        SleepingQueue<int> queue = new(new Doorbell(), helped.Add);
        Helper.Tell(new Bringer(() => Assert.Equal(Items, Enumerable.Range(0, Items).Count(queue.TryAdd))), "");
        Assert.Equal(Enumerable.Range(0, 100), helped);
        queue.Close(drop: false);
        await OwnThread.Run("owner", () => Drain(queue, own.Add)).WaitAsync(Most, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(100, Items - 100), own);
    }

    [Fact]
    public async Task Helpers_and_the_thread_serve_one_at_a_time_all_that_is_added_in_the_order_of_each()
    {
        const int Adders = 4, Items = 5_000;
        List<(int Adder, int Item)> served = [];
        int inside = 0, together = 0;
        void Serve((int Adder, int Item) item)
        {
            together += Interlocked.Increment(ref inside) > 1 ? 1 : 0;
            served.Add(item);
            Interlocked.Decrement(ref inside);
        }

        SleepingQueue<(int Adder, int Item)> queue = new(new Doorbell(), Serve);
        Task<int> owner = OwnThread.Run("owner", () => Drain(queue, Serve));
        Task<int>[] adders = [.. Enumerable.Range(0, Adders).Select(adder => OwnThread.Run($"adder {adder}", () =>
        {
            int added = 0;
            for (int item = 0; item < Items; item++)
            {
                // Every second adder is a helper.
                int current = item;
                Bringer bringer = new(() => added += queue.TryAdd((adder, current)) ? 1 : 0);
                if (adder % 2 == 0)
                {
                    Helper.Tell(bringer, "");
                }
                else
                {
                    bringer.Tell("");
                }
            }

            return added;
        }))];
        Assert.All(await Task.WhenAll(adders).WaitAsync(Most, TestContext.Current.CancellationToken), added => Assert.Equal(Items, added));
        queue.Close(drop: false);
        await owner.WaitAsync(Most, TestContext.Current.CancellationToken);
        Assert.Equal(0, together);
        Assert.Equal(Adders * Items, served.Count);
        foreach (IGrouping<int, (int Adder, int Item)> ofOne in served.GroupBy(item => item.Adder))
        {
            Assert.Equal(Enumerable.Range(0, Items), ofOne.Select(item => item.Item));
        }
    }

    [Fact]
    public async Task A_helper_does_one_piece_of_a_dedicated_thread_s_work_that_it_may_and_leaves_the_rest_to_it()
    {
        DedicatedThread thread = new("test");
        List<int> threads = [];
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int helper = 0;
        await OwnThread.Run("helper", () =>
        {
            helper = Environment.CurrentManagedThreadId;
            Helper.Tell(
                new Bringer(() =>
                {
                    thread.Post(() => threads.Add(Environment.CurrentManagedThreadId), isHelped: true);
                    thread.Post(() => threads.Add(Environment.CurrentManagedThreadId), isHelped: true);
                    thread.Post(done.SetResult);
                }),
                "");
            return 0;
        }).WaitAsync(Most, TestContext.Current.CancellationToken);
        await done.Task.WaitAsync(Most, TestContext.Current.CancellationToken);
        thread.End(() => { });
        Assert.Equal(2, threads.Count);
        Assert.Equal(helper, threads[0]);
        Assert.NotEqual(helper, threads[1]);
    }

    [Fact]
    public async Task A_helper_serves_nothing_that_its_thread_must_do_nor_what_waits_behind_it()
    {
        List<int> helped = [], own = [];
        SleepingQueue<int> queue = new(new Doorbell(), helped.Add, item => item != 2);
        using (Helper.Begin())
        {
            Assert.Equal(4, Enumerable.Range(1, 4).Count(queue.TryAdd));
        }

        Assert.Equal([1], helped);
        queue.Close(drop: false);
        await OwnThread.Run("owner", () => Drain(queue, own.Add)).WaitAsync(Most, TestContext.Current.CancellationToken);
        Assert.Equal([2, 3, 4], own);
    }

    [Fact]
    public async Task What_a_helper_throws_it_throws_on_and_every_queue_goes_back_to_its_thread()
    {
        List<int> own = [], behind = [];
        SleepingQueue<int> second = new(new Doorbell(), behind.Add), first = new(new Doorbell(), _ => throw new IOException("served"));
        IOException thrown = Assert.Throws<IOException>(() =>
        {
            using (Helper.Begin())
            {
                Assert.Equal(2, Enumerable.Range(1, 2).Count(first.TryAdd));
                Assert.True(second.TryAdd(3));
            }
        });
        Assert.Equal("served", thrown.Message);
        Assert.False(Helper.IsHelping);
        first.Close(drop: false);
        second.Close(drop: false);
        await OwnThread.Run("owner", () => Drain(first, own.Add) + Drain(second, own.Add)).WaitAsync(Most, TestContext.Current.CancellationToken);
        Assert.Equal([2, 3], own);
        Assert.Empty(behind);
    }

    [Fact]
    public async Task Work_that_ends_while_a_helper_is_at_it_is_followed_by_the_last_work()
    {
        List<string> done = [];
        DedicatedThread thread = new("test");
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Helper.Tell(
            new Bringer(() => thread.Post(() =>
            {
                thread.End(() =>
                {
                    done.Add("last");
                    ended.SetResult();
                });
                thread.Post(() => done.Add("too late"));
                done.Add("first");
            }, isHelped: true)),
            "");
        await ended.Task.WaitAsync(Most, TestContext.Current.CancellationToken);
        Assert.Equal(["first", "last"], done);
    }

    private static int Drain<T>(SleepingQueue<T> queue, Action<T> serve)
    {
        int served = 0;
        for (; queue.TryTake(out T? item); served++)
        {
            serve(item);
        }

        return served;
    }

    /// <summary>Does something when it is told anything.</summary>
    private sealed class Bringer(Action bring) : MinimalActorRef
    {
        public override ActorPath Path => new RootActorPath(Address.AllSystems) / "bringer";

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => bring();
    }
}
