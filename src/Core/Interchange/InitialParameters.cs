using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>The parameters that a run starts with: random ones, and in their place those of a file where the job names one.</summary>
public static class InitialParameters
{
    /// <summary>Writes all parameters.</summary>
    /// <param name="job">The job.</param>
    /// <param name="graph">Its model.</param>
    /// <param name="parameters">An arena of the graph's layout.</param>
    /// <exception cref="DistNetException">The file cannot be read, is another than the job says, or does not fit the model.</exception>
    public static void Write(Job job, Graph graph, Arena parameters)
    {
        ArgumentNullException.ThrowIfNull(job);
        Initialization.Initialize(graph, job.Training.Initialization, job.Training.Seed, parameters);
        if (job.Training.InitializeFrom is { } start)
        {
            string path = PathOf(job, start);
            CheckHash(path, start.Sha256);
            using SafetensorsReader file = SafetensorsReader.Open(path);
            ParameterImport.Read(file, path, start.Skip, parameters);
        }
    }

    /// <summary>Finds out whether a run could start, before anything of it is written.</summary>
    /// <param name="job">The job.</param>
    /// <param name="graph">Its model.</param>
    /// <exception cref="DistNetException">As <see cref="Write"/>.</exception>
    public static void Check(Job job, Graph graph)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(graph);
        if (job.Training.InitializeFrom is not null)
        {
            Write(job, graph, new Arena(graph.Layout));
        }
    }

    /// <summary>The job with the hash of the file that it starts from, which makes the file a part of the job.</summary>
    /// <param name="job">The job.</param>
    /// <exception cref="DistNetException">The file cannot be read, or has another hash than the job says.</exception>
    public static Job WithHash(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return job.Training.InitializeFrom is { } start
            ? job with { Training = job.Training with { InitializeFrom = start with { Sha256 = CheckHash(PathOf(job, start), start.Sha256) } } }
            : job;
    }

    private static string PathOf(Job job, InitializeFromOptions start) => Path.Combine(job.Data?.BaseFolder ?? "", start.File);

    private static string CheckHash(string path, string? expected)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            string found = FileHash.Of(file, CancellationToken.None);
            return expected is null || found == expected
                ? found
                : throw DistNetException.BadInput($"The file '{path}' has the SHA-256 {found}; expected {expected} by training.initializeFrom.sha256.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The file '{path}' of training.initializeFrom cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
