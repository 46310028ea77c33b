using System.Collections.Immutable;
using System.Diagnostics;
using DistNet.Checkpoints;
using DistNet.Interchange;
using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>The coordinator's numeric side: parameters, optimizer slots and training state, and what is written of them.</summary>
/// <remarks>A step folds the workers' nodes by the canonical tree, divides by the batch's weight, updates the parameters in place and advances the
/// state. Everything it depends on is in <see cref="TrainingState"/> and the arenas, and so in every checkpoint.</remarks>
public sealed class TrainingRun : ITrainingRun
{
    private readonly RunSetup setup;
    private readonly VectorUnit unit;
    private readonly RunRecorder? recorder;
    private readonly ParameterUpdate update;
    private readonly VersionedParameters versions;
    private readonly Arena? best;
    private readonly Throughput throughput;
    private bool isAverageShown;
    private double lastRate = double.NaN;
    private double lastNorm = double.NaN;
    private SumNode[] nodes = [];
    private NodeGradient[] gradients = [];
    private NodeMetrics[] metrics = [];

    /// <summary>Starts from initial parameters, or from a checkpoint.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="recorder">What is written to the run folder; null trains in memory alone.</param>
    /// <param name="resumed">The checkpoint to go on from; null starts afresh.</param>
    /// <param name="run">The run's identity.</param>
    /// <param name="term">The coordinator's life, from 1.</param>
    /// <param name="threads">Threads for sum and update, the caller's among them; those that come to <see cref="Crew"/> take part in their stead.</param>
    /// <param name="unit">The vector width.</param>
    /// <param name="time">The clock for throughput.</param>
    /// <param name="memory">Where the parameters live, so that other processes can read them in place; null allocates it.</param>
    /// <param name="minimumWorkers">Workers that must be present before the first shard is given out.</param>
    public TrainingRun(
        RunSetup setup,
        RunRecorder? recorder,
        Checkpoint? resumed,
        RunId run,
        int term,
        int threads,
        VectorUnit unit,
        TimeProvider time,
        ParameterMemory? memory = null,
        int minimumWorkers = 1)
    {
        ArgumentNullException.ThrowIfNull(setup);
        this.setup = setup;
        this.unit = unit;
        this.recorder = recorder;
        throughput = new Throughput(time);
        Crew = new Crew(threads, "update");
        update = new ParameterUpdate(setup.Graph.Layout, setup.Job.Optimizer, setup.Job.Regularization, unit, Crew, memory?.Values);
        versions = new VersionedParameters(update.Parameters.Memory, term, memory?.Version);
        best = setup.Job.Training.EarlyStopping is null ? null : new Arena(setup.Graph.Layout);
        State = resumed?.State ?? new TrainingState();
        if (resumed is null)
        {
            InitialParameters.Write(setup.Job, setup.Graph, update.Parameters);
            State = InitialParameters.ReadOptimizer(setup.Job, update.RuleSlots, State);
            if (update.Average is { } average)
            {
                WeightAverage.Copy(update.Parameters, average);
            }
        }
        else
        {
            Restore(resumed);
        }

        Definition = new RunDefinition
        {
            Run = run,
            Term = term,
            Plan = setup.Plan,
            ValidationSamples = setup.Data.Validation?.Samples.Length ?? 0,
            NonFinite = setup.Job.Training.NonFinite,
            Checkpoints = setup.Job.Checkpoints,
            MinimumWorkers = minimumWorkers,
        };
    }

    /// <inheritdoc/>
    public RunDefinition Definition { get; }

    /// <inheritdoc/>
    public TrainingState State { get; private set; }

    /// <inheritdoc/>
    public ParameterHandle Parameters => versions.Handle;

    /// <summary>Samples per second as reported everywhere: see <see cref="Throughput"/>.</summary>
    public double SamplesPerSecond => throughput.SamplesPerSecond;

    /// <summary>Who sums and updates: whoever waits for the parameters may sleep for its bell, and takes part.</summary>
    public Crew Crew { get; }

    /// <summary>What the time of a step goes to, told by whoever leads the run too.</summary>
    public StepTimes Times { get; } = new();

    /// <summary>Everything the run needs to go on from here. The arenas are the run's own, not copies: read them between two calls alone.</summary>
    public Checkpoint Snapshot() => new()
    {
        State = State,
        JobJson = setup.JobJson,
        Model = ModelInfo.Of(setup.Data),
        DataFingerprint = setup.Data.Fingerprint,
        Parameters = update.Parameters,
        Slots = update.Slots.ToImmutableDictionary(slot => slot.Name, slot => slot.Values),
        Best = State.BestEpoch > 0 ? best : null,
    };

    /// <inheritdoc/>
    public StepReport CompleteStep(long step, ReadOnlySpan<ShardNode> nodes)
    {
        Invariant.Holds(step == State.Step);
        int sliceCount = setup.Plan.SliceCount(State.StepInEpoch);
        int count = Take(nodes);
        NodeMetrics batch = CanonicalSum.Fold(this.nodes.AsSpan(0, count), metrics.AsSpan(0, count), sliceCount);
        double rate = TrainingRules.LearningRate(setup.Job, setup.Plan, State);
        UpdateOutcome outcome = Update(gradients.AsSpan(0, count), sliceCount, batch, rate);
        TrainingState before = State;
        if (outcome.Finite)
        {
            (lastRate, lastNorm) = (rate, outcome.GradientNorm);
            Advance(batch, applied: true);
        }

        return new StepReport(step, before.Epoch, before.StepInEpoch, outcome.Finite, Skipped: false, batch, rate, outcome.GradientNorm, State);
    }

    /// <inheritdoc/>
    public void Merge(ShardNode left, ShardNode right)
    {
        Span<float> sum = left.Gradient!.Values.Span;
        Elementwise.Add(unit, sum, right.Gradient!.Values.Span, sum);
    }

    /// <inheritdoc/>
    public StepReport SkipStep(long step, string finding)
    {
        Invariant.Holds(step == State.Step);
        TrainingState before = State;
        Advance(default, applied: false);
        return new StepReport(step, before.Epoch, before.StepInEpoch, Finite: false, Skipped: true, default, double.NaN, double.NaN, State);
    }

    /// <inheritdoc/>
    public ValidationReport CompleteValidation(ReadOnlySpan<ShardNode> nodes)
    {
        NodeMetrics sums = Fold(nodes, setup.Plan.SlicesOf(setup.Data.Validation!.Samples.Length));
        State = TrainingRules.AfterValidation(setup.Job, setup.Plan, State, sums, out bool isBest);
        if (isBest && best is not null)
        {
            update.Parameters.Span.CopyTo(best.Span);
        }

        ShowAverage(false);
        throughput.Pause(sinceLastStep: true);
        throughput.Resume();
        recorder?.EpochEnded(State, lastRate, lastNorm, throughput.SamplesPerSecond);
        return new ValidationReport(State.Epoch, sums, isBest, State);
    }

    /// <inheritdoc/>
    public CheckpointReport WriteCheckpoint(string reason)
    {
        Invariant.Holds(!isAverageShown);
        throughput.Pause();
        recorder?.Write(Snapshot());
        throughput.Resume();
        return new CheckpointReport(State.Step, reason);
    }

    /// <inheritdoc/>
    public void VerifyFolder() => recorder?.Verify();

    /// <inheritdoc/>
    public void EndTraining()
    {
        bool restoresBest = best is not null && State.BestEpoch > 0;
        if (!restoresBest && update.Average is null)
        {
            return;
        }

        versions.BeginOverwrite();
        if (restoresBest)
        {
            best!.Span.CopyTo(update.Parameters.Span);
        }
        else
        {
            WeightAverage.Copy(update.Average!, update.Parameters);
        }

        versions.EndOverwrite();
    }

    /// <inheritdoc/>
    public void Finish(RunOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        if (outcome.Kind == RunOutcomeKind.Finished)
        {
            recorder?.WriteModel(update.Parameters, State.Updates);
        }
        else
        {
            // The run may have ended within a validation.
            ShowAverage(false);
        }
    }

    /// <summary>Ends the crew's own threads.</summary>
    public void Dispose() => Crew.Dispose();

    private UpdateOutcome Update(ReadOnlySpan<NodeGradient> gradients, int sliceCount, NodeMetrics batch, double rate)
    {
        long begun = Stopwatch.GetTimestamp();
        versions.BeginOverwrite();
        UpdateOutcome outcome = double.IsFinite(batch.Loss)
            ? update.Apply(gradients, sliceCount, batch.Weight, batch.Samples, rate, State, normed: setup.Plan.EndsEpoch(State.StepInEpoch))
            : new UpdateOutcome(Finite: false, double.NaN, Clipped: false);
        long updated = Stopwatch.GetTimestamp();
        versions.EndOverwrite();
        if (outcome.Finite)
        {
            Times.Numeric(begun, update.SummedAt, updated);
        }

        return outcome;
    }

    private void Advance(NodeMetrics batch, bool applied)
    {
        int samples = setup.Plan.BatchSamples(State.StepInEpoch);
        State = TrainingRules.AfterStep(setup.Job, setup.Plan, State, batch, applied);
        throughput.StepEnded(samples);
        if (State.StepInEpoch > 0)
        {
            return;
        }

        if (setup.Data.Validation is null)
        {
            recorder?.EpochEnded(State, lastRate, lastNorm, throughput.SamplesPerSecond);
        }
        else
        {
            ShowAverage(true);
        }
    }

    // Workers read the parameters where they lie: for a validation the average takes their place, and they take its. No step is given out ahead of a validation, nor the
    // other way round, so nobody waits for the version that is passed over.
    private void ShowAverage(bool shown)
    {
        if (update.Average is { } average && isAverageShown != shown)
        {
            versions.BeginOverwrite();
            WeightAverage.Exchange(update.Parameters, average);
            versions.EndOverwrite();
            isAverageShown = shown;
        }
    }

    private NodeMetrics Fold(ReadOnlySpan<ShardNode> cover, int sliceCount)
    {
        int count = Take(cover);
        return CanonicalSum.Fold(nodes.AsSpan(0, count), metrics.AsSpan(0, count), sliceCount);
    }

    private int Take(ReadOnlySpan<ShardNode> cover)
    {
        if (nodes.Length < cover.Length)
        {
            nodes = new SumNode[cover.Length];
            gradients = new NodeGradient[cover.Length];
            metrics = new NodeMetrics[cover.Length];
        }

        for (int i = 0; i < cover.Length; i++)
        {
            nodes[i] = cover[i].Node;
            metrics[i] = cover[i].Metrics;
            gradients[i] = new NodeGradient(cover[i].Node, cover[i].Gradient?.Values ?? default);
        }

        return cover.Length;
    }

    private void Restore(Checkpoint resumed)
    {
        resumed.Parameters.Span.CopyTo(update.Parameters.Span);
        foreach (OptimizerSlot slot in update.Slots)
        {
            resumed.Slots[slot.Name].Span.CopyTo(slot.Values.Span);
        }

        if (best is not null && resumed.Best is not null)
        {
            resumed.Best.Span.CopyTo(best.Span);
        }
    }
}
