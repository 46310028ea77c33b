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
/// A member that has nothing left to do spins for some microseconds, since the next piece of work or the outcome mostly follows at once, and then sleeps. There are no more members than the larger of the
/// numbers of processors and of threads. Each asserts before each piece that its thread keeps subnormals. <see cref="Run"/> is called by one thread at a time.
/// </remarks>
public sealed class Crew : IDisposable
{
    // The state: whether the work can be joined, how many have, and how many of them are at it; the caller is counted nowhere.
    private const int Open = 1 << 30;
    private const int OneJoined = 1 << 15;
    private const int AtWork = OneJoined - 1;

    // How long announced work is waited for at the most, in times of the ordinary spin: what is decided and sent in between takes 100 to 200 µs.
    private const int AnnouncedSpins = 8;

    // For those who wait for the outcome, for the crew's own threads, and for the caller when all members have left.
    private readonly Doorbell bell = new();
    private readonly Doorbell ownBell = new();
    private readonly Doorbell allLeft = new();
    private readonly Thread[] ownThreads;
    private readonly long spinTicks;
    private readonly long announcedTicks;
    private ICrewWork? work;
    private Exception? failure;
    private int running;
    private int state;
    private long announcedUntil;
    private long sleeps;
    private bool started;
    private volatile bool isVisited;
    private volatile bool stopping;

    /// <summary>Makes a crew; its own threads start with the first work.</summary>
    /// <param name="threads">How many do the work where nobody waits for the outcome, the caller of <see cref="Run"/> among them: at least 1, which needs no thread.</param>
    /// <param name="name">The threads are called <c>name/1</c>, <c>name/2</c>, …</param>
    public Crew(int threads, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Size = Math.Max(threads, Environment.ProcessorCount);
        spinTicks = SpinTime.Ticks(Size);
        announcedTicks = AnnouncedSpins * spinTicks;
        ownThreads = new Thread[threads - 1];
        for (int index = 0; index < ownThreads.Length; index++)
        {
            ownThreads[index] = new Thread(Serve) { IsBackground = true, Name = $"{name}/{index + 1}" };
        }
    }

    /// <summary>The most members that work at once, the caller included.</summary>
    public int Size { get; }

    /// <summary>How many threads of its own run.</summary>
    internal int Running => ownThreads.Count(thread => thread.IsAlive);

    /// <summary>How many sleep for the bell, or are about to.</summary>
    internal int Waiting => bell.Sleepers;

    /// <summary>How often one of the crew's own threads has gone to sleep.</summary>
    internal long Sleeps => Volatile.Read(ref sleeps);

    /// <summary>How often the crew's own threads were rung for.</summary>
    internal long OwnRings => ownBell.Rings;

    /// <summary>How often the bell was rung: what to give to <see cref="WorkOrSleepSince"/>, read before one looks whether there is what one waits for.</summary>
    public long Rings => bell.Rings;

    /// <summary>Wakes all who sleep for the bell. What was written before is seen by them.</summary>
    public void Ring() => bell.Ring();

    /// <summary>Does the crew's work, or where there is none sleeps until the bell is rung once more than it was then. It may return too early; the caller looks again.</summary>
    public void WorkOrSleepSince(long rung)
    {
        isVisited = true;
        if (!TryWork())
        {
            bell.SleepSince(rung);
        }
    }

    /// <summary>There will be work in a moment, and until then the caller does something else: wakes the crew's own threads, which yield to others until it is there, or for some hundred microseconds.
    /// So they are awake by then, each on a processor that was free; woken with the work they may be put behind the threads that the caller has woken meanwhile. Nothing is done where others than the
    /// crew's own threads come for the work.</summary>
    public void Announce()
    {
        if (started && !isVisited && announcedTicks > 0)
        {
            Volatile.Write(ref announcedUntil, Stopwatch.GetTimestamp() + announcedTicks);
            ownBell.Ring(Size - 1);
        }
    }

    /// <summary>Does the work, as member 0 and with all who come, and returns when all of it is done. Allocates nothing after the first time.</summary>
    /// <exception cref="Exception">What a member threw, with its stack; where several did, any of them.</exception>
    public void Run(ICrewWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        ObjectDisposedException.ThrowIf(stopping, this);
        Invariant.Holds(Interlocked.CompareExchange(ref running, 1, 0) == 0);
        try
        {
            if (!started)
            {
                started = true;
                Array.ForEach(ownThreads, thread => thread.Start());
            }

            this.work = work;
            Volatile.Write(ref state, Open);
            Volatile.Write(ref announcedUntil, 0);
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
        ownBell.Ring();
        foreach (Thread thread in started ? ownThreads : [])
        {
            thread.Join();
        }
    }

    // A thread that does not sleep yet looks for itself.
    private void Call()
    {
        int waiting = Waiting;
        bell.Ring(Size - 1);
        if (waiting < ownThreads.Length)
        {
            ownBell.Ring(Size - 1 - waiting);
        }
    }

    private void Serve()
    {
        for (long rung = ownBell.Rings; !stopping; rung = ownBell.Rings)
        {
            bool worked = TryWork();
            while (!worked && !stopping && Stopwatch.GetTimestamp() < Volatile.Read(ref announcedUntil))
            {
                Thread.Yield();
                worked = TryWork();
            }

            if (!worked)
            {
                Interlocked.Increment(ref sleeps);
                ownBell.SleepSince(rung);
            }
        }
    }

    private bool TryWork()
    {
        long rung = bell.Rings;
        if (!TryJoin(out int member))
        {
            return false;
        }

        Execute(member);
        Leave();
        long start = Stopwatch.GetTimestamp();
        while (bell.Rings == rung && Stopwatch.GetTimestamp() - start < spinTicks)
        {
            Thread.SpinWait(4);
        }

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
}
