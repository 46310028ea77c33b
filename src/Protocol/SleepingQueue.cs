using System.Diagnostics.CodeAnalysis;

namespace DistNet.Protocol;

/// <summary>What waits for one thread. The thread sleeps at once when there is nothing: one that spun would take a core from those that compute (measured with two workers
/// on two cores: a tenth of a step).</summary>
/// <typeparam name="T">What waits.</typeparam>
internal sealed class SleepingQueue<T>
{
    private readonly object gate = new();
    private readonly Queue<T> waiting = new();
    private bool asleep;
    private bool closed;

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
            Wake();
            return true;
        }
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

            Wake();
        }
    }

    /// <summary>Takes the next, and sleeps until there is one.</summary>
    /// <returns>False when the queue is closed and nothing waits.</returns>
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        lock (gate)
        {
            while (waiting.Count == 0 && !closed)
            {
                asleep = true;
                Monitor.Wait(gate);
            }

            return waiting.TryDequeue(out item);
        }
    }

    private void Wake()
    {
        if (asleep)
        {
            asleep = false;
            Monitor.Pulse(gate);
        }
    }
}
