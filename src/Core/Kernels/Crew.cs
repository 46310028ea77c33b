using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DistNet.Kernels;

/// <summary>Work in pieces that any number of threads can take, each the next that nobody has.</summary>
public interface ICrewWork
{
    /// <summary>Takes pieces until there is none left to take.</summary>
    /// <param name="member">The member that does so, from 0 and below <see cref="Crew.Size"/>: for memory of its own.</param>
    void Execute(int member);
}

/// <summary>Threads that do one piece of work after the other together, each joining as it comes: the caller, some of the crew's own, and whoever sleeps for the crew's bell because it
/// waits for what comes of the work. Nobody is waited for who has not begun.</summary>
/// <remarks>
/// A thread that sleeps on an idle core wakes tens of microseconds late, as long as the work itself takes; one that waits for the outcome has to wake anyway, and finds the outcome when the work is done.
/// So the crew's own threads are woken only where fewer than they sleep for the outcome.
/// A member that has nothing left to do spins for some microseconds, where the next piece of work follows at once or it waits for the outcome, and then sleeps. There are no more members than the larger of the
/// numbers of processors and of threads. Where the crew has a member for each processor, each of its own threads stays on one, and that of the caller's processor sleeps: one that the system places is put
/// behind the caller time and again, as on a machine that computes on all processors it looks for no free one. Each asserts before each piece that its thread keeps subnormals. <see cref="Run"/> is called by one thread at a time.
/// </remarks>
public sealed class Crew : IDisposable
{
    // The state: whether the work can be joined, how many have, and how many of them are at it; the caller is counted nowhere.
    private const int Open = 1 << 30;
    private const int OneJoined = 1 << 15;
    private const int AtWork = OneJoined - 1;

    // For those who wait for the outcome, and for the caller when all members have left.
    private readonly Doorbell bell = new();
    private readonly Doorbell allLeft = new();
    private readonly OwnThread[] ownThreads;
    private readonly long spinTicks;
    private ICrewWork? work;
    private Exception? failure;
    private int running;
    private int state;
    private int spinning;
    private bool isFollowed;
    private bool started;
    private volatile bool stopping;

    /// <summary>Makes a crew; its own threads start with the first work.</summary>
    /// <param name="threads">How many do the work where nobody waits for the outcome, the caller of <see cref="Run"/> among them: at least 1, which needs no thread.</param>
    /// <param name="name">The threads are called <c>name/1</c>, <c>name/2</c>, …</param>
    public Crew(int threads, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Size = Math.Max(threads, Environment.ProcessorCount);
        spinTicks = SpinTime.Ticks(Size);
        Threads = threads;
        int[] processors = threads > 1 && threads == Environment.ProcessorCount ? ProcessorBinding.Allowed() : [];
        bool isBound = processors.Length == threads;
        ownThreads = new OwnThread[isBound ? threads : threads - 1];
        for (int index = 0; index < ownThreads.Length; index++)
        {
            ownThreads[index] = new OwnThread(this, $"{name}/{index + 1}", isBound ? processors[index] : null);
        }
    }

    /// <summary>How many do the work where nobody waits for the outcome, the caller included.</summary>
    public int Threads { get; }

    /// <summary>The most members that work at once, the caller included.</summary>
    public int Size { get; }

    /// <summary>How many threads of its own run.</summary>
    internal int Running => ownThreads.Count(own => own.Thread.IsAlive);

    /// <summary>How many threads of its own sleep, or are about to.</summary>
    internal int Asleep => ownThreads.Count(own => own.Bell.Sleepers > 0);

    /// <summary>How many sleep for the bell, or are about to.</summary>
    internal int Waiting => bell.Sleepers;

    /// <summary>How often the bell was rung: what to give to <see cref="WorkOrSleepSince"/>, read before one looks whether there is what one waits for.</summary>
    public long Rings => bell.Rings;

    /// <summary>Wakes all who sleep for the bell. What was written before is seen by them.</summary>
    public void Ring() => bell.Ring();

    /// <summary>Does the crew's work, or where there is none sleeps until the bell is rung once more than it was then. It may return too early; the caller looks again.</summary>
    public void WorkOrSleepSince(long rung)
    {
        if (!TryWork(isOwn: false))
        {
            bell.SleepSince(rung);
        }
    }

    /// <summary>Does the work, as member 0 and with all who come, and returns when all of it is done. Allocates nothing after the first time.</summary>
    /// <param name="work">The work.</param>
    /// <param name="isFollowed">Whether more of it follows at once: then the crew's own threads stay awake for it.</param>
    /// <exception cref="Exception">What a member threw, with its stack; where several did, any of them.</exception>
    public void Run(ICrewWork work, bool isFollowed = false)
    {
        ArgumentNullException.ThrowIfNull(work);
        ObjectDisposedException.ThrowIf(stopping, this);
        Invariant.Holds(Interlocked.CompareExchange(ref running, 1, 0) == 0);
        try
        {
            if (!started)
            {
                started = true;
                Array.ForEach(ownThreads, own => own.Thread.Start());
            }

            this.work = work;
            this.isFollowed = isFollowed;
            Volatile.Write(ref state, Open);
            Call();
            Execute(0);
            Interlocked.And(ref state, ~Open);
            WaitForOthers();
            this.work = null;
            if (Interlocked.Exchange(ref failure, null) is { } thrown)
            {
                ExceptionDispatchInfo.Throw(thrown);
            }
        }
        finally
        {
            Volatile.Write(ref running, 0);
        }
    }

    /// <summary>Ends the crew's own threads; no <see cref="Run"/> may be under way. Who waits for something else may still sleep for the bell.</summary>
    public void Dispose()
    {
        stopping = true;
        foreach (OwnThread own in started ? ownThreads : [])
        {
            own.Bell.Ring();
            own.Thread.Join();
        }
    }

    // A thread that does not sleep yet looks for itself, and whoever spins comes at once.
    private void Call()
    {
        int lacking = Threads - 1 - Waiting - Volatile.Read(ref spinning);
        bell.Ring(Size - 1);
        int here = lacking > 0 ? ProcessorBinding.Current : -1;
        for (int index = 0; index < ownThreads.Length && lacking > 0; index++)
        {
            if (ownThreads[index].Processor != here)
            {
                ownThreads[index].Bell.Ring();
                lacking--;
            }
        }
    }

    private void Serve(OwnThread own)
    {
        if (own.Processor is { } processor)
        {
            ProcessorBinding.Bind(processor);
        }

        for (long rung = own.Bell.Rings; !stopping; rung = own.Bell.Rings)
        {
            if (!TryWork(isOwn: true))
            {
                own.Bell.SleepSince(rung);
            }
        }
    }

    private bool TryWork(bool isOwn)
    {
        long rung = bell.Rings;
        if (!TryJoin(out int member))
        {
            return false;
        }

        bool spins = spinTicks > 0 && (!isOwn || isFollowed);
        Execute(member);
        if (!spins)
        {
            Leave();
            return true;
        }

        // Counted before the caller can go on to the next piece.
        Interlocked.Increment(ref spinning);
        Leave();
        long start = Stopwatch.GetTimestamp();
        while (bell.Rings == rung && Stopwatch.GetTimestamp() - start < spinTicks)
        {
            Thread.SpinWait(4);
        }

        Interlocked.Decrement(ref spinning);
        return true;
    }

    private bool TryJoin(out int member)
    {
        while (true)
        {
            int seen = Volatile.Read(ref state);
            member = ((seen & ~Open) / OneJoined) + 1;
            if ((seen & Open) == 0 || member >= Size)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref state, seen + OneJoined + 1, seen) == seen)
            {
                return true;
            }
        }
    }

    private void Execute(int member)
    {
        try
        {
            SubnormalMode.AssertKept();
            work!.Execute(member);
        }
#pragma warning disable CA1031 // Carried to the caller of Run, who throws it.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref failure, thrown, null);
        }
    }

    // Who leaves found nothing left to take, or failed: nobody else need come.
    private void Leave()
    {
        Interlocked.And(ref state, ~Open);
        if ((Interlocked.Decrement(ref state) & AtWork) == 0)
        {
            allLeft.Ring();
        }
    }

    private void WaitForOthers()
    {
        long start = Stopwatch.GetTimestamp();
        for (long rung = allLeft.Rings; (Volatile.Read(ref state) & AtWork) != 0; rung = allLeft.Rings)
        {
            if (Stopwatch.GetTimestamp() - start < spinTicks)
            {
                Thread.SpinWait(4);
            }
            else
            {
                allLeft.SleepSince(rung);
            }
        }
    }

    // A thread of the crew's own: what it sleeps for, and the processor it stays on, if any.
    private sealed class OwnThread
    {
        public OwnThread(Crew crew, string name, int? processor)
        {
            Processor = processor;
            Thread = new Thread(() => crew.Serve(this)) { IsBackground = true, Name = name };
        }

        public Thread Thread { get; }

        public Doorbell Bell { get; } = new();

        public int? Processor { get; }
    }
}
