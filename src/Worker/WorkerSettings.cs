using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>What a worker needs.</summary>
public sealed record WorkerSettings
{
    /// <summary>Its name, unique in the run.</summary>
    public required WorkerId Worker { get; init; }

    /// <summary>Its compute threads: what it tells the coordinator, as a first guess at its speed.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Its compute thread. Whoever made it disposes it, after the actor has stopped.</summary>
    public required WorkerCompute Compute { get; init; }

    /// <summary>Makes its end of the tensor plane for a session, whose incarnation is given; called by the actor with each new session. The plane is used and
    /// disposed on the compute thread.</summary>
    public required Func<Guid, IWorkerPlane> CreatePlane { get; init; }

    /// <summary>The one session that the actor serves: it registers with this incarnation (the attendance across processes) and stops when that session is over.
    /// Null, inside one process: the actor makes its own, and a new one after each session.</summary>
    public Guid? Incarnation { get; init; }

    /// <summary>The run and the term that the worker believes in, with session 0; the default joins whichever it finds.</summary>
    public Membership Membership { get; init; }

    /// <summary>Told what the worker does.</summary>
    public ActivityReport Activity { get; init; } = new();

    /// <summary>Told that the coordinator has welcomed the worker; on the actor's thread. It must return quickly and not throw.</summary>
    public Action? Joined { get; init; }

    /// <summary>Told why the actor has ended, once, when it is stopped; on the actor's thread. It must return quickly and not throw.</summary>
    public Action<SessionOutcome>? Ended { get; init; }

    /// <summary>How often a registration is repeated until it is answered.</summary>
    public TimeSpan RegistrationInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}

/// <summary>Where a worker finds its coordinator: told once it is known, and again when it is another.</summary>
/// <param name="Coordinator">The coordinator's actor.</param>
public sealed record CoordinatorFound(IActorRef Coordinator) : ILocalMessage;
