using System.Collections.Immutable;
using System.Globalization;
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
/// <param name="Confusion">Counts by true class (first index) and predicted class (second); null for a regression, or with more than <see cref="MaximumConfusionClasses"/> classes.</param>
public sealed record Evaluation(double Loss, double Accuracy, long Samples, int[,]? Confusion)
{
    /// <summary>The most classes of which each pair is counted: they take 64 MiB.</summary>
    public const int MaximumConfusionClasses = 4096;
}

/// <summary>A model with its parameters, ready to evaluate and predict.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly ThreadTeam team;
    private readonly VectorUnit unit;
    private readonly int slice;
    private readonly int passSlices;
    private GraphExecution? execution;
    private int sliceRows;

    /// <summary>Puts a model together.</summary>
    /// <param name="job">Its job.</param>
    /// <param name="info">What it takes and gives.</param>
    /// <param name="parameters">Its parameters, in the layout of its graph.</param>
    /// <param name="unit">The vector width; null takes the widest.</param>
    /// <param name="threads">Threads that compute, the caller's among them; null takes one per core. No bit depends on them.</param>
    public TrainedModel(Job job, ModelInfo info, Arena parameters, VectorUnit? unit = null, int? threads = null)
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
        int members = threads ?? Environment.ProcessorCount;
        passSlices = ShardComputer.WaveSlices(Graph, slice, members);
        team = new ThreadTeam(members, "model");
        this.unit = unit ?? VectorUnit.Widest;
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
    /// <param name="threads">Threads that compute, the caller's among them; null takes one per core.</param>
    /// <exception cref="DistNetException">There is none, or it is torn or altered.</exception>
    public static TrainedModel Load(string path, Action<string>? warn = null, Job? job = null, int? threads = null)
    {
        Checkpoint checkpoint = CheckpointStore.Open(path, warn ?? (_ => { }));
        job ??= JobFile.FromJson(checkpoint.JobJson, source: $"the job in '{path}'");
        bool isRun = !string.IsNullOrEmpty(path) && Directory.Exists(Path.Combine(path, "checkpoints"));
        Arena parameters = isRun && job.Training.EarlyStopping is not null ? checkpoint.Best ?? checkpoint.ModelParameters() : checkpoint.ModelParameters();
        return new TrainedModel(job, checkpoint.Model, parameters, threads: threads) { Updates = checkpoint.State.Updates };
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

        GraphExecution engine = EngineFor(count);
        int slices = SlicesOf(count);
        int classes = Info.ClassNames.Length;
        int[,]? confusion = classes is > 0 and <= Evaluation.MaximumConfusionClasses ? new int[classes, classes] : null;
        float[] outputs = confusion is null ? [] : PassOutputs(count);
        var nodes = new List<SumNode>();
        var values = new List<NodeMetrics>();
        foreach (PassInput pass in Passes(split))
        {
            ImmutableArray<SumNode> cover = CanonicalSum.Cover(new SliceRange(pass.FirstPlace / slice, SlicesOf(pass.Samples.Length)), slices);
            NodeMetrics[] metrics = new NodeMetrics[cover.Length];
            engine.Evaluate(pass, Parameters.Span, cover.AsSpan(), metrics, outputs);
            nodes.AddRange(cover);
            values.AddRange(metrics);
            if (confusion is not null)
            {
                Count(confusion, pass, outputs);
            }
        }

        NodeMetrics sums = CanonicalSum.Fold([.. nodes], [.. values], slices);
        return new Evaluation(sums.Loss / sums.Weight, classes > 0 ? sums.Correct / (double)sums.Samples : double.NaN, sums.Samples, confusion);
    }

    /// <summary>The model's outputs: logits, or values of a regression.</summary>
    /// <returns>[samples, outputs], row-major.</returns>
    /// <exception cref="DistNetException">The data does not fit the model, or its outputs do not fit into one array: see <see cref="PredictInParts"/>.</exception>
    public float[] Predict(DataSplit split)
    {
        IEnumerable<ReadOnlyMemory<float>> parts = PredictInParts(split);
        long length = (long)split.Samples.Length * Graph.OutputShape.Length;
        if (length > Array.MaxLength)
        {
            throw DistNetException.BadInput(string.Create(CultureInfo.InvariantCulture, $"The predictions are {length:N0} numbers; expected at most {Array.MaxLength:N0} at once."));
        }

        float[] outputs = new float[length];
        Memory<float> left = outputs;
        foreach (ReadOnlyMemory<float> part in parts)
        {
            part.CopyTo(left);
            left = left[part.Length..];
        }

        return outputs;
    }

    /// <summary>The same, some samples at a time, in order.</summary>
    /// <returns>[samples of the part, outputs], row-major; the next part overwrites it.</returns>
    /// <exception cref="DistNetException">The data does not fit the model.</exception>
    public IEnumerable<ReadOnlyMemory<float>> PredictInParts(DataSplit split)
    {
        ArgumentNullException.ThrowIfNull(split);
        if (split.Data.InputShape != Info.InputShape)
        {
            throw DistNetException.BadInput($"The data's samples have the shape {split.Data.InputShape}, but the model takes {Info.InputShape}.");
        }

        GraphExecution engine = EngineFor(split.Samples.Length);
        float[] outputs = PassOutputs(split.Samples.Length);
        return Passes(split).Select(pass =>
        {
            engine.Predict(pass, Parameters.Span, outputs);
            return (ReadOnlyMemory<float>)outputs.AsMemory(0, pass.Samples.Length * Graph.OutputShape.Length);
        });
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

    private void Count(int[,] confusion, in PassInput pass, ReadOnlySpan<float> outputs)
    {
        int width = Graph.OutputShape.Length;
        ReadOnlySpan<int> labels = pass.Data.Labels;
        ReadOnlySpan<int> samples = pass.Samples.Span;
        for (int i = 0; i < samples.Length; i++)
        {
            confusion[labels[samples[i]], ClassOf(outputs.Slice(i * width, width))]++;
        }
    }

    // A slice may be longer than any data: there is memory for those of the most samples so far.
    private GraphExecution EngineFor(int samples)
    {
        int rows = Math.Clamp(samples, 1, slice);
        if (execution is null || rows > sliceRows)
        {
            execution = new GraphExecution(Graph, Job.Loss, rows, passSlices, unit, team);
            sliceRows = rows;
        }

        return execution;
    }

    private int SlicesOf(int samples) => (int)(((long)samples + slice - 1) / slice);

    // For the outputs of one pass after the other, over a number of samples.
    private float[] PassOutputs(int samples) => new float[Math.Min(samples, (long)passSlices * slice) * Graph.OutputShape.Length];

    private IEnumerable<PassInput> Passes(DataSplit split)
    {
        int rows = (int)Math.Min(int.MaxValue, (long)passSlices * slice);
        for (int place = 0, count; place < split.Samples.Length; place += count)
        {
            count = Math.Min(rows, split.Samples.Length - place);
            yield return new PassInput { Data = split.Data, Samples = split.Samples.Slice(place, count), Seed = Job.Training.Seed, Step = 0, FirstPlace = place };
        }
    }
}
