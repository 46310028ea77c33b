using DistNet.Runs;

namespace DistNet.Simulation.Tests;

/// <summary>What a history is played with on purpose, to show that the oracle finds it.</summary>
internal sealed record Defects
{
    public static Defects None { get; } = new();

    /// <summary>Changes what the machine gives.</summary>
    public Func<Transition, RunInput, Transition>? Machine { get; init; }

    /// <summary>A coordinator does not look whether the folder was taken over.</summary>
    public bool IgnoresTerm { get; init; }

    /// <summary>A coordinator goes on from a checkpoint that is not whole.</summary>
    public bool ResumesTorn { get; init; }
}
