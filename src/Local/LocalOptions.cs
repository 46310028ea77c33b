using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Local;

/// <summary>How a run is carried out on this machine. Nothing here can change the trained parameters.</summary>
public sealed record LocalOptions
{
    /// <summary>Worker actors in this process, at least 1.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Compute threads of each worker, at least 1.</summary>
    public int ThreadsPerWorker { get; init; } = 1;

    /// <summary>The folder that checkpoints are written to; null trains in memory alone, without checkpoints.</summary>
    public string? RunFolder { get; init; }

    /// <summary>Whether to go on from the latest whole checkpoint in <see cref="RunFolder"/>, if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>The effective job as canonical JSON, kept in every checkpoint; empty where a library user has none.</summary>
    public string JobJson { get; init; } = "";

    /// <summary>The width that kernels run at; null takes the widest of this machine.</summary>
    public VectorUnit? Unit { get; init; }

    /// <summary>Told of workers, warnings and checkpoints, besides the progress; null for nobody.</summary>
    public IRunObserver? Observer { get; init; }
}
