using System.Collections.Immutable;
using System.Globalization;
using DistNet.Cli.Verbs;

namespace DistNet.Cli.Supervision;

/// <summary>The commands of a run's processes.</summary>
internal sealed record SupervisedRun
{
    public required string JobPath { get; init; }

    /// <summary>The options that change the job or its data.</summary>
    public required ImmutableArray<string> JobOptions { get; init; }

    /// <summary>The worker's value of --data, or null.</summary>
    public required string? DataFolder { get; init; }

    public required string Folder { get; init; }

    public required int Processes { get; init; }

    public required int Threads { get; init; }

    /// <summary><c>auto</c> or <c>off</c>.</summary>
    public required string SharedMemory { get; init; }

    /// <summary>Threads that sum gradients and update: the workers wait meanwhile, so they may be as many; never more than cores.</summary>
    public int UpdateThreads => (int)Math.Min((long)Processes * Threads, Environment.ProcessorCount);

    /// <summary>The coordinator's command line.</summary>
    /// <param name="address">Where to listen; a port of 0 is the system's choice.</param>
    /// <param name="resume">Whether to go on with the run in the folder.</param>
    /// <param name="minimumWorkers">How many workers the first step waits for.</param>
    public IEnumerable<string> Coordinator(string address, bool resume, int minimumWorkers) =>
    [
        "coordinator", JobPath, "--out", Folder, .. resume ? ["--resume"] : Array.Empty<string>(), .. JobOptions,
        "--bind", address, "--min-workers", Text(minimumWorkers), "--threads", Text(UpdateThreads), "--shared-memory", SharedMemory, "--json", "--supervised",
    ];

    /// <summary>A worker's command line.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="index">Which of the workers it is, from 0.</param>
    /// <param name="address">The coordinator's address.</param>
    public IEnumerable<string> Worker(string name, int index, string address) =>
    [
        "worker", "--join", address, "--name", name, "--threads", Text(Threads), .. DataFolder is null ? Array.Empty<string>() : ["--data", DataFolder],
        "--shared-memory", SharedMemory, "--json", "--supervised",
        .. ProcessorSet.Share(index, Processes, Threads) is { } processors ? ["--processors", processors] : Array.Empty<string>(),
    ];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
