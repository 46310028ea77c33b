using System.Collections.Immutable;
using DistNet.Runs;

namespace DistNet.Protocol.Plane;

/// <summary>What a cluster is doing, for <c>distnet status</c> and for monitors.</summary>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator.</param>
/// <param name="Stage">waiting for workers, training, validation, test, checkpoint, stopping or ended.</param>
/// <param name="Phase">What is computed in shards.</param>
/// <param name="Step">Steps completed.</param>
/// <param name="TotalSteps">Steps of the run.</param>
/// <param name="Epoch">Epochs completed.</param>
/// <param name="TotalEpochs">Epochs of the run.</param>
/// <param name="SamplesPerSecond">The run's speed.</param>
/// <param name="Loss">The last step's loss; NaN where there is none.</param>
/// <param name="WaitingFor">A sentence where the step takes longer than it should; otherwise empty.</param>
/// <param name="Workers">The workers present.</param>
/// <param name="Counters">What was counted, refusals among it.</param>
/// <param name="Seconds">Since this life of the coordinator began.</param>
public sealed record ClusterStatus(
    RunId Run,
    int Term,
    string Stage,
    string Phase,
    long Step,
    long TotalSteps,
    int Epoch,
    int TotalEpochs,
    double SamplesPerSecond,
    double Loss,
    string WaitingFor,
    ImmutableArray<ClusterWorker> Workers,
    ImmutableArray<StatusCounter> Counters,
    double Seconds);

/// <summary>One worker of a cluster.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Host">Where it says it runs.</param>
/// <param name="ProcessId">Its process there.</param>
/// <param name="Threads">Its compute threads.</param>
/// <param name="Transport">How its tensors travel.</param>
/// <param name="Session">Its session; 0 before it has registered.</param>
/// <param name="Slices">Its shard; none has 0 slices.</param>
/// <param name="Seconds">For how long it has had the shard.</param>
/// <param name="Activity">What it says that it does.</param>
/// <param name="SilentSeconds">Since it was last heard.</param>
/// <param name="SamplesPerSecond">Its measured speed; 0 where there is none.</param>
/// <param name="Flags">late, silent, set aside, leaving.</param>
/// <param name="Failures">Shards that failed.</param>
public sealed record ClusterWorker(
    string Worker,
    string Host,
    int ProcessId,
    int Threads,
    string Transport,
    long Session,
    SliceRange Slices,
    double Seconds,
    WorkerActivity Activity,
    double SilentSeconds,
    double SamplesPerSecond,
    ImmutableArray<string> Flags,
    long Failures);

/// <summary>Something counted.</summary>
/// <param name="Name">What, in words.</param>
/// <param name="Value">How often, since this life of the coordinator began.</param>
public readonly record struct StatusCounter(string Name, long Value);
