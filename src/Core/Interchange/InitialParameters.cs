using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>What a run starts with: random parameters, and in their place those of a file where the job names one; so for the optimizer's state.</summary>
public static class InitialParameters
{
    /// <summary>Writes all parameters.</summary>
    /// <param name="job">The job.</param>
    /// <param name="graph">Its model.</param>
    /// <param name="parameters">An arena of the graph's layout.</param>
    /// <returns>How many of the parameters (floats) came from the file.</returns>
    /// <exception cref="DistNetException">The file cannot be read, is another than the job says, or does not fit the model.</exception>
    public static long Write(Job job, Graph graph, Arena parameters)
    {
        ArgumentNullException.ThrowIfNull(job);
        Initialization.Initialize(graph, job.Training.Initialization, job.Training.Seed, parameters);
        if (job.Training.InitializeFrom is not { } start)
        {
            return 0;
        }

        string path = PathOf(job, start.File);
        CheckHash(path, start.Sha256);
        using SafetensorsReader file = SafetensorsReader.Open(path);
        return ParameterImport.Read(file, path, start, parameters);
    }

    /// <summary>Writes the optimizer's slots where the job names a file of them.</summary>
    /// <param name="job">The job.</param>
    /// <param name="slots">The slots, all +0.</param>
    /// <param name="state">The state to start from.</param>
    /// <returns>The state with the number of updates that the slots have seen.</returns>
    /// <exception cref="DistNetException">The file cannot be read, is another than the job says, or does not fit.</exception>
    public static TrainingState ReadOptimizer(Job job, ImmutableArray<OptimizerSlot> slots, TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(state);
        if (job.Training.InitializeFrom is not { Optimizer: { } name } start)
        {
            return state;
        }

        string path = PathOf(job, name);
        CheckHash(path, start.OptimizerSha256);
        using SafetensorsReader file = SafetensorsReader.Open(path);
        long updates = OptimizerImport.Read(file, path, start, slots);
        return state with { Updates = updates, Beta1Power = OptimizerImport.Power(job.Optimizer.Beta1, updates), Beta2Power = OptimizerImport.Power(job.Optimizer.Beta2, updates) };
    }

    /// <summary>Finds out whether a run could start, before anything of it is written.</summary>
    /// <param name="job">The job.</param>
    /// <param name="graph">Its model.</param>
    /// <returns>As <see cref="Write"/>.</returns>
    /// <exception cref="DistNetException">As <see cref="Write"/>.</exception>
    public static long Check(Job job, Graph graph)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(graph);
        if (job.Training.InitializeFrom is null)
        {
            return 0;
        }

        long taken = Write(job, graph, new Arena(graph.Layout));
        ReadOptimizer(job, [.. UpdateRule.For(job.Optimizer).SlotNames.Select(name => new OptimizerSlot(name, new Arena(graph.Layout)))], new TrainingState());
        return taken;
    }

    /// <summary>The job with the hash of the file that it starts from, which makes the file a part of the job.</summary>
    /// <param name="job">The job.</param>
    /// <exception cref="DistNetException">The file cannot be read, or has another hash than the job says.</exception>
    public static Job WithHash(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (job.Training.InitializeFrom is not { } start)
        {
            return job;
        }

        start = start with
        {
            Sha256 = CheckHash(PathOf(job, start.File), start.Sha256),
            OptimizerSha256 = start.Optimizer is null ? start.OptimizerSha256 : CheckHash(PathOf(job, start.Optimizer), start.OptimizerSha256),
        };
        return job with { Training = job.Training with { InitializeFrom = start } };
    }

    private static string PathOf(Job job, string file) => Path.Combine(job.Data?.BaseFolder ?? "", file);

    private static string CheckHash(string path, string? expected)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            string found = FileHash.Of(file, CancellationToken.None);
            return expected is null || found == expected
                ? found
                : throw DistNetException.BadInput($"The file '{path}' has the SHA-256 {found}; expected {expected} by training.initializeFrom.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The file '{path}' of training.initializeFrom cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
