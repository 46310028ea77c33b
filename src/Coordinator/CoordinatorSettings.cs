using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Coordinator;

/// <summary>What a coordinator needs.</summary>
public sealed record CoordinatorSettings
{
    /// <summary>The run's numeric side. The coordinator calls it on its dedicated thread, or for what is short on the thread that brought the last answer (a compute thread in this process, the reader of a connection), one call at a time, and disposes it on its own, before the observer is told of the end.</summary>
    public required ITrainingRun Run { get; init; }

    /// <summary>Where parameters are published and gradients taken from. Whoever made it disposes it, once the run is over.</summary>
    public required ICoordinatorPlane Plane { get; init; }

    /// <summary>Sees the progress; called on the actor's thread, in order.</summary>
    public IRunObserver? Observer { get; init; }

    /// <summary>Told the address of a worker's actor system whose session has ended other than by its own goodbye, so that the cluster downs that member instead
    /// of waiting for it. Called on the actor's thread; null inside one process.</summary>
    public Action<Address>? MemberGone { get; init; }

    /// <summary>Shown each state of the run, for whoever wants to look at it; null for nobody.</summary>
    public RunView? View { get; init; }

    /// <summary>Measures what the time of a step goes to; read by anyone.</summary>
    public StepTimes Times { get; init; } = new();

    /// <summary>The clock of deadlines and checkpoint intervals.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How often lateness is looked for.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(RunLimits.TickMs);
}
