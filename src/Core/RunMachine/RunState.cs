using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Runs;

/// <summary>What the machine waits for.</summary>
public enum RunStage
{
    /// <summary>For <see cref="RunInput.Begin"/>.</summary>
    Ready,

    /// <summary>For shards of the phase under way (and for workers, where there are none).</summary>
    Computing,

    /// <summary>For the numeric side alone: the sum and the update of a step that no other follows at once, or the sums of a validation or the test.</summary>
    Completing,

    /// <summary>For the numeric side: a checkpoint.</summary>
    Checkpointing,

    /// <summary>For the numeric side: the training's end.</summary>
    EndingTraining,

    /// <summary>For the numeric side: the results.</summary>
    Finishing,

    /// <summary>For nothing: the run is over.</summary>
    Ended,
}

/// <summary>Everything the run machine knows. Immutable: a transition makes a new one.</summary>
public sealed record RunState
{
    /// <summary>What was fixed when the run began.</summary>
    public required RunDefinition Definition { get; init; }

    /// <summary>The training state, as the numeric side last reported it.</summary>
    public required TrainingState Training { get; init; }

    /// <summary>What the machine waits for.</summary>
    public RunStage Stage { get; init; }

    /// <summary>The sharded computation under way, whose shards are with workers; null where none is.</summary>
    public PhaseState? Phase { get; init; }

    /// <summary>The sharded computation whose answers are with the numeric side; null where none is. The shards of the training step that follows it at once are given
    /// out meanwhile: it is then <see cref="Phase"/>.</summary>
    public PhaseState? Completing { get; init; }

    /// <summary>The workers present, in the order of joining.</summary>
    public ImmutableArray<WorkerState> Workers { get; init; } = [];

    /// <summary>Whether <see cref="RunDefinition.MinimumWorkers"/> were present at once in this term.</summary>
    public bool Gathered { get; init; }

    /// <summary>The sharded computation completed last, whose late answers are still compared; null before the first.</summary>
    public PhaseState? Previous { get; init; }

    /// <summary>When the run folder was last looked at.</summary>
    public long FolderMs { get; init; }

    /// <summary>Failures of workers that left, so that one that crashes again and again is set aside too; oldest first.</summary>
    public ImmutableArray<(WorkerId Worker, int Failures)> Departed { get; init; } = [];

    /// <summary>Who asked to stop, or null.</summary>
    public StopSignal? Stop { get; init; }

    /// <summary>When the last checkpoint was written, or the run began.</summary>
    public long CheckpointMs { get; init; }

    /// <summary>Steps completed at the last checkpoint of this term; −1 for none.</summary>
    public long CheckpointStep { get; init; } = -1;

    /// <summary>Steps completed when the term began: where counting steps between checkpoints starts.</summary>
    public long FirstStep { get; init; }

    /// <summary>How the run ended or is about to; null before.</summary>
    public RunOutcome? Outcome { get; init; }

    /// <summary>What happened so far, counted.</summary>
    public RunCounters Counters { get; init; } = new();

    /// <summary>Whether an answer can be compared with another: someone else computes some of these slices, or has answered them.</summary>
    /// <param name="worker">Whose answer it is.</param>
    /// <param name="fence">Its fence.</param>
    /// <param name="slices">Its slices.</param>
    public bool IsComputedTwice(WorkerId worker, Fence fence, SliceRange slices)
    {
        foreach (WorkerState other in Workers)
        {
            if (other.Id != worker && other.Work is { } work && work.Phase == fence.Phase && work.Step == fence.Step && work.Slices.Overlaps(slices))
            {
                return true;
            }
        }

        foreach (PhaseState? phase in (ReadOnlySpan<PhaseState?>)[Phase, Completing, Previous])
        {
            if (phase?.Whole.Phase == fence.Phase && phase.Whole.Step == fence.Step)
            {
                foreach (AcceptedAnswer accepted in phase.Accepted)
                {
                    if (accepted.Slices.Overlaps(slices))
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    /// <summary>A run before its first input.</summary>
    /// <param name="definition">What is fixed.</param>
    /// <param name="training">The fresh or resumed training state.</param>
    public static RunState Start(RunDefinition definition, TrainingState training)
    {
        ArgumentNullException.ThrowIfNull(training);
        return new() { Definition = definition, Training = training, FirstStep = training.Step };
    }
}

/// <summary>A sharded computation: a training step, a diagnosis of one, a validation or the test.</summary>
public sealed record PhaseState
{
    /// <summary>The whole of it as one shard; shards of workers are parts of it.</summary>
    public required ShardWork Whole { get; init; }

    /// <summary>The slices answered, and by whom; disjoint, in the order of arrival.</summary>
    public ImmutableArray<AcceptedAnswer> Accepted { get; init; } = [];

    /// <summary>Diagnosis: the answers of the training step, to name who computed the slice.</summary>
    public ImmutableArray<AcceptedAnswer> Suspects { get; init; } = [];

    /// <summary>Who failed since the last accepted answer, in order: one entry per failed shard.</summary>
    public ImmutableArray<WorkerId> FailuresInRow { get; init; } = [];

    /// <summary>Differences between gradients found so far. They are told when the step has shown finite: where it is not, bits may differ on machines
    /// of different kinds.</summary>
    public ImmutableArray<string> Differences { get; init; } = [];

    /// <summary>How many slices are answered.</summary>
    public int AcceptedSlices
    {
        get
        {
            int count = 0;
            foreach (AcceptedAnswer answer in Accepted)
            {
                count += answer.Slices.Count;
            }

            return count;
        }
    }
}

/// <summary>An answer that counts.</summary>
/// <param name="Slices">Its slices.</param>
/// <param name="Worker">Who computed them.</param>
/// <param name="Host">Where.</param>
/// <param name="Finding">Diagnosis: what was found.</param>
/// <param name="Nodes">What it shows of its nodes.</param>
public sealed record AcceptedAnswer(SliceRange Slices, WorkerId Worker, string Host, ShardFinding? Finding, ImmutableArray<NodeProof> Nodes);

/// <summary>Why a worker holds up the run.</summary>
public enum StallReason
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>Its shard is late.</summary>
    Late,

    /// <summary>It has not been heard from.</summary>
    Silent,

    /// <summary>It is idle though it has a shard.</summary>
    Idle,
}

/// <summary>One worker that is present.</summary>
public sealed record WorkerState
{
    /// <summary>Its name.</summary>
    public required WorkerId Id { get; init; }

    /// <summary>Its membership.</summary>
    public required long Session { get; init; }

    /// <summary>Where it runs, for the user; empty in the coordinator's own process.</summary>
    public string Host { get; init; } = "";

    /// <summary>Whether its silence means something: see <see cref="RunInput.WorkerJoined"/>.</summary>
    public bool Beats { get; init; }

    /// <summary>Whether its orders stand: see <see cref="RunInput.WorkerJoined"/>.</summary>
    public bool OrdersStand { get; init; }

    /// <summary>When it was last heard; its joining counts.</summary>
    public long HeardMs { get; init; }

    /// <summary>What it did then.</summary>
    public WorkerActivity Activity { get; init; }

    /// <summary>When a tick first found it silent for <see cref="RunLimits.SuspectAfterMs"/>; −1 where none did.</summary>
    public long DoubtedMs { get; init; } = -1;

    /// <summary>When it became suspected; −1 where it is not.</summary>
    public long SuspectedMs { get; init; } = -1;

    /// <summary>Whether it has been silent so long that its slices are free for others and it gets no work until it is heard.</summary>
    public bool Suspected => SuspectedMs >= 0;

    /// <summary>Since when it has said that it is idle though it has a shard; −1 where it has not.</summary>
    public long IdleSinceMs { get; init; } = -1;

    /// <summary>What the user was last told of it, until an answer of it counts: each reason is told once.</summary>
    public StallReason Told { get; init; }

    /// <summary>Its compute threads: the guess at its speed before it is measured.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Training slices per second, smoothed; 0 until measured.</summary>
    public double Speed { get; init; }

    /// <summary>The shard it computes, or null. It has at most one, and may still have one of an earlier step.</summary>
    public Assignment? Work { get; init; }

    /// <summary>The training shard it was given last, or null: an order that stands until the parameters of the next step are there, answered or not.</summary>
    public Assignment? Standing { get; init; }

    /// <summary>Failures since its last accepted answer.</summary>
    public int Failures { get; init; }

    /// <summary>It gets no work before this time.</summary>
    public long AsideUntilMs { get; init; }

    /// <summary>Whether it could take a shard.</summary>
    public bool IsAvailable(long nowMs) => Work is null && !Suspected && AsideUntilMs <= nowMs;
}

/// <summary>A shard given to a worker and not yet answered.</summary>
/// <param name="Phase">Of which phase.</param>
/// <param name="Step">Of which step.</param>
/// <param name="Slices">Which slices.</param>
/// <param name="SentMs">When it was given.</param>
/// <param name="DeadlineMs">When it is late.</param>
/// <param name="Late">Whether its slices are free to be given to another, as it is late or another answered part of them first.</param>
public sealed record Assignment(RunPhase Phase, long Step, SliceRange Slices, long SentMs, long DeadlineMs, bool Late = false);
