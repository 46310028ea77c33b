using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace DistNet.Protocol;

/// <summary>Akka's timers, on one thread of our own that sleeps until the next is due and does itself what comes of it (<see cref="Helper"/>).</summary>
/// <remarks>Akka's own schedulers tick, whether anything is due or not: each tick wakes the runtime's timer thread, which wakes a thread of the pool, which wakes the next, some hundred switches a second in three processes,
/// each on a processor that computes.</remarks>
/// <param name="config">The system's configuration.</param>
/// <param name="log">Told of what a timer's action throws.</param>
public sealed class ControlScheduler(Config config, ILoggingAdapter log) : SchedulerBase(config, log), IDateTimeOffsetNowTimeProvider, IDisposable
{
    // What recurs no more often than this is due at multiples of it: the periodic work of all actors is done at once.
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    private const int FewWaiting = 64;

    private readonly object gate = new();
    private readonly PriorityQueue<Timed, TimeSpan> waiting = new();
    private int most = FewWaiting;
    private bool started;
    private volatile bool closed;

    /// <inheritdoc/>
    public override TimeSpan MonotonicClock => HighResMonotonicClock;

    /// <inheritdoc/>
    public override TimeSpan HighResMonotonicClock => BeatClock.Now;

    /// <summary>How much waits.</summary>
    internal int Waiting
    {
        get
        {
            lock (gate)
            {
                return waiting.Count;
            }
        }
    }

    /// <summary>When the next is due; null where nothing waits.</summary>
    internal TimeSpan? NextDue
    {
        get
        {
            lock (gate)
            {
                return waiting.TryPeek(out _, out TimeSpan due) ? due : null;
            }
        }
    }

    /// <summary>Whether the thread has ended.</summary>
    internal bool IsEnded { get; private set; }

    /// <inheritdoc/>
    protected override DateTimeOffset TimeNow => DateTimeOffset.Now;

    /// <summary>Ends the thread. What waits to be done once is done now, as Akka's own schedulers do: by such work dispatchers end their threads.</summary>
    public void Dispose()
    {
        Timed[] last;
        lock (gate)
        {
            closed = true;
            last = [.. waiting.UnorderedItems.Select(item => item.Element).Where(timed => timed.Interval is null)];
            waiting.Clear();
            Monitor.Pulse(gate);
        }

        Array.ForEach(last, Act);
    }

    /// <inheritdoc/>
    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(delay, interval: null, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Schedule(delay, interval: null, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) => Schedule(delay, interval: null, action.Run, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Schedule(initialDelay, interval, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Schedule(initialDelay, interval, action.Run, cancelable);

    private void Schedule(TimeSpan delay, TimeSpan? interval, Action action, ICancelable? cancelable)
    {
        var timed = new Timed(action, interval, cancelable) { Due = Aligned(HighResMonotonicClock + delay, interval) };
        lock (gate)
        {
            if (closed)
            {
                throw new SchedulerException("the actor system has ended");
            }

            DropCancelled();
            waiting.Enqueue(timed, timed.Due);
            if (!started)
            {
                started = true;
                new Thread(Run) { Name = "distnet-timers", IsBackground = true }.Start();
            }
            else if (waiting.Peek() == timed)
            {
                Monitor.Pulse(gate);
            }
        }
    }

    // What is cancelled may be due in days, and holds on to actors that have stopped.
    private void DropCancelled()
    {
        if (waiting.Count >= most)
        {
            (Timed Timed, TimeSpan Due)[] kept = [.. waiting.UnorderedItems.Where(item => !item.Element.IsCancelled)];
            waiting.Clear();
            waiting.EnqueueRange(kept);
            most = Math.Max(FewWaiting, 2 * kept.Length);
        }
    }

    private void Run()
    {
        var due = new List<Timed>();
        while (AwaitDue(due))
        {
            using (Helper.Begin(isBrief: true))
            {
                due.ForEach(Act);
            }

            Repeat(due);
            due.Clear();
        }

        IsEnded = true;
    }

    private bool AwaitDue(List<Timed> due)
    {
        lock (gate)
        {
            while (due.Count == 0 && !closed)
            {
                TimeSpan now = HighResMonotonicClock;
                if (!waiting.TryPeek(out _, out TimeSpan first))
                {
                    Monitor.Wait(gate);
                }
                else if (first > now)
                {
                    Monitor.Wait(gate, first - now + TimeSpan.FromMilliseconds(1));
                }
                else
                {
                    while (waiting.TryPeek(out Timed? next, out TimeSpan time) && time <= now)
                    {
                        due.Add(waiting.Dequeue());
                    }
                }
            }

            return !closed;
        }
    }

    // At a fixed rate, but never to catch up.
    private void Repeat(List<Timed> done)
    {
        lock (gate)
        {
            TimeSpan now = HighResMonotonicClock;
            foreach (Timed timed in done)
            {
                if (timed.Interval is { } interval && !timed.IsCancelled && !closed)
                {
                    timed.Due = Aligned(timed.Due + interval > now ? timed.Due + interval : now + interval, interval);
                    waiting.Enqueue(timed, timed.Due);
                }
            }
        }
    }

    private static TimeSpan Aligned(TimeSpan due, TimeSpan? interval) =>
        interval >= Beat ? BeatClock.FirstFrom(due, Beat) : due;

    private void Act(Timed timed)
    {
        try
        {
            if (!timed.IsCancelled)
            {
                timed.Action();
            }
        }
        catch (SchedulerException) when (closed)
        {
            // It wanted to be done again.
        }
#pragma warning disable CA1031 // The other timers are not to suffer.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.Error(failure, "A timer's action failed");
        }
    }

    private sealed class Timed(Action action, TimeSpan? interval, ICancelable? cancelable)
    {
        public Action Action => action;

        public TimeSpan? Interval => interval;

        public bool IsCancelled => cancelable?.IsCancellationRequested ?? false;

        public TimeSpan Due { get; set; }
    }
}
