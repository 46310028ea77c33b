using Akka.Actor;

namespace DistNet.Protocol;

/// <summary>A thread that brings a message and has nothing better to do, and so does itself what comes of it, one queue after the other: nobody need be woken, and what the
/// thread wrote is still in its core's caches when it is read.</summary>
/// <remarks>Only what waits while nobody is at its queue is taken, and only queues that say how they are served (<see cref="SleepingQueue{T}"/>): whoever serves one, it is one at a time, and in order.
/// What is served must not throw: nobody would be at the queue again.</remarks>
public static class Helper
{
    [ThreadStatic]
    private static Queue<IHelped>? toServe;

    [ThreadStatic]
    private static bool isHelping;

    /// <summary>Whether this thread will serve queues: it has then promised to serve those that it is given.</summary>
    internal static bool IsHelping => isHelping;

    /// <summary>Tells an actor something, and serves the queues in which something waits on that account. To be called where the thread has nothing else to do.</summary>
    /// <param name="receiver">Who is told.</param>
    /// <param name="message">What.</param>
    public static void Tell(IActorRef receiver, object message)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        Queue<IHelped> promised = toServe ??= new Queue<IHelped>();
        isHelping = true;
        try
        {
            receiver.Tell(message, ActorRefs.NoSender);
            while (promised.TryDequeue(out IHelped? queue))
            {
                queue.Serve();
            }
        }
        finally
        {
            isHelping = false;
        }
    }

    /// <summary>Gives this thread a queue to serve.</summary>
    internal static void Promise(IHelped queue) => toServe!.Enqueue(queue);
}

/// <summary>What a <see cref="Helper"/> serves.</summary>
internal interface IHelped
{
    /// <summary>Serves what waits, though not for ever; the turn was taken before, and is given back.</summary>
    void Serve();
}
