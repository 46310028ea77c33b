using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>What the shell must do. Effects of one transition are carried out in order. Those of the numeric side are answered by an input each;
/// there is never more than one of them under way, but for <see cref="VerifyFolder"/>, and <see cref="Finish"/> where the run fails.</summary>
public abstract record RunEffect
{
    private RunEffect()
    {
    }

    /// <summary>Send a shard to a worker.</summary>
    /// <param name="Worker">To whom.</param>
    /// <param name="Fence">Its fence.</param>
    /// <param name="Work">What to compute.</param>
    /// <param name="Ahead">Whether it is computed with the parameters that the step under completion will give; otherwise with those of now.</param>
    /// <param name="Stands">Whether nothing need be sent: the worker's order of the step before stands, and <see cref="CompleteStep"/> says so.</param>
    public sealed record SendShard(WorkerId Worker, Fence Fence, ShardWork Work, bool Ahead, bool Stands = false) : RunEffect;

    /// <summary>Tell a worker that a shard is no longer needed. It answers for it all the same.</summary>
    public sealed record WithdrawShard(WorkerId Worker, Fence Fence, SliceRange Slices) : RunEffect;

    /// <summary>Keep an answer for the completion of the phase, and claim its leases.</summary>
    public sealed record AcceptAnswer(long Answer) : RunEffect;

    /// <summary>Drop an answer and return its leases, unless they are claimed already.</summary>
    public sealed record ReleaseAnswer(long Answer) : RunEffect;

    /// <summary>Return the leases of all accepted answers: the phase is abandoned, or its content is not needed.</summary>
    public sealed record ReleaseAccepted : RunEffect;

    /// <summary>Numeric: complete the step with the accepted answers, then return their leases.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="OrdersStand">Whether every worker that had an order in it goes on to the same slices of the next step: to be said before its parameters are there.</param>
    public sealed record CompleteStep(long Step, bool OrdersStand = false) : RunEffect;

    /// <summary>Numeric: skip the step.</summary>
    public sealed record SkipStep(long Step, string Finding) : RunEffect;

    /// <summary>Numeric: complete the validation with the accepted answers.</summary>
    public sealed record CompleteValidation : RunEffect;

    /// <summary>Numeric: write a checkpoint.</summary>
    public sealed record WriteCheckpoint(string Reason) : RunEffect;

    /// <summary>Numeric: end the training.</summary>
    public sealed record EndTraining : RunEffect;

    /// <summary>Numeric: write the results.</summary>
    public sealed record Finish(RunOutcome Outcome) : RunEffect;

    /// <summary>Numeric: look whether the run folder is still this coordinator's. Answered only where it is not, by a failure.</summary>
    public sealed record VerifyFolder : RunEffect;

    /// <summary>A worker's session ends, as it cannot be taken or has been silent too long: tell it so; it may register again.</summary>
    public sealed record EndSession(WorkerId Worker, long Session, string Sentence) : RunEffect;

    /// <summary>A worker gets no work for a while; for the log, as the machine remembers it by itself.</summary>
    public sealed record SetAside(WorkerId Worker, long UntilMs) : RunEffect;

    /// <summary>Tell the observer who is present.</summary>
    public sealed record ReportWorkers(WorkerId Worker, int Present, string Sentence) : RunEffect;

    /// <summary>Tell the observer something that the run survives.</summary>
    public sealed record Warn(string Sentence) : RunEffect;
}

/// <summary>What a transition gives.</summary>
/// <param name="State">The new state.</param>
/// <param name="Effects">What to do, in order.</param>
/// <param name="Reason">Why the run's course changed, for one line of the log; null for the ordinary course of steps.</param>
public readonly record struct Transition(RunState State, ImmutableArray<RunEffect> Effects, string? Reason);
