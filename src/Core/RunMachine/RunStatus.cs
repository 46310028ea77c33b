using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>A run as it is now, for people: what <c>distnet status</c> prints.</summary>
public sealed record RunStatus
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The coordinator's life.</summary>
    public required int Term { get; init; }

    /// <summary>What the run waits for.</summary>
    public required RunStage Stage { get; init; }

    /// <summary>What is computed in shards; null where nothing is.</summary>
    public RunPhase? Phase { get; init; }

    /// <summary>Steps completed.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole training.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Epochs completed.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs of the whole training.</summary>
    public required int TotalEpochs { get; init; }

    /// <summary>Slices answered of the phase under way.</summary>
    public int SlicesDone { get; init; }

    /// <summary>Slices of the phase under way; 0 where there is none.</summary>
    public int Slices { get; init; }

    /// <summary>Workers that must be present before the term's first shard is given out; 0 once they were.</summary>
    public int WorkersAwaited { get; init; }

    /// <summary>Steps completed at the last checkpoint of this term; −1 for none.</summary>
    public long CheckpointStep { get; init; } = -1;

    /// <summary>Whether a stop was requested.</summary>
    public bool Stopping { get; init; }

    /// <summary>The workers present, in the order of joining.</summary>
    public required ImmutableArray<WorkerStatus> Workers { get; init; }

    /// <summary>How often each rule fired in this term.</summary>
    public required RunCounters Counters { get; init; }

    /// <summary>How the run ended or is about to; null before.</summary>
    public RunOutcome? Outcome { get; init; }
}

/// <summary>One worker of a <see cref="RunStatus"/>.</summary>
public sealed record WorkerStatus
{
    /// <summary>Its name.</summary>
    public required WorkerId Worker { get; init; }

    /// <summary>Where it runs; empty in the coordinator's own process.</summary>
    public required string Host { get; init; }

    /// <summary>Its session.</summary>
    public required long Session { get; init; }

    /// <summary>Its compute threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Training slices per second, smoothed; 0 until measured.</summary>
    public required double Speed { get; init; }

    /// <summary>The step of the shard it has; null where it has none.</summary>
    public long? Step { get; init; }

    /// <summary>The slices of the shard it has; empty where it has none.</summary>
    public SliceRange Slices { get; init; }

    /// <summary>How long it has had the shard, in milliseconds.</summary>
    public long SinceMs { get; init; }

    /// <summary>Whether the shard is late, so that its slices are free for others.</summary>
    public bool Late { get; init; }

    /// <summary>Whether it has been silent so long that it gets no work until it is heard.</summary>
    public bool Suspected { get; init; }

    /// <summary>How long it gets no work, as it failed too often, in milliseconds; 0 where it does.</summary>
    public long AsideMs { get; init; }

    /// <summary>Failures since its last accepted answer.</summary>
    public int Failures { get; init; }

    /// <summary>How long ago it was heard, in milliseconds; null for a worker that does not beat.</summary>
    public long? SilentMs { get; init; }

    /// <summary>What it did when it was last heard; null for a worker that does not beat.</summary>
    public WorkerActivity? Activity { get; init; }
}
