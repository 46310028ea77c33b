using System.Diagnostics.CodeAnalysis;
using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>What waits for one thread. The thread sleeps at once when there is nothing: one that spun would take a core from those that compute (measured with two workers
/// on two cores: a tenth of a step). It is woken outside the lock, which it needs itself. Where the queue can be served by others, a <see cref="Helper"/> that adds something while the thread sleeps serves it
/// instead: one at a time, in order.</summary>
/// <typeparam name="T">What waits.</typeparam>
/// <param name="bell">What the thread sleeps for.</param>
/// <param name="serve">What a helper does with what waits; null where the thread alone may.</param>
/// <param name="isServable">What a helper may serve; the rest is the thread's, and what waits behind it too. Null for all.</param>
/// <param name="mostServed">How much a helper serves at a time, before it leaves the rest to the thread: it has work of its own, and perhaps another queue to serve.</param>
internal sealed class SleepingQueue<T>(Doorbell bell, Action<T>? serve = null, Func<T, bool>? isServable = null, int mostServed = 100) : IHelped
{
    private readonly Lock gate = new();
    private readonly Queue<T> waiting = new();
    private bool closed;

    // The thread sleeps, or is about to, and nobody has taken it upon himself yet to wake it. Set and taken back behind the gate alone: taken back elsewhere, by one who rings late, just before the
    // thread reads how often it was rung, the next one would find that nobody need ring, and the thread sleep on.
    private bool asleep;

    // Somebody is at it: the thread, from one call of TryTake to the next, or a helper.
    private bool isServed;

    // The thread's own: whether that is the thread.
    private bool isOwn;

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
        bool helps, wakes;
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            waiting.Enqueue(item);
            if (isServed && serve is not null)
            {
                return true;
            }

            helps = IsServable(item) && Helper.IsHelping;
            isServed |= helps;
            wakes = !helps && TakesToWake();
        }

        if (helps)
        {
            Helper.Promise(this);
        }

        RingIf(wakes);
        return true;
    }

    void IHelped.Serve()
    {
        bool wakes;
        for (int left = mostServed; ; left--)
        {
            T? item;
            lock (gate)
            {
                if (left == 0 || !waiting.TryPeek(out item) || !IsServable(item))
                {
                    isServed = false;
                    wakes = (waiting.Count > 0 || closed) && TakesToWake();
                    break;
                }

                waiting.Dequeue();
            }

            try
            {
                serve!(item);
            }
            catch
            {
                GiveBack();
                throw;
            }
        }

        RingIf(wakes);
    }

    /// <inheritdoc/>
    public void GiveBack()
    {
        bool wakes;
        lock (gate)
        {
            isServed = false;
            wakes = TakesToWake();
        }

        RingIf(wakes);
    }

    /// <summary>Takes no more.</summary>
    /// <param name="drop">Whether what waits is dropped; otherwise it is still taken.</param>
    public void Close(bool drop)
    {
        bool wakes;
        lock (gate)
        {
            closed = true;
            if (drop)
            {
                waiting.Clear();
            }

            wakes = TakesToWake();
        }

        RingIf(wakes);
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
                isServed &= !isOwn;
                isOwn = false;
                if (!isServed)
                {
                    if (waiting.TryDequeue(out item))
                    {
                        isServed = isOwn = true;
                        return true;
                    }

                    if (closed)
                    {
                        item = default;
                        return false;
                    }
                }

                asleep = true;
                rung = bell.Rings;
            }

            bell.SleepSince(rung);
        }
    }

    private bool IsServable(T item) => serve is not null && (isServable is null || isServable(item));

    // Behind the gate: whoever finds the thread asleep rings, and nobody after that.
    private bool TakesToWake()
    {
        (bool wakes, asleep) = (asleep, false);
        return wakes;
    }

    // Outside the gate, which the thread needs itself.
    private void RingIf(bool wakes)
    {
        if (wakes)
        {
            bell.Ring();
        }
    }
}
