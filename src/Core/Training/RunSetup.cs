using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>A job put together with its data and checked: what coordinator and workers of one run share. Immutable.</summary>
public sealed class RunSetup
{
    private RunSetup(Job job, LoadedData data, Graph graph, string jobJson)
    {
        Job = job;
        Data = data;
        Graph = graph;
        JobJson = jobJson;
        Plan = new TrainingPlan(data.Train.Samples.Length, job.Training.Batch, job.Training.Slice, job.Training.Epochs);
        Order = new SampleOrder(data.Train, job.Training.Shuffle, job.Training.Seed);
    }

    /// <summary>The job.</summary>
    public Job Job { get; }

    /// <summary>The effective job as canonical JSON, kept in every checkpoint; empty where a library user has none.</summary>
    public string JobJson { get; }

    /// <summary>The data, split.</summary>
    public LoadedData Data { get; }

    /// <summary>The model with its normalisation, checked against the data.</summary>
    public Graph Graph { get; }

    /// <summary>Epochs, steps, batches and slices.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>The order of the samples in each epoch.</summary>
    public SampleOrder Order { get; }

    /// <summary>Checks a job against its data and builds the model.</summary>
    /// <param name="job">The job.</param>
    /// <param name="data">The data, split.</param>
    /// <param name="jobJson">The effective job as canonical JSON, for the checkpoints.</param>
    /// <exception cref="DistNetException">A value of the job is wrong, or the model does not fit the data.</exception>
    public static RunSetup Create(Job job, LoadedData data, string jobJson = "")
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(data);
        JobChecks.Check(job, data.Validation is not null);
        Graph graph = ModelOf(job, data.Train.Data.InputShape, data.Normalization);
        Loss.Create(job.Loss).CheckFits(graph, data.Train.Data);
        EmbeddingFit.Check(graph, data);
        return new RunSetup(job, data, graph, jobJson);
    }

    /// <summary>A job's model with the normalisation of its inputs.</summary>
    /// <param name="job">The job.</param>
    /// <param name="inputShape">The shape of one sample's input.</param>
    /// <param name="statistics">Mean and deviation of the training split; null where inputs are not normalised.</param>
    public static Graph ModelOf(Job job, Shape inputShape, NormalizationStatistics? statistics)
    {
        ArgumentNullException.ThrowIfNull(job);
        ModelDefinition definition = statistics is null
            ? job.Model
            : job.Model.WithNormalization(new Normalization(statistics.Mean, statistics.Deviation));
        return Graph.Build(definition, inputShape, job.Loss);
    }
}
