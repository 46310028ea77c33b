using System.Diagnostics.CodeAnalysis;

namespace DistNet.Protocol;

/// <summary>What waits for one thread. The thread sleeps at once when there is nothing: one that spun would take a core from those that compute (measured with two workers
/// on two cores: a tenth of a step). It is woken outside the lock, which it needs itself.</summary>
/// <typeparam name="T">What waits.</typeparam>
/// <param name="bell">What the thread sleeps for.</param>
internal sealed class SleepingQueue<T>(Doorbell bell)
{
    private readonly Lock gate = new();
    private readonly Queue<T> waiting = new();
    private bool asleep;
    private bool closed;

    /// <summary>With a bell of its own.</summary>
    public SleepingQueue()
        : this(new Doorbell())
    {
    }

    /// <summary>Whether something waits, or the queue is closed.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (gate)
            {
                return waiting.Count > 0 || closed;
            }
        }
    }

    /// <summary>Adds something; does not wait.</summary>
    /// <returns>False when the queue is closed.</returns>
    public bool TryAdd(T item)
    {
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            waiting.Enqueue(item);
        }

        Wake();
        return true;
    }

    /// <summary>Takes no more.</summary>
    /// <param name="drop">Whether what waits is dropped; otherwise it is still taken.</param>
    public void Close(bool drop)
    {
        lock (gate)
        {
            closed = true;
            if (drop)
            {
                waiting.Clear();
            }
        }

        Wake();
    }

    /// <summary>Takes the next, and sleeps until there is one.</summary>
    /// <returns>False when the queue is closed and nothing waits.</returns>
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        while (true)
        {
            long rung;
            lock (gate)
            {
                if (waiting.TryDequeue(out item))
                {
                    return true;
                }

                if (closed)
                {
                    return false;
                }

                asleep = true;
                rung = bell.Rings;
            }

            bell.SleepSince(rung);
        }
    }

    // Whoever finds the thread asleep rings, and nobody after that.
    private void Wake()
    {
        if (Interlocked.Exchange(ref asleep, false))
        {
            bell.Ring();
        }
    }
}
