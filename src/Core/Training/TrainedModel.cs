using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>What a model makes of labelled data.</summary>
/// <param name="Loss">The mean loss, by the canonical tree: the same bits as a run's validation or test.</param>
/// <param name="Accuracy">The share of samples classified correctly, in [0, 1]; NaN for a regression.</param>
/// <param name="Samples">How many samples.</param>
/// <param name="Confusion">Counts by true class (first index) and predicted class (second); null for a regression.</param>
public sealed record Evaluation(double Loss, double Accuracy, long Samples, int[,]? Confusion);

/// <summary>A model with its parameters, ready to evaluate and predict.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly ThreadTeam team;
    private readonly GraphExecution execution;
    private readonly int slice;

    /// <summary>Puts a model together.</summary>
    /// <param name="job">Its job.</param>
    /// <param name="info">What it takes and gives.</param>
    /// <param name="parameters">Its parameters, in the layout of its graph.</param>
    /// <param name="unit">The vector width; null takes the widest.</param>
    public TrainedModel(Job job, ModelInfo info, Arena parameters, VectorUnit? unit = null)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(parameters);
        Job = job;
        Info = info;
        Parameters = parameters;
        Graph = RunSetup.ModelOf(job, info.InputShape, info.Normalization);
        if (!Graph.Layout.Entries.SequenceEqual(parameters.Layout.Entries))
        {
            throw DistNetException.BadInput("The parameters do not fit the job's model: their names or shapes differ.");
        }

        slice = job.Training.Slice;
        team = new ThreadTeam(1, "model");
        execution = new GraphExecution(Graph, job.Loss, slice, ShardComputer.WaveSlices(Graph, slice, threads: 1), unit ?? VectorUnit.Widest, team);
    }

    /// <summary>The job it was trained by.</summary>
    public Job Job { get; }

    /// <summary>What it takes and gives.</summary>
    public ModelInfo Info { get; }

    /// <summary>The model with its normalisation.</summary>
    public Graph Graph { get; }

    /// <summary>The parameters.</summary>
    public Arena Parameters { get; }

    /// <summary>The number of updates that made the parameters; of a run's best, those of its latest checkpoint.</summary>
    public long Updates { get; init; }

    /// <summary>Loads the model of a run folder (its best parameters so far where early stopping is on, else its latest) or of one checkpoint (its parameters as they were); the average of the
    /// weights where one is kept.</summary>
    /// <param name="path">A run folder or a checkpoint's folder.</param>
    /// <param name="warn">Told of checkpoints that could not be used.</param>
    /// <param name="job">The job, where it cannot be read from the checkpoint (a model with modules of the user's own); null reads it.</param>
    /// <exception cref="DistNetException">There is none, or it is torn or altered.</exception>
    public static TrainedModel Load(string path, Action<string>? warn = null, Job? job = null)
    {
        Checkpoint checkpoint = CheckpointStore.Open(path, warn ?? (_ => { }));
        job ??= JobFile.FromJson(checkpoint.JobJson, source: $"the job in '{path}'");
        bool isRun = !string.IsNullOrEmpty(path) && Directory.Exists(Path.Combine(path, "checkpoints"));
        Arena parameters = isRun && job.Training.EarlyStopping is not null ? checkpoint.Best ?? checkpoint.ModelParameters() : checkpoint.ModelParameters();
        return new TrainedModel(job, checkpoint.Model, parameters) { Updates = checkpoint.State.Updates };
    }

    /// <summary>Loss, accuracy and confusion on labelled samples.</summary>
    /// <exception cref="DistNetException">The data does not fit the model.</exception>
    public Evaluation Evaluate(DataSplit split)
    {
        ArgumentNullException.ThrowIfNull(split);
        Loss.Create(Job.Loss).CheckFits(Graph, split.Data);
        int count = split.Samples.Length;
        if (count == 0)
        {
            throw DistNetException.BadInput("There are no samples to evaluate on; expected at least 1.");
        }

        int slices = (count + slice - 1) / slice;
        var nodes = new List<SumNode>();
        var values = new List<NodeMetrics>();
        for (int first = 0; first < slices; first += execution.MaximumSlices)
        {
            SliceRange pass = new(first, Math.Min(execution.MaximumSlices, slices - first));
            ImmutableArray<SumNode> cover = CanonicalSum.Cover(pass, slices);
            NodeMetrics[] metrics = new NodeMetrics[cover.Length];
            execution.Evaluate(Input(split, pass), Parameters.Span, cover.AsSpan(), metrics);
            nodes.AddRange(cover);
            values.AddRange(metrics);
        }

        NodeMetrics sums = CanonicalSum.Fold([.. nodes], [.. values], slices);
        bool classifies = !Info.ClassNames.IsEmpty;
        return new Evaluation(
            sums.Loss / sums.Weight,
            classifies ? sums.Correct / (double)sums.Samples : double.NaN,
            sums.Samples,
            classifies ? Confusion(split) : null);
    }

    /// <summary>The model's outputs: logits, or values of a regression.</summary>
    /// <returns>[samples, outputs], row-major.</returns>
    public float[] Predict(DataSplit split)
    {
        ArgumentNullException.ThrowIfNull(split);
        if (split.Data.InputShape != Info.InputShape)
        {
            throw DistNetException.BadInput($"The data's samples have the shape {split.Data.InputShape}, but the model takes {Info.InputShape}.");
        }

        int width = Graph.OutputShape.Length;
        float[] outputs = new float[split.Samples.Length * width];
        int rows = execution.MaximumSlices * slice;
        for (int first = 0; first < split.Samples.Length; first += rows)
        {
            SliceRange pass = new(first / slice, (Math.Min(rows, split.Samples.Length - first) + slice - 1) / slice);
            PassInput input = Input(split, pass);
            execution.Predict(input, Parameters.Span, outputs.AsSpan(first * width, input.Samples.Length * width));
        }

        return outputs;
    }

    /// <summary>The class index of one sample's outputs: the largest logit, the first of equals; for one logit (binary) 1 where it is above 0.</summary>
    public static int ClassOf(ReadOnlySpan<float> outputs)
    {
        if (outputs.Length == 1)
        {
            return outputs[0] > 0 ? 1 : 0;
        }

        int best = 0;
        for (int i = 1; i < outputs.Length; i++)
        {
            best = outputs[i] > outputs[best] ? i : best;
        }

        return best;
    }

    /// <summary>Ends its threads.</summary>
    public void Dispose() => team.Dispose();

    private int[,] Confusion(DataSplit split)
    {
        int[,] counts = new int[Info.ClassNames.Length, Info.ClassNames.Length];
        float[] outputs = Predict(split);
        int width = Graph.OutputShape.Length;
        ReadOnlySpan<int> labels = split.Data.Labels;
        ReadOnlySpan<int> samples = split.Samples.Span;
        for (int i = 0; i < samples.Length; i++)
        {
            counts[labels[samples[i]], ClassOf(outputs.AsSpan(i * width, width))]++;
        }

        return counts;
    }

    private PassInput Input(DataSplit split, SliceRange pass)
    {
        int place = pass.First * slice;
        return new PassInput
        {
            Data = split.Data,
            Samples = split.Samples.Slice(place, Math.Min(pass.Count * slice, split.Samples.Length - place)),
            Seed = Job.Training.Seed,
            Step = 0,
            FirstPlace = place,
        };
    }
}
