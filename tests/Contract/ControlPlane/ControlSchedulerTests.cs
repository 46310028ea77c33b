using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Akka's timers on our thread.</summary>
public sealed class ControlSchedulerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Every_actor_system_of_ours_has_it()
    {
        await using ControlHost host = await ControlHost.StartAsync(akka => akka.AddDistNetControl());
        Assert.IsType<ControlScheduler>(host.System.Scheduler);
    }

    [Fact]
    public void What_is_due_once_is_done_in_order_of_time_and_not_before()
    {
        using ControlScheduler scheduler = Scheduler();
        var done = new BlockingCollection<(int Name, TimeSpan At)>();
        TimeSpan start = scheduler.HighResMonotonicClock;
        foreach (int delay in new[] { 80, 20, 50, 0, 120 })
        {
            ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromMilliseconds(delay), () => done.Add((delay, scheduler.HighResMonotonicClock)));
        }

        foreach (int expected in new[] { 0, 20, 50, 80, 120 })
        {
            Assert.True(done.TryTake(out (int Name, TimeSpan At) next, Patience));
            Assert.Equal(expected, next.Name);
            Assert.True(next.At - start >= TimeSpan.FromMilliseconds(expected));
        }
    }

    [Fact]
    public void What_recurs_is_due_at_multiples_of_a_tenth_of_a_second_of_the_machines_clock()
    {
        TimeSpan beat = TimeSpan.FromMilliseconds(100);
        using ControlScheduler scheduler = Scheduler();
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.FromHours(1), TimeSpan.FromMilliseconds(137), () => { });
        Assert.Equal(0, scheduler.NextDue!.Value.Ticks % beat.Ticks);
        Assert.InRange(scheduler.NextDue.Value - BeatClock.Now, TimeSpan.FromHours(1) - TimeSpan.FromMinutes(1), TimeSpan.FromHours(1) + beat);

        using BlockingCollection<TimeSpan> next = [];
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(137), () => next.Add(BeatClock.Now));
        List<long> beats = [];
        for (int turn = 0; turn < 4; turn++)
        {
            Assert.Equal(0, scheduler.NextDue!.Value.Ticks % beat.Ticks);
            Assert.True(next.TryTake(out TimeSpan at, Patience));
            beats.Add((long)(at / beat));
        }

        // A loaded machine may be late; it never catches up by doing it twice.
        Assert.All(beats.Zip(beats.Skip(1)), pair => Assert.True(pair.Second > pair.First));
    }

    [Fact]
    public void What_recurs_more_often_is_not_held_back()
    {
        using ControlScheduler scheduler = Scheduler();
        using CountdownEvent turns = new(20);
        TimeSpan start = scheduler.HighResMonotonicClock;
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(5), () =>
        {
            if (!turns.IsSet)
            {
                turns.Signal();
            }
        });
        Assert.True(turns.Wait(Patience));
        Assert.True(scheduler.HighResMonotonicClock - start >= TimeSpan.FromMilliseconds(19 * 5));
    }

    [Fact]
    public void What_is_cancelled_is_not_done_and_what_throws_is_told_and_stops_nothing()
    {
        var log = new Told();
        using ControlScheduler scheduler = new(Config.Empty, log);
        using Cancelable before = new((IActionScheduler)scheduler);
        using Cancelable between = new((IActionScheduler)scheduler);
        int done = 0;
        using ManualResetEventSlim last = new();
        ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromMilliseconds(10), () => done += 100, before);
        before.Cancel();
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(1), () =>
        {
            done++;
            between.Cancel();
            throw new InvalidOperationException("the test throws");
        }, between);
        ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromMilliseconds(50), last.Set);
        Assert.True(last.Wait(Patience));
        Assert.Equal(1, done);
        Assert.Equal("the test throws", Assert.Single(log.Errors).Message);
    }

    [Fact]
    public void What_is_cancelled_long_before_it_is_due_is_let_go()
    {
        using ControlScheduler scheduler = Scheduler();
        int kept = 0;
        using ManualResetEventSlim last = new();
        for (int number = 0; number < 10_000; number++)
        {
            using Cancelable cancelled = new((IActionScheduler)scheduler);
            ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromDays(1), () => { }, cancelled);
            cancelled.Cancel();
            if (number % 1000 == 0)
            {
                ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromMilliseconds(50), () => kept += 1);
            }
        }

        ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromMilliseconds(100), last.Set);
        Assert.InRange(scheduler.Waiting, 1, 200);
        Assert.True(last.Wait(Patience));
        Assert.Equal(10, kept);
    }

    [Fact]
    public void A_message_is_told_with_its_sender_by_a_thread_that_serves_what_it_brings()
    {
        using ControlScheduler scheduler = Scheduler();
        using BlockingCollection<(object Message, string Thread)> told = [];
        var receiver = new Receiver(message => told.Add((message, Thread.CurrentThread.Name!)));
        ((ITellScheduler)scheduler).ScheduleTellOnce(TimeSpan.FromMilliseconds(1), receiver, "once", ActorRefs.NoSender);
        Assert.True(told.TryTake(out (object Message, string Thread) first, Patience));
        Assert.Equal(("once", "distnet-timers"), first);
    }

    [Fact]
    public void Once_ended_it_takes_nothing_more_does_what_is_left_to_do_once_and_its_thread_ends()
    {
        ControlScheduler scheduler = Scheduler();
        using Cancelable cancelled = new((IActionScheduler)scheduler);
        string left = "";
        ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromDays(1), () => left += "once");
        ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.FromDays(1), () => left += "cancelled", cancelled);
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.FromDays(1), TimeSpan.FromDays(1), () => left += "again");
        cancelled.Cancel();
        int done = 0;
        ((IActionScheduler)scheduler).ScheduleRepeatedly(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1), () => Interlocked.Increment(ref done));
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref done) > 3, Patience));
        Assert.Equal("", left);
        scheduler.Dispose();
        Assert.Equal("once", left);
        Assert.Throws<SchedulerException>(() => ((IActionScheduler)scheduler).ScheduleOnce(TimeSpan.Zero, () => { }));
        Assert.True(SpinWait.SpinUntil(() => scheduler.IsEnded, Patience));
    }

    private static ControlScheduler Scheduler() => new(Config.Empty, NoLogger.Instance);

    private sealed class Receiver(Action<object> told) : ICanTell
    {
        public void Tell(object message, IActorRef sender) => told(message);
    }

    private sealed class Told() : LoggingAdapterBase(DefaultLogMessageFormatter.Instance)
    {
        public ConcurrentQueue<Exception> Errors { get; } = new();

        public override bool IsDebugEnabled => true;

        public override bool IsInfoEnabled => true;

        public override bool IsWarningEnabled => true;

        public override bool IsErrorEnabled => true;

        protected override void NotifyLog(LogLevel logLevel, object message, Exception? cause = null) => Errors.Enqueue(cause!);
    }
}
