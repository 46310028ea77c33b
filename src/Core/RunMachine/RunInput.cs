using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>Why a shard comes back without a result.</summary>
public enum ShardFailureKind
{
    /// <summary>Its computation threw.</summary>
    Failed,

    /// <summary>The parameters were overwritten while it was computed: it was late. Not the worker's failure.</summary>
    Overwritten,

    /// <summary>It was withdrawn before its result was sent. Not the worker's failure.</summary>
    Withdrawn,
}

/// <summary>What can happen to a run.</summary>
public abstract record RunInput
{
    private RunInput()
    {
    }

    /// <summary>The run begins; once, first.</summary>
    public sealed record Begin : RunInput;

    /// <summary>A worker registered. A session it had before has ended.</summary>
    /// <param name="Worker">Its name.</param>
    /// <param name="Session">Its new session, never used before in this term.</param>
    /// <param name="Threads">Its compute threads, at least 1.</param>
    /// <param name="Host">Where it runs, for the user; empty in the coordinator's own process.</param>
    /// <param name="Beats">Whether it tells regularly that it lives (<see cref="WorkerHeard"/>), so that its silence means something. False in the coordinator's
    /// own process: what stops one there stops both.</param>
    /// <param name="OrdersStand">Whether its orders stand: it can be told with the parameters to go on to the same slices of the next step.</param>
    public sealed record WorkerJoined(WorkerId Worker, long Session, int Threads, string Host, bool Beats, bool OrdersStand = false) : RunInput;

    /// <summary>A worker told that it lives, and what it does.</summary>
    /// <param name="Worker">Its name.</param>
    /// <param name="Session">Its session; ignored when it is not the current one.</param>
    /// <param name="Activity">What it does.</param>
    public sealed record WorkerHeard(WorkerId Worker, long Session, WorkerActivity Activity) : RunInput;

    /// <summary>A worker's session has ended: it said goodbye, its actor stopped, its stream broke.</summary>
    /// <param name="Worker">Its name.</param>
    /// <param name="Session">The session that ended; ignored when it is not the current one.</param>
    /// <param name="Reason">Why, for the log.</param>
    public sealed record WorkerLeft(WorkerId Worker, long Session, string Reason) : RunInput;

    /// <summary>A shard was computed.</summary>
    /// <param name="Fence">The fence that the shard was sent with.</param>
    /// <param name="Worker">Who computed it.</param>
    /// <param name="Slices">Which slices.</param>
    /// <param name="Answer">The shell's number of the answer; every answer is either accepted or released, by an effect.</param>
    /// <param name="Seconds">How long it took to compute; 0 where unknown.</param>
    /// <param name="Finding">Diagnosis: what was found.</param>
    /// <param name="Nodes">What it shows of its nodes, so that answers to the same slices can be compared; empty for a diagnosis.</param>
    public sealed record ShardCompleted(
        Fence Fence, WorkerId Worker, SliceRange Slices, long Answer, double Seconds, ShardFinding? Finding, ImmutableArray<NodeProof> Nodes) : RunInput;

    /// <summary>A shard comes back without a result.</summary>
    /// <param name="Fence">The fence that the shard was sent with.</param>
    /// <param name="Worker">Who had it.</param>
    /// <param name="Slices">Which slices.</param>
    /// <param name="Kind">Why.</param>
    /// <param name="Reason">Why, in words.</param>
    public sealed record ShardFailed(Fence Fence, WorkerId Worker, SliceRange Slices, ShardFailureKind Kind, string Reason) : RunInput;

    /// <summary>The numeric side completed or skipped a step.</summary>
    /// <param name="Report">Its report.</param>
    public sealed record StepCompleted(StepReport Report) : RunInput;

    /// <summary>The numeric side completed a validation.</summary>
    /// <param name="Report">Its report.</param>
    public sealed record ValidationCompleted(ValidationReport Report) : RunInput;

    /// <summary>The numeric side wrote a checkpoint.</summary>
    /// <param name="Report">Its report.</param>
    public sealed record CheckpointWritten(CheckpointReport Report) : RunInput;

    /// <summary>The numeric side ended the training.</summary>
    public sealed record TrainingEnded : RunInput;

    /// <summary>The numeric side wrote the results.</summary>
    public sealed record RunFinished : RunInput;

    /// <summary>The numeric side threw.</summary>
    /// <param name="Sentence">What happened.</param>
    /// <param name="Cause">The exception.</param>
    public sealed record NumericFailed(string Sentence, Exception Cause) : RunInput;

    /// <summary>The user asked to stop.</summary>
    /// <param name="Signal">How.</param>
    public sealed record StopRequested(StopSignal Signal) : RunInput;

    /// <summary>Time has passed.</summary>
    public sealed record Tick : RunInput;
}
