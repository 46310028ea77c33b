using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.Serialization;
using DistNet.Protocol;
using DistNet.Protocol.SharedMemory;

namespace DistNet.Coordinator.Plane;

/// <summary>Reads the answers of all workers that share memory, on a thread of its own, which does itself what comes of them (<see cref="Helper"/>).</summary>
/// <remarks>A worker that has answered leaves its processors free until the step is over, and the others mostly answer soon. So with a step's first answer the thread goes to that processor, and stays awake there for a while:
/// the last answer, for which all wait, finds it awake and what it runs in the caches, and nobody who computes is interrupted. Not where the workers have more threads than there are processors: then none is free.</remarks>
/// <param name="bell">What workers ring.</param>
/// <param name="answered">Told each answer.</param>
/// <param name="broken">Told of an attendance whose answers cannot be read, and why, without a stop at the end.</param>
internal sealed class AnswerReader(SharedBell bell, Action<Guid, ShardDone> answered, Action<Guid, string> broken) : IDisposable
{
    // Half a millisecond: workers that have as much to do answer within some tenths of one.
    private static readonly long MostAwake = Stopwatch.Frequency / 2000;

    private readonly Lock gate = new();
    private ImmutableArray<SharedSession> sessions = [];
    private int threads;
    private int answersOfStep;
    private bool started;
    private volatile bool stopping;

    /// <summary>Reads a session's answers too, from now on.</summary>
    public void Add(SharedSession session)
    {
        lock (gate)
        {
            Set(sessions.Add(session));
            if (!started)
            {
                started = true;
                new Thread(Run) { Name = "distnet-answers", IsBackground = true }.Start();
            }
        }

        bell.Ring();
    }

    /// <summary>Reads a session's answers no more.</summary>
    public void Remove(SharedSession session)
    {
        lock (gate)
        {
            Set(sessions.Remove(session));
        }
    }

    /// <summary>New parameters are there, and all workers compute.</summary>
    public void BeginStep() => Volatile.Write(ref answersOfStep, 0);

    /// <summary>Ends the thread; does not wait.</summary>
    public void Dispose()
    {
        stopping = true;
        bell.Ring();
    }

    private void Run()
    {
        while (!stopping)
        {
            long rung = bell.Rings;
            if (ReadAll() || IsRungSoon(rung))
            {
                continue;
            }

            bell.SleepSince(rung);
            if (Volatile.Read(ref answersOfStep) == 0)
            {
                bell.Follow();
            }
        }
    }

    private bool ReadAll()
    {
        bool any = false;
        foreach (SharedSession session in sessions)
        {
            try
            {
                while (session.TryRead(out ShardDone? answer))
                {
                    any = true;
                    Interlocked.Increment(ref answersOfStep);
                    answered(session.Attendance, answer);
                }
            }
            catch (Exception wrong) when (wrong is IOException or SerializationException)
            {
                broken(session.Attendance, $"it sent a wrong answer: {wrong.Message.TrimEnd('.')}");
            }
        }

        return any;
    }

    private bool IsRungSoon(long rung)
    {
        long start = Stopwatch.GetTimestamp();
        while (HasFreeProcessor() && Stopwatch.GetTimestamp() - start < MostAwake)
        {
            if (bell.Rings != rung)
            {
                return true;
            }

            Thread.SpinWait(4);
        }

        return false;
    }

    // Some have answered and others have not, and each thread has a processor.
    private bool HasFreeProcessor()
    {
        int answers = Volatile.Read(ref answersOfStep);
        return answers > 0 && answers < sessions.Length && Volatile.Read(ref threads) <= Environment.ProcessorCount;
    }

    private void Set(ImmutableArray<SharedSession> now)
    {
        sessions = now;
        Volatile.Write(ref threads, now.Sum(session => session.Threads));
    }
}
