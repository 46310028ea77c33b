namespace DistNet.Runs;

/// <summary>What a worker says that it does.</summary>
public enum ActivityKind
{
    /// <summary>Nothing: it waits for a shard.</summary>
    Idle,

    /// <summary>It opens or fetches the data.</summary>
    PreparingData,

    /// <summary>It has a shard and waits for the parameters.</summary>
    WaitingForParameters,

    /// <summary>It computes a shard.</summary>
    Computing,

    /// <summary>It delivers the gradients of a shard.</summary>
    Uploading,

    /// <summary>It was asked to end and finishes what it has.</summary>
    Leaving,
}

/// <summary>What a worker's beat tells: enough to say why a step takes long.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Step">For which step, where it has a shard; otherwise 0.</param>
/// <param name="Slices">For which slices, where it has a shard; otherwise none.</param>
/// <param name="Seconds">For how long it has done so, by its own clock, when the beat was sent.</param>
public readonly record struct WorkerActivity(ActivityKind Kind, long Step, SliceRange Slices, double Seconds);
