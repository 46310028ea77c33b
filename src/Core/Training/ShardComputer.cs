using System.Collections.Immutable;
using System.Numerics;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Training;

/// <summary>A worker's numeric side: cuts a shard into passes of the engine and leases a gradient buffer for each node of the sum.</summary>
/// <remarks>A pass is a run of whole nodes of at most <see cref="PassRows"/> samples, and goes through the model in waves of as many slices as <see cref="WaveSlices"/> says, so that memory is bounded and
/// activations stay in cache; <see cref="ShardFold"/> folds the passes into the fewest nodes that cover the shard.</remarks>
public sealed class ShardComputer : IShardComputer
{
    /// <summary>The most samples of a pass: enough for large matrix products, few enough that a layer's activations stay near the processor.</summary>
    public const int PassRows = 512;

    // Of all values of a wave, whose gradients take about as much again: a share of the third-level cache.
    private const int WaveFloats = 3 << 20;

    private readonly RunSetup setup;
    private readonly ThreadTeam team;
    private readonly GraphExecution execution;
    private readonly NodeMetrics[] metrics;
    private readonly Memory<float>[] gradients;
    private readonly GradientLease?[] leases;
    private readonly ShardFold fold;

    /// <summary>Allocates the engine's memory and starts the team.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="threads">Compute threads, the caller included; at least 1.</param>
    /// <param name="unit">The vector width.</param>
    /// <param name="name">The worker's name, for its threads.</param>
    public ShardComputer(RunSetup setup, int threads, VectorUnit unit, string name)
    {
        ArgumentNullException.ThrowIfNull(setup);
        this.setup = setup;
        TrainingPlan plan = setup.Plan;
        int trained = Math.Min(plan.Batch, plan.SampleCount);
        int evaluated = setup.Data.Validation?.Samples.Length ?? 0;

        // A slice may be longer than all samples that can come: then each phase is one slice.
        int slice = Math.Min(plan.Slice, Math.Max(trained, evaluated));
        int waveSlices = Math.Min(WaveSlices(setup.Graph, slice, threads), RoundUp(plan.SlicesOf(Math.Max(trained, Math.Min(evaluated, PassRows)))));
        int passSlices = Math.Max(waveSlices, Math.Min(PowerOfTwo(PassRows / slice), RoundUp(plan.SlicesOf(trained))));
        team = new ThreadTeam(threads, name);
        execution = new GraphExecution(setup.Graph, setup.Job.Loss, slice, passSlices, unit, team, waveSlices);
        metrics = new NodeMetrics[passSlices];
        gradients = new Memory<float>[passSlices];
        leases = new GradientLease?[passSlices];
        fold = new ShardFold(unit, team);
    }

    /// <summary>Who is told when a piece of a pass is done; null for nobody. For one thread.</summary>
    internal PassLaps? Laps
    {
        get => execution.Laps;
        set => execution.Laps = value;
    }

    /// <summary>The slices of a wave, a power of two: as many as <see cref="PassRows"/> and the values of the model's nodes allow, and where they allow it one for each thread.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="slice">Samples of a slice.</param>
    /// <param name="threads">The threads that share a wave.</param>
    public static int WaveSlices(Graph graph, int slice, int threads)
    {
        ArgumentNullException.ThrowIfNull(graph);
        long floats = graph.Values.Sum(value => (long)value.Shape.Length);
        int most = PowerOfTwo(PassRows / slice);
        return Math.Clamp(PowerOfTwo((int)(WaveFloats / floats / slice)), Math.Min((int)BitOperations.RoundUpToPowerOf2((uint)threads), most), most);
    }

    private static int RoundUp(int slices) => (int)BitOperations.RoundUpToPowerOf2((uint)slices);

    private static int PowerOfTwo(int most) => 1 << BitOperations.Log2((uint)Math.Max(1, most));

    /// <inheritdoc/>
    public ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(gradients);
        if (work.Phase == RunPhase.Diagnosis)
        {
            return ShardResult.Diagnosis(Diagnose(work, parameters));
        }

        try
        {
            foreach (SliceRange pass in Passes(work.Slices))
            {
                ImmutableArray<SumNode> nodes = CanonicalSum.Cover(pass, work.SliceCount);
                Run(work, parameters, gradients, pass, nodes);
                for (int i = 0; i < nodes.Length; i++)
                {
                    ShardNode node = new(nodes[i], metrics[i], leases[i]);
                    leases[i] = null;
                    fold.Push(node, work.SliceCount);
                }
            }

            return new ShardResult(fold.Take());
        }
        catch
        {
            ReturnLeases();
            throw;
        }
    }

    /// <summary>Ends the team's threads.</summary>
    public void Dispose() => team.Dispose();

    // Passes end at multiples of their size, where few nodes cover them.
    private IEnumerable<SliceRange> Passes(SliceRange shard)
    {
        for (int first = shard.First; first < shard.End;)
        {
            int end = Math.Min(shard.End, ((first / execution.MaximumSlices) + 1) * execution.MaximumSlices);
            yield return new SliceRange(first, end - first);
            first = end;
        }
    }

    private void Run(ShardWork work, ParameterHandle parameters, IGradientSource source, SliceRange pass, ImmutableArray<SumNode> nodes)
    {
        PassInput input = Input(work, pass);
        Span<NodeMetrics> values = metrics.AsSpan(0, nodes.Length);
        if (work.Phase != RunPhase.Training)
        {
            execution.Evaluate(input, parameters.Values.Span, nodes.AsSpan(), values);
            return;
        }

        for (int i = 0; i < nodes.Length; i++)
        {
            GradientLease lease = source.Lease();
            leases[i] = lease;
            gradients[i] = lease.Values;
        }

        execution.Train(input, parameters.Values.Span, nodes.AsSpan(), gradients.AsSpan(0, nodes.Length), values);
    }

    private ShardFinding? Diagnose(ShardWork work, ParameterHandle parameters)
    {
        foreach (SliceRange pass in Passes(work.Slices))
        {
            if (execution.FindNonFinite(Input(work, pass), parameters.Values.Span) is { } finding)
            {
                return new ShardFinding(finding.Slice, finding.Node, finding.What);
            }
        }

        return null;
    }

    private PassInput Input(ShardWork work, SliceRange slices)
    {
        int place = slices.First * setup.Plan.Slice;
        int rows = setup.Plan.SamplesIn(slices, work.SampleCount);
        DataSplit split = work.Phase == RunPhase.Validation ? setup.Data.Validation! : setup.Data.Train;
        ReadOnlyMemory<int> samples = work.Phase == RunPhase.Validation
            ? split.Samples.Slice(place, rows)
            : setup.Order.Of(work.Epoch).Slice((work.StepInEpoch * setup.Plan.Batch) + place, rows);
        return new PassInput { Data = split.Data, Samples = samples, Seed = setup.Job.Training.Seed, Step = work.Step, FirstPlace = place };
    }

    private void ReturnLeases()
    {
        fold.Drop();
        for (int i = 0; i < leases.Length; i++)
        {
            leases[i]?.Return();
            leases[i] = null;
        }
    }
}
