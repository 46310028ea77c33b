using DistNet.Protocol.Security;
using DistNet.Runs;

namespace DistNet.Worker.Plane;

/// <summary>How a worker introduces itself.</summary>
public sealed record WorkerHello
{
    /// <summary>Its name, unique among live workers.</summary>
    public required WorkerId Worker { get; init; }

    /// <summary>Random, one for the life of its process.</summary>
    public required Guid ProcessNonce { get; init; }

    /// <summary>Its host, for people.</summary>
    public string Host { get; init; } = Environment.MachineName;

    /// <summary>Its process, for people.</summary>
    public int ProcessId { get; init; } = Environment.ProcessId;

    /// <summary>Its compute threads.</summary>
    public required int Threads { get; init; }

    /// <summary>The join token; null for none.</summary>
    public JoinToken? Token { get; init; }

    /// <summary>The version of this software, for people.</summary>
    public string SoftwareVersion { get; init; } = typeof(WorkerHello).Assembly.GetName().Version?.ToString(3) ?? "";
}
