using DistNet.Advice;
using DistNet.Data;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Training;

namespace DistNet.Local.Bench;

/// <summary>How a machine is measured.</summary>
public sealed record MachineBenchOptions
{
    /// <summary>Compute threads of each worker, at least 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>About how long all measurements take, starting and loading not included.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A folder in which the job's data files are looked for; null for none.</summary>
    public string? DataFolder { get; init; }
}

/// <summary>A machine as it was measured for a job.</summary>
/// <param name="Costs">What the parts of a step cost.</param>
/// <param name="Limits">What one core can do at most.</param>
/// <param name="Transport">How tensors travel between processes of this machine: <c>shared memory</c> or <c>grpc</c>.</param>
/// <param name="Threads">Compute threads of each worker.</param>
public sealed record MachineMeasurement(StepCosts Costs, MachineLimits Limits, string Transport, int Threads);

/// <summary>Measures what a step of a job costs on this machine, with the code that a run uses: its engine, its update, its planes and its messages.</summary>
public static class MachineBench
{
    // Shares of the budget.
    private const double ProbeShare = 0.06;
    private const double LoopShare = 0.6;

    // More shards than this are not cut to measure small ones: their gradients are held all at once.
    private const int MostShards = 64;
    private const long MostGradientBytes = 1L << 30;

    // Over how many nodes the sum is measured: as many as stay in cache where two do.
    private const int SummedShards = 8;

    // Steps must not move parameters to where they are no longer finite, nor end.
    private const double TinyRate = 1e-9;
    private const int NoEnd = 1_000_000;

    /// <summary>Measures.</summary>
    /// <param name="job">The job, with its data section: the probe's worker looks for the same files.</param>
    /// <param name="data">The data, split.</param>
    /// <param name="options">Threads and time.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="DistNetException">The job does not fit the data, its gradient is not finite, or no cluster can be made on loopback.</exception>
    public static async Task<MachineMeasurement> MeasureAsync(Job job, LoadedData data, MachineBenchOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1, nameof(options));
        Job endless = job with
        {
            Optimizer = job.Optimizer with { LearningRate = TinyRate },
            Schedule = new(),
            Training = job.Training with { Epochs = NoEnd, EarlyStopping = null, NonFinite = NonFinitePolicy.Skip },
        };
        RunSetup setup = RunSetup.Create(endless, data with { Validation = null, Test = null });
        StepCosts costs = await OwnThread.Run("distnet-bench", () => Loops(setup, options, cancellation)).ConfigureAwait(false);
        TimeSpan probe = options.Budget * ProbeShare;

        // The shorter of two: a stall of the machine only adds, and a mean does not forget it.
        async Task<Exchanged> Probe(int workers, bool sharedMemory)
        {
            Exchanged first = await ExchangeProbe.MeasureAsync(endless, data, options, workers, sharedMemory, probe, cancellation).ConfigureAwait(false);
            Exchanged second = await ExchangeProbe.MeasureAsync(endless, data, options, workers, sharedMemory, probe, cancellation).ConfigureAwait(false);
            return first.Seconds <= second.Seconds ? first : second;
        }

        Exchanged near = await Probe(1, sharedMemory: true).ConfigureAwait(false);
        Exchanged far = await Probe(1, sharedMemory: false).ConfigureAwait(false);
        Exchanged two = costs.Crowding.Points.Length > 1 ? await Probe(2, sharedMemory: true).ConfigureAwait(false) : near;
        MachineLimits limits = await OwnThread.Run("distnet-bench", () => MachineLimits.Measure(VectorUnit.Widest)).ConfigureAwait(false);
        return new MachineMeasurement(
            costs with
            {
                Exchange = near.Seconds,
                ExchangeWorker = Math.Max(0, two.Seconds - near.Seconds),
                PlaneBytesPerSecond = 2 * costs.TensorBytes / Math.Max(far.Seconds - near.Seconds, 1e-6),
            },
            limits,
            near.Transport,
            options.Threads);
    }

    private static StepCosts Loops(RunSetup setup, MachineBenchOptions options, CancellationToken cancellation)
    {
        int cores = Environment.ProcessorCount;
        int slices = setup.Plan.SliceCount(0);
        long bytes = (long)setup.Graph.Layout.ArenaLength * sizeof(float);
        int[] workers = [.. Doubling(1, Math.Min(slices, Math.Max(1, cores / options.Threads)))];
        int[] shards = [.. Doubling(1, (int)Math.Min(Math.Min(slices, MostShards), Math.Max(2, MostGradientBytes / Math.Max(1, bytes))))];
        TimeSpan each = options.Budget * LoopShare / (1 + workers.Length + shards.Length);
        LoopTimes Loop(int workers, int shards, int updateThreads)
        {
            using var loop = new StepLoop(setup, workers, shards, options.Threads, updateThreads, VectorUnit.Widest);
            return loop.Run(each, cancellation);
        }

        _ = Loop(1, 1, cores); // until what is called often is compiled well
        Dictionary<int, LoopTimes> alone = shards.ToDictionary(count => count, count => Loop(1, count, cores));
        Dictionary<int, LoopTimes> together = workers.ToDictionary(count => count, count => Loop(count, 1, (int)Math.Min((long)count * options.Threads, cores)));
        int batch = setup.Plan.BatchSamples(0);
        var compute = new CostCurve(alone.Select(loop => loop.Key == 1 ? new CostPoint(batch, together[1].Shard) : new CostPoint((double)batch / loop.Key, loop.Value.Shard)));
        (LoopTimes first, LoopTimes last) = (alone[1], alone[shards.Last(count => count <= SummedShards)]);
        return new StepCosts
        {
            Batch = batch,
            Slice = setup.Plan.Slice,
            TensorBytes = bytes,
            Compute = compute,
            Crowding = new CostCurve(together.Select(loop => new CostPoint(loop.Key, loop.Key == 1 ? 1 : loop.Value.Slowest / compute.At(loop.Value.LargestSamples)))),
            Complete = new CostCurve(together.Select(loop => new CostPoint(loop.Key, loop.Value.Complete))),
            CompleteOne = first.Complete,
            SumNode = last.Nodes > first.Nodes ? Math.Max(0, (last.Complete - first.Complete) / (last.Nodes - first.Nodes)) : 0,
            Exchange = 0,
            ExchangeWorker = 0,
            PlaneBytesPerSecond = double.PositiveInfinity,
            Cores = cores,
        };
    }

    // 1, 2, 4 … and the end itself.
    private static IEnumerable<int> Doubling(int from, int to)
    {
        for (int value = from; value < to; value *= 2)
        {
            yield return value;
        }

        yield return to;
    }
}
