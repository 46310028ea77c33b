namespace DistNet.Runs;

/// <summary>Names one training job under way; kept through every resume, so that a message of another run is never mistaken for one of this.</summary>
/// <param name="Value">A random identifier, made when the run folder is created.</param>
public readonly record struct RunId(Guid Value)
{
    /// <summary>A new identifier.</summary>
    public static RunId Create() => new(Guid.NewGuid());

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("N");
}

/// <summary>A worker's name: stable over its sessions, shown to the user (<c>w1</c>).</summary>
/// <param name="Name">The name; not empty.</param>
public readonly record struct WorkerId(string Name)
{
    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>What is computed in shards.</summary>
public enum RunPhase
{
    /// <summary>One step: losses and gradients of a batch.</summary>
    Training,

    /// <summary>Losses and counts of the validation split.</summary>
    Validation,

    /// <summary>A step whose gradient was not finite, computed again to find the slice and the layer.</summary>
    Diagnosis,
}

/// <summary>On every message between coordinator and worker: which run, which life of the coordinator, which step and which session of the
/// worker it belongs to. Whoever receives a fence that is not the current one counts the message and drops it.</summary>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator, from 1.</param>
/// <param name="Phase">With <paramref name="Step"/>, the sharded computation: a step is followed by a validation that has the next step's number.</param>
/// <param name="Step">Steps completed when the computation began.</param>
/// <param name="Session">The worker's membership, numbered by the coordinator within a term from 1.</param>
public readonly record struct Fence(RunId Run, int Term, RunPhase Phase, long Step, long Session);
