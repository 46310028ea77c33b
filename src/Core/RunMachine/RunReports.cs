using DistNet.Training;

namespace DistNet.Runs;

/// <summary>A step after its update.</summary>
/// <param name="Step">The step that was completed, from 0.</param>
/// <param name="Epoch">Its epoch, from 0.</param>
/// <param name="StepInEpoch">Its place in the epoch, from 0.</param>
/// <param name="Finite">False when the summed gradient or loss was not finite. Then nothing was changed, and <paramref name="State"/> is the state before the step.</param>
/// <param name="Skipped">True where the step was skipped because of a non-finite gradient: the state has advanced, parameters and slots have not.</param>
/// <param name="Metrics">The batch's sums.</param>
/// <param name="LearningRate">The rate of this update.</param>
/// <param name="GradientNorm">The global norm before clipping; NaN where it was not computed: it is where the job clips, and at the last step of an epoch.</param>
/// <param name="State">The training state now. <c>StepInEpoch</c> is 0 when the step ended its epoch.</param>
public sealed record StepReport(
    long Step,
    int Epoch,
    int StepInEpoch,
    bool Finite,
    bool Skipped,
    NodeMetrics Metrics,
    double LearningRate,
    double GradientNorm,
    TrainingState State)
{
    /// <summary>Whether this was the epoch's last step.</summary>
    public bool EpochEnded => (Finite || Skipped) && State.StepInEpoch == 0;
}

/// <summary>An epoch after its validation.</summary>
/// <param name="Epoch">Epochs completed.</param>
/// <param name="Metrics">The validation split's sums.</param>
/// <param name="IsBest">Whether the validation loss is the lowest so far.</param>
/// <param name="State">The training state now; <c>StoppedEarly</c> ends the training.</param>
public sealed record ValidationReport(int Epoch, NodeMetrics Metrics, bool IsBest, TrainingState State);

/// <summary>A checkpoint on disk.</summary>
/// <param name="Step">Steps completed in it.</param>
/// <param name="Reason">Why it was written: <c>epoch end</c>, <c>every 100 steps</c>, <c>every 5 s</c>, <c>stop requested</c>.</param>
public sealed record CheckpointReport(long Step, string Reason);

/// <summary>Who asked a run to stop; decides the exit code.</summary>
public enum StopSignal
{
    /// <summary>Ctrl-C: exit code 130.</summary>
    Interrupt,

    /// <summary>SIGTERM: exit code 143.</summary>
    Terminate,

    /// <summary>A cancellation token of a library user.</summary>
    Cancellation,
}

/// <summary>How a run can end.</summary>
public enum RunOutcomeKind
{
    /// <summary>All epochs were trained, or early stopping ended the training.</summary>
    Finished,

    /// <summary>It was asked to stop, finished its step and wrote a checkpoint.</summary>
    Interrupted,

    /// <summary>It could not go on; the last checkpoint is intact.</summary>
    Failed,
}

/// <summary>The end of a run.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Sentence">One sentence for the user; for Failed it names what was found and where.</param>
/// <param name="Signal">For Interrupted: who asked.</param>
/// <param name="Cause">For Failed: the exception, where there was one.</param>
public sealed record RunOutcome(RunOutcomeKind Kind, string Sentence, StopSignal? Signal = null, Exception? Cause = null)
{
    /// <summary>How often each rule of the run machine fired in this term.</summary>
    public RunCounters Counters { get; init; } = new();
}
