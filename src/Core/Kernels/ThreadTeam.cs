using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DistNet.Kernels;

/// <summary>Work that splits its outputs into disjoint parts.</summary>
public interface ITeamWork
{
    /// <summary>Does one part.</summary>
    /// <param name="part">Which one, from 0.</param>
    /// <param name="parts">How many there are.</param>
    void Execute(int part, int parts);
}

/// <summary>A team of dedicated threads that computes pieces of work together. Compute never runs on the ThreadPool, where heartbeats and sockets live.</summary>
/// <remarks>
/// The caller is part 0 and the team's own threads are the others. A member that waits spins for some microseconds, since the next piece of
/// work mostly follows at once, and then sleeps; where the machine has fewer processors than the team has members nobody spins. Each member asserts before each piece that its thread
/// keeps subnormals. A team has one
/// owner: <see cref="Run"/> is called by one thread at a time.
/// </remarks>
public sealed class ThreadTeam : IDisposable
{
    private readonly object gate = new();
    private readonly Thread[] members;
    private readonly Exception?[] failures;
    private readonly long spinTicks;
    private ITeamWork? work;
    private int running;
    private int generation;
    private int remaining;
    private int sleepers;
    private bool callerSleeps;
    private bool stopping;

    /// <summary>Starts the team's threads.</summary>
    /// <param name="threads">The number of members, the caller included: at least 1, which needs no thread.</param>
    /// <param name="name">The threads are called <c>name/1</c>, <c>name/2</c>, …</param>
    public ThreadTeam(int threads, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Count = threads;
        failures = new Exception?[threads];
        spinTicks = SpinTime.Ticks(threads);
        members = new Thread[threads - 1];
        for (int index = 0; index < members.Length; index++)
        {
            int part = index + 1;
            members[index] = new Thread(() => Serve(part)) { IsBackground = true, Name = $"{name}/{part}" };
            members[index].Start();
        }
    }

    /// <summary>The number of members, the caller included.</summary>
    public int Count { get; }

    /// <summary>Runs every part of the work, part 0 on the calling thread, and returns when all are done. Allocates nothing.</summary>
    /// <exception cref="Exception">What a part threw, with its stack; where several did, that of the lowest part.</exception>
    public void Run(ITeamWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        ObjectDisposedException.ThrowIf(stopping, this);
        if (Count == 1)
        {
            SubnormalMode.AssertKept();
            work.Execute(0, 1);
            return;
        }

        Invariant.Holds(Interlocked.CompareExchange(ref running, 1, 0) == 0);
        try
        {
            Start(work);
            Execute(work, 0);
            WaitForOthers();
            this.work = null;
            ThrowFailure();
        }
        finally
        {
            Volatile.Write(ref running, 0);
        }
    }

    /// <summary>Ends the team's threads; no <see cref="Run"/> may be under way.</summary>
    public void Dispose()
    {
        if (stopping)
        {
            return;
        }

        lock (gate)
        {
            stopping = true;
            Interlocked.Increment(ref generation);
            Monitor.PulseAll(gate);
        }

        foreach (Thread thread in members)
        {
            thread.Join();
        }
    }

    private void Start(ITeamWork work)
    {
        this.work = work;
        Volatile.Write(ref remaining, Count - 1);
        Interlocked.Increment(ref generation);

        // A member counts itself a sleeper before it looks at the generation for the last time, so one of the two sees the other.
        if (Volatile.Read(ref sleepers) > 0)
        {
            lock (gate)
            {
                Monitor.PulseAll(gate);
            }
        }
    }

    private void Serve(int part)
    {
        int seen = 0;
        while (true)
        {
            seen = WaitForWork(seen);
            if (Volatile.Read(ref stopping))
            {
                return;
            }

            Execute(work!, part);
            if (Interlocked.Decrement(ref remaining) == 0 && Volatile.Read(ref callerSleeps))
            {
                lock (gate)
                {
                    Monitor.PulseAll(gate);
                }
            }
        }
    }

    private void Execute(ITeamWork work, int part)
    {
        try
        {
            SubnormalMode.AssertKept();
            work.Execute(part, Count);
        }
#pragma warning disable CA1031 // Carried to the caller of Run, who throws it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            failures[part] = failure;
        }
    }

    private int WaitForWork(int seen)
    {
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref generation) == seen)
        {
            if (Stopwatch.GetTimestamp() - start < spinTicks)
            {
                Thread.SpinWait(4);
                continue;
            }

            lock (gate)
            {
                Interlocked.Increment(ref sleepers);
                while (Volatile.Read(ref generation) == seen)
                {
                    Monitor.Wait(gate);
                }

                Interlocked.Decrement(ref sleepers);
            }
        }

        return Volatile.Read(ref generation);
    }

    private void WaitForOthers()
    {
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref remaining) != 0)
        {
            if (Stopwatch.GetTimestamp() - start < spinTicks)
            {
                Thread.SpinWait(4);
                continue;
            }

            lock (gate)
            {
                Volatile.Write(ref callerSleeps, true);
                Interlocked.MemoryBarrier();
                while (Volatile.Read(ref remaining) != 0)
                {
                    Monitor.Wait(gate);
                }

                Volatile.Write(ref callerSleeps, false);
            }
        }
    }

    private void ThrowFailure()
    {
        Exception? first = null;
        for (int part = Count - 1; part >= 0; part--)
        {
            first = failures[part] ?? first;
            failures[part] = null;
        }

        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
