using DistNet.Protocol;
using DistNet.Protocol.Security;
using DistNet.Runs;

namespace DistNet.Coordinator.Plane;

/// <summary>What the plane must know of the run. The limits are those of <see cref="WireLimits"/>; tests set smaller ones.</summary>
public sealed record PlaneSettings
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The life of the coordinator.</summary>
    public required int Term { get; init; }

    /// <summary>Floats of the parameters and of each gradient, padding included.</summary>
    public required int ArenaLength { get; init; }

    /// <summary>Gradients that a session may have at the coordinator at once.</summary>
    public required int Slots { get; init; }

    /// <summary>The token that workers must have; null for none.</summary>
    public JoinToken? Token { get; init; }

    /// <summary>Between two beats.</summary>
    public TimeSpan BeatInterval { get; init; } = WireLimits.BeatInterval;

    /// <summary>How long a worker may be silent.</summary>
    public TimeSpan Silence { get; init; } = WireLimits.Silence;

    /// <summary>How long the first message may take.</summary>
    public TimeSpan Hello { get; init; } = WireLimits.Hello;

    /// <summary>How long a tensor may take.</summary>
    public TimeSpan Transfer { get; init; } = WireLimits.Transfer;

    /// <summary>How long a chunk of a file may take.</summary>
    public TimeSpan DataChunk { get; init; } = WireLimits.DataChunk;

    /// <summary>Workers that attend at once.</summary>
    public int Attendances { get; init; } = WireLimits.Attendances;

    /// <summary>Workers of one address that attend at once.</summary>
    public int AttendancesPerAddress { get; init; } = WireLimits.AttendancesPerAddress;

    /// <summary>Attempts of one address to attend within <see cref="AttemptWindow"/>.</summary>
    public int AttemptsPerAddress { get; init; } = WireLimits.AttemptsPerAddress;

    /// <summary>How long attempts are counted.</summary>
    public TimeSpan AttemptWindow { get; init; } = WireLimits.AttemptWindow;

    /// <summary>Connections at once.</summary>
    public int Connections { get; init; } = WireLimits.Connections;
}
