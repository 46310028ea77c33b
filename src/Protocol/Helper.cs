using Akka.Actor;

namespace DistNet.Protocol;

/// <summary>A thread that brings a message and has nothing better to do for as long as a step's sum and update take, and so does itself what comes of it, one queue after the other: nobody need be woken,
/// and what the thread wrote is still in its core's caches when it is read.</summary>
/// <remarks>Compute threads and the readers of connections and of answers are such. That of the timers has no such time, and helps with what is brief alone. Only what waits while nobody is at its queue is taken, and only queues that say how they are served (<see cref="SleepingQueue{T}"/>):
/// whoever serves one, it is one at a time, and in order. What takes longer, such as writing a checkpoint, its thread does itself: a reader would read nothing meanwhile, and its peer be given up.
/// What is served should not throw; the queue goes back to its thread if it does.</remarks>
public static class Helper
{
    [ThreadStatic]
    private static Queue<IHelped>? toServe;

    [ThreadStatic]
    private static bool isHelping;

    [ThreadStatic]
    private static bool isBrief;

    /// <summary>Whether this thread will serve queues: it has then promised to serve those that it is given.</summary>
    internal static bool IsHelping => isHelping;

    /// <summary>Whether this thread helps with what takes as long as a step's sum and update.</summary>
    internal static bool HasTime => !isBrief;

    /// <summary>Tells an actor something, and serves the queues in which something waits on that account. To be called where the thread has nothing else to do.</summary>
    /// <param name="receiver">Who is told.</param>
    /// <param name="message">What.</param>
    public static void Tell(IActorRef receiver, object message)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        using (Begin())
        {
            receiver.Tell(message, ActorRefs.NoSender);
        }
    }

    /// <summary>From here to the end of the scope things are brought; then the queues are served in which something waits on that account.</summary>
    /// <param name="isBrief">Whether only with what is brief.</param>
    internal static Scope Begin(bool isBrief = false)
    {
        isHelping = true;
        Helper.isBrief = isBrief;
        return new Scope(toServe ??= new Queue<IHelped>());
    }

    /// <summary>Gives this thread a queue to serve.</summary>
    internal static void Promise(IHelped queue) => toServe!.Enqueue(queue);

    /// <summary>See <see cref="Begin"/>.</summary>
    /// <param name="promised">The thread's queues to serve.</param>
    internal readonly ref struct Scope(Queue<IHelped> promised)
    {
        /// <summary>Serves what was promised.</summary>
        public void Dispose()
        {
            try
            {
                while (promised.TryDequeue(out IHelped? queue))
                {
                    queue.Serve();
                }
            }
            finally
            {
                while (promised.TryDequeue(out IHelped? queue))
                {
                    queue.GiveBack();
                }

                isHelping = false;
            }
        }
    }
}

/// <summary>What a <see cref="Helper"/> serves.</summary>
internal interface IHelped
{
    /// <summary>Serves what waits, though not for ever; the turn was taken before, and is given back.</summary>
    void Serve();

    /// <summary>Gives the turn back and serves nothing.</summary>
    void GiveBack();
}
