using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>A run as anyone may look at it, on any thread: the coordinator's actor shows each state that it comes to.</summary>
/// <param name="time">The actor's clock; null for the system's.</param>
public sealed class RunView(TimeProvider? time = null)
{
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private long started;
    private volatile RunState? state;

    /// <summary>The run as it is now; null before it has begun.</summary>
    public RunStatus? Describe() => state is { } shown ? RunMachine.Describe(shown, (long)time.GetElapsedTime(started).TotalMilliseconds) : null;

    /// <summary>The mean training loss of the epoch so far, or of the last one at its end; NaN before the first step.</summary>
    public double Loss => state?.Training is not { } training ? double.NaN : training.EpochSums.Weight > 0 ? training.EpochSums.Loss / training.EpochSums.Weight : training.LastTrainLoss;

    /// <summary>Shows a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="started">The timestamp from which the machine's milliseconds count; always the same.</param>
    internal void Show(RunState state, long started)
    {
        this.started = started;
        this.state = state;
    }
}
