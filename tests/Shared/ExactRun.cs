using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Tests.Shared;

/// <summary>The exact stand-in's coordinator side: parameters are one digest of everything that was summed, in order.</summary>
internal sealed class ExactRun : ITrainingRun
{
    private readonly float[] values = new float[ExactSum.Floats];
    private readonly VersionedParameters parameters;
    private readonly ISet<long> nonFiniteSteps;

    public ExactRun(RunDefinition definition, ISet<long>? nonFiniteSteps = null, ExactCheckpoint? from = null)
    {
        Definition = definition;
        this.nonFiniteSteps = nonFiniteSteps ?? new HashSet<long>();
        parameters = new VersionedParameters(values, definition.Term);
        State = from?.State ?? new TrainingState();
        ExactSum.Write(from?.Digest ?? 0x1234_5678_9ABC_DEF0, values);
        Checkpoint = from;
    }

    public RunDefinition Definition { get; }

    public TrainingState State { get; private set; }

    public ParameterHandle Parameters => parameters.Handle;

    public ulong Digest => ExactSum.Read(values);

    /// <summary>The last checkpoint: what a killed coordinator would resume from.</summary>
    public ExactCheckpoint? Checkpoint { get; private set; }

    public List<string> Log { get; } = [];

    public RunOutcome? Outcome { get; private set; }

    /// <summary>How often nodes were merged before their step was complete.</summary>
    public int Merges { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Thrown by the next checkpoint.</summary>
    public Exception? DiskFull { get; set; }

    /// <summary>Called with each checkpoint, and may throw as a disk does.</summary>
    public Action<ExactCheckpoint>? OnCheckpoint { get; set; }

    /// <summary>Called when the run folder is looked at, and may throw.</summary>
    public Action? OnVerifyFolder { get; set; }

    /// <summary>Called with the end, and may throw as a disk does.</summary>
    public Action<RunOutcome>? OnFinish { get; set; }

    /// <summary>Called first in CompleteStep.</summary>
    public Action<long>? OnCompleteStep { get; set; }

    /// <summary>The digest of the run that nothing disturbs: one pass over all steps, in order, without the machine.</summary>
    public static ulong Undisturbed(RunDefinition definition, ISet<long>? nonFiniteSteps = null)
    {
        var run = new ExactRun(definition, nonFiniteSteps);
        var computer = new ExactComputer(nonFiniteSteps);
        var gradients = new GradientPool(ExactSum.Floats);
        while (run.State.Epoch < definition.Plan.Epochs)
        {
            TrainingState at = run.State;
            ShardNode[] nodes = Compute(RunPhase.Training, at.StepInEpoch, definition.Plan.BatchSamples(at.StepInEpoch));
            if (!run.CompleteStep(at.Step, nodes).Finite)
            {
                run.SkipStep(at.Step, "");
            }

            if (run.State.StepInEpoch == 0 && definition.ValidationSamples > 0)
            {
                run.CompleteValidation(Compute(RunPhase.Validation, 0, definition.ValidationSamples));
            }
        }

        run.EndTraining();
        return run.Digest;

        ShardNode[] Compute(RunPhase phase, int stepInEpoch, int samples)
        {
            int slices = definition.Plan.SlicesOf(samples);
            var work = new ShardWork(phase, run.State.Epoch, run.State.Step, stepInEpoch, new SliceRange(0, slices), slices, samples);
            return [.. computer.Compute(work, run.Parameters, gradients).Nodes];
        }
    }

    public StepReport CompleteStep(long step, ReadOnlySpan<ShardNode> nodes)
    {
        OnCompleteStep?.Invoke(step);
        Invariant.Holds(step == State.Step);
        var cover = new Dictionary<SumNode, ulong>();
        foreach (ShardNode node in nodes)
        {
            cover.Add(node.Node, ExactSum.Read(node.Gradient!.Values.Span));
        }

        ulong root = ExactSum.Root(cover, Definition.Plan.SliceCount(State.StepInEpoch));
        if (nonFiniteSteps.Contains(step))
        {
            Overwrite(Digest);
            return Report(step, finite: false, skipped: false, State);
        }

        TrainingState before = State;
        Overwrite(ExactSum.Mix(Digest, root));
        Advance();
        return Report(step, finite: true, skipped: false, before);
    }

    public void Merge(ShardNode left, ShardNode right)
    {
        Merges++;
        Span<float> sum = left.Gradient!.Values.Span;
        ExactSum.Write(ExactSum.Mix(ExactSum.Read(sum), ExactSum.Read(right.Gradient!.Values.Span)), sum);
    }

    public StepReport SkipStep(long step, string finding)
    {
        Invariant.Holds(step == State.Step);
        Log.Add($"skip {step}: {finding}");
        TrainingState before = State;
        Advance();
        State = State with { SkippedSteps = State.SkippedSteps + 1 };
        return Report(step, finite: false, skipped: true, before);
    }

    public ValidationReport CompleteValidation(ReadOnlySpan<ShardNode> nodes)
    {
        ulong root = Counts(nodes, Definition.Plan.SlicesOf(Definition.ValidationSamples));
        Log.Add($"validation {State.Epoch}");
        Overwrite(ExactSum.Mix(Digest, root));
        return new ValidationReport(State.Epoch, default, true, State);
    }

    public CheckpointReport WriteCheckpoint(string reason)
    {
        if (DiskFull is { } failure)
        {
            throw failure;
        }

        var checkpoint = new ExactCheckpoint(State, Digest);
        OnCheckpoint?.Invoke(checkpoint);
        Log.Add($"checkpoint {State.Step}: {reason}");
        Checkpoint = checkpoint;
        return new CheckpointReport(State.Step, reason);
    }

    public void VerifyFolder() => OnVerifyFolder?.Invoke();

    public void EndTraining()
    {
        Log.Add("end of training");
        Overwrite(ExactSum.Mix(Digest, 0xE4D));
    }

    public void Finish(RunOutcome outcome)
    {
        Invariant.Holds(Outcome is null);
        OnFinish?.Invoke(outcome);
        Outcome = outcome;
    }

    public void Dispose() => IsDisposed = true;

    private static ulong Counts(ReadOnlySpan<ShardNode> nodes, int sliceCount)
    {
        var cover = new Dictionary<SumNode, NodeMetrics>();
        foreach (ShardNode node in nodes)
        {
            cover.Add(node.Node, node.Metrics);
        }

        return ExactSum.Of(ExactSum.Root(cover, sliceCount, AddLowerFirst));

        static NodeMetrics AddLowerFirst(NodeMetrics left, NodeMetrics right) =>
            new(left.Loss + right.Loss, left.Weight + right.Weight, left.Samples + right.Samples, left.Correct + right.Correct);
    }

    private void Advance()
    {
        bool epochEnds = State.StepInEpoch + 1 == Definition.Plan.StepsPerEpoch;
        State = State with
        {
            Step = State.Step + 1,
            StepInEpoch = epochEnds ? 0 : State.StepInEpoch + 1,
            Epoch = State.Epoch + (epochEnds ? 1 : 0),
        };
        if (epochEnds && Definition.ValidationSamples > 0)
        {
            // What is validated takes the parameters' place, as an average of the weights does.
            Overwrite(ExactSum.Mix(Digest, 0xA7E));
        }
    }

    private void Overwrite(ulong digest)
    {
        parameters.BeginOverwrite();
        ExactSum.Write(digest, values);
        parameters.EndOverwrite();
    }

    private StepReport Report(long step, bool finite, bool skipped, TrainingState before) =>
        new(step, before.Epoch, before.StepInEpoch, finite, skipped, default, 0, double.NaN, State);
}

/// <summary>What the exact stand-in resumes from.</summary>
internal sealed record ExactCheckpoint(TrainingState State, ulong Digest);
