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

    /// <summary>Makes its numeric side; called on the worker's compute thread, before the first shard. When it throws, shards fail with its message, and the next one tries again.</summary>
    public required Func<IShardComputer> CreateComputer { get; init; }

    /// <summary>Makes its end of the tensor plane for a session, whose incarnation is given; called by the actor with each new session. The plane is used and
    /// disposed on the compute thread.</summary>
    public required Func<Guid, IWorkerPlane> CreatePlane { get; init; }

    /// <summary>How often a registration is repeated until it is answered.</summary>
    public TimeSpan RegistrationInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}

/// <summary>Where a worker finds its coordinator: told once it is known, and again when it is another.</summary>
/// <param name="Coordinator">The coordinator's actor.</param>
public sealed record CoordinatorFound(IActorRef Coordinator) : INoSerializationVerificationNeeded;
