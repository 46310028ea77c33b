using System.Diagnostics;
using System.Globalization;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Kernels.Bench;

/// <summary>The roofline of a step of a workload (mlp, cnn or residual: bytes normalised by channel, AdamW) on one thread: what each node and phase takes, and what its products would at the limit of
/// multiply-adds. Messages are left out; a run's <c>step_ms</c> has them.</summary>
internal static class StepRoofline
{
    private const int MostSamples = 60_000;
    private const int Inputs = 784;
    private const int Classes = 10;
    private const int Chunks = 9;
    private static readonly TimeSpan ChunkTime = TimeSpan.FromMilliseconds(400);

    /// <summary>The network of the mlp workload.</summary>
    public static ModelDefinition Mlp { get; } = ModelDefinition.Chain(new Flatten(), new Linear(512), new Relu(), new Linear(512), new Relu(), new Linear(Classes));

    /// <summary>The network of the cnn workload.</summary>
    public static ModelDefinition Cnn { get; } = ModelDefinition.Chain(
        new Conv2d(32, 3, padding: 1), new Relu(), new MaxPool2d(2), new Conv2d(64, 3, padding: 1), new Relu(), new MaxPool2d(2), new Flatten(), new Linear(128), new Relu(), new Linear(Classes));

    /// <summary>The network of examples/fashion-residual.yaml.</summary>
    public static ModelDefinition Residual { get; } = ModelDefinition.Chain(
        ("stem", Layer(32)), ("layer0", new Block(ModelDefinition.Residual([Layer(32), Layer(32)]))), ("down1", Layer(64, stride: 2)), ("layer1", new Block(ModelDefinition.Residual([Layer(64), Layer(64)]))),
        ("down2", Layer(128, stride: 2)), ("layer2", new Block(ModelDefinition.Residual([Layer(128), Layer(128)]))), ("pool1", new GlobalAveragePool()), ("fc1", new Linear(Classes)));

    /// <summary>Writes the table, in Markdown: medians over several runs of steps.</summary>
    /// <param name="to">Where it goes.</param>
    /// <param name="batch">Samples of a step.</param>
    /// <param name="model">The network.</param>
    public static void Write(TextWriter to, int batch, ModelDefinition model)
    {
        RunSetup setup = Setup(batch, model);
        using TrainingRun run = new(setup, recorder: null, resumed: null, RunId.Create(), term: 1, threads: 1, VectorUnit.Widest, TimeProvider.System);
        using ShardComputer computer = new(setup, threads: 1, VectorUnit.Widest, "roofline");
        GradientPool pool = new(setup.Graph.Layout.ArenaLength, 1);
        PassLaps laps = new();
        computer.Laps = laps;
        List<Dictionary<string, double>> chunks = [];
        double peak = 0;
        for (int chunk = -1; chunk < Chunks; chunk++)
        {
            peak = Math.Max(peak, MachineLimits.MeasureFma(VectorUnit.Widest));
            Dictionary<string, double> measured = Chunk(run, computer, pool, laps, setup);
            if (chunk >= 0)
            {
                chunks.Add(measured);
            }
        }

        double Median(string name) => chunks.Select(chunk => chunk[name]).Order().ElementAt(Chunks / 2);
        double step = Median(StepName);
        Line(to, "part", "µs", "share of the step", "MFLOP", "at the limit, µs", "share of the limit");
        Line(to, "---", "---:", "---:", "---:", "---:", "---:");
        double total = 0;
        foreach (string name in chunks[0].Keys)
        {
            double microseconds = Median(name);
            if (microseconds < 0.05)
            {
                continue;
            }

            double operations = name == StepName ? total : Operations(setup.Graph, name, batch);
            total += operations;
            double least = operations / peak / 1e3;
            Line(
                to,
                name,
                microseconds.ToString("F1", CultureInfo.InvariantCulture),
                (microseconds / step).ToString("F3", CultureInfo.InvariantCulture),
                operations == 0 ? "–" : (operations / 1e6).ToString("F1", CultureInfo.InvariantCulture),
                operations == 0 ? "–" : least.ToString("F1", CultureInfo.InvariantCulture),
                operations == 0 ? "–" : (least / microseconds).ToString("F2", CultureInfo.InvariantCulture));
        }

        to.WriteLine();
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Batch {batch}, one thread, {VectorUnit.Widest}; limit {peak:F0} GFLOP/s; medians of {Chunks} runs of {ChunkTime.TotalSeconds} s."));
    }

    private const string StepName = "the step";

    private static void Line(TextWriter to, params string[] cells) => to.WriteLine($"| {string.Join(" | ", cells)} |");

    // The means of some steps, in microseconds.
    private static Dictionary<string, double> Chunk(TrainingRun run, ShardComputer computer, GradientPool pool, PassLaps laps, RunSetup setup)
    {
        laps.Clear();
        int steps = 0;
        double compute = 0, complete = 0;
        long began = Stopwatch.GetTimestamp();
        for (; steps < 3 || Stopwatch.GetElapsedTime(began) < ChunkTime; steps++)
        {
            TrainingState state = run.State;
            int slices = setup.Plan.SliceCount(state.StepInEpoch);
            ShardWork work = new(RunPhase.Training, state.Epoch, state.Step, state.StepInEpoch, new SliceRange(0, slices), slices, setup.Plan.BatchSamples(state.StepInEpoch));
            long start = Stopwatch.GetTimestamp();
            ShardNode[] nodes = [.. computer.Compute(work, run.Parameters, pool).Nodes];
            long computed = Stopwatch.GetTimestamp();
            Invariant.Holds(run.CompleteStep(state.Step, nodes).Finite);
            compute += Stopwatch.GetElapsedTime(start, computed).TotalMicroseconds;
            complete += Stopwatch.GetElapsedTime(computed).TotalMicroseconds;
            Leases(nodes);
        }

        Dictionary<string, double> means = [];
        foreach (((PassPart part, string node), long ticks) in laps.Ticks)
        {
            means[Name(part, node)] = ticks * 1e6 / Stopwatch.Frequency / steps;
        }

        means["the rest of the shard"] = (compute / steps) - means.Values.Sum();
        means["sum and update"] = complete / steps;
        means[StepName] = (compute + complete) / steps;
        return means;
    }

    private static void Leases(ShardNode[] nodes)
    {
        foreach (ShardNode node in nodes)
        {
            node.Gradient!.Return();
        }
    }

    private static string Name(PassPart part, string node) => part switch
    {
        PassPart.Gather => "gather",
        PassPart.Loss => "loss and its gradient",
        PassPart.Forward => $"{node}, forward",
        PassPart.Backward => $"{node}, backward",
        _ => $"{node}, parameters' gradients",
    };

    // Two for each multiply-add in the definition of a linear or convolutional layer's product; nothing else counts. Convolutions by Winograd carry out fewer.
    private static double Operations(Graph graph, string name, int batch)
    {
        GraphNode? node = graph.Nodes.FirstOrDefault(node => name.StartsWith(node.Name + ",", StringComparison.Ordinal));
        return node?.Module switch
        {
            Linear linear => 2.0 * batch * linear.OutputCount * node.InputShapes[0].Length,
            Conv2d convolution => 2.0 * batch * node.OutputShape.Length * (node.Parameters[0].Entry.Length / convolution.OutputCount),
            _ => 0,
        };
    }

    private static RunSetup Setup(int batch, ModelDefinition model)
    {
        int samples = MostSamples / batch * batch; // no short last batch
        byte[] pixels = new byte[samples * Inputs];
        Random random = new(1);
        random.NextBytes(pixels);
        int[] labels = [.. Enumerable.Range(0, samples).Select(_ => random.Next(Classes))];
        ByteDataset data = new(new Shape(1, 28, 28), pixels, SampleLabels.Classes(labels, [.. Enumerable.Range(0, Classes).Select(label => label.ToString(CultureInfo.InvariantCulture))]));
        DataSplit train = DataSplit.All(data);
        Job job = new()
        {
            Model = model,
            Optimizer = new() { Kind = Optimizers.OptimizerKind.AdamW, LearningRate = 1e-3, WeightDecay = 1e-4 },
            Training = new() { Batch = batch, Epochs = 1_000_000 },
        };
        return RunSetup.Create(job, new LoadedData { Train = train, Normalization = NormalizationStatistics.Of(train, NormalizeMode.Channel) });
    }

    private static Block Layer(int channels, int stride = 1) =>
        new(ModelDefinition.Chain(new Conv2d(channels, 3, stride: stride, padding: 1, bias: false), new BatchNorm(), new Relu()));
}
