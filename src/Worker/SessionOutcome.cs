namespace DistNet.Worker;

/// <summary>How a worker's part in a run can end.</summary>
public enum SessionOutcomeKind
{
    /// <summary>The run is over.</summary>
    RunOver,

    /// <summary>The coordinator ended the session, or refused it.</summary>
    Ended,

    /// <summary>The coordinator's actor is gone.</summary>
    CoordinatorGone,

    /// <summary>The tensor plane's link is down.</summary>
    PlaneBroken,

    /// <summary>It was asked to leave, and did.</summary>
    Left,

    /// <summary>The actor was stopped from outside: its system shuts down.</summary>
    Stopped,

    /// <summary>The actor failed: a bug.</summary>
    Failed,
}

/// <summary>The end of a worker actor.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Reason">Why, in words.</param>
public sealed record SessionOutcome(SessionOutcomeKind Kind, string Reason);
