using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using DistNet.Runs;

namespace DistNet.Coordinator.Node;

/// <summary>Sees a cluster's run: what <see cref="IRunObserver"/> does, and where workers join.</summary>
public interface IClusterObserver : IRunObserver
{
    /// <summary>Workers may join from now on. Told once, before anything else but warnings.</summary>
    /// <param name="address">The address to join at.</param>
    /// <param name="controlPort">The control plane's port, which workers are told.</param>
    void OnListening(HostPort address, int controlPort)
    {
    }
}

/// <summary>How a coordinator leads a run. Nothing here can change the trained parameters.</summary>
public sealed record CoordinatorNodeOptions
{
    /// <summary>Where it listens; port 0 lets the system choose.</summary>
    public required HostPort Bind { get; init; }

    /// <summary>The address by which workers reach it; null where that is <see cref="Bind"/> (the machine's name where that is all interfaces).</summary>
    public HostPort? Public { get; init; }

    /// <summary>The control plane's port; 0 lets the system choose.</summary>
    public int ControlPort { get; init; }

    /// <summary>The port by which workers reach the control plane; 0 where that is the port it listens on.</summary>
    public int PublicControlPort { get; init; }

    /// <summary>Workers that must be present before the first step, at least 1.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>Threads for sum and update, at least 1; null takes the machine's cores.</summary>
    public int? Threads { get; init; }

    /// <summary>What workers must know; null for nothing.</summary>
    public JoinToken? Token { get; init; }

    /// <summary>Certificates for both planes; null for plain text.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Whether to listen off loopback without token or certificates.</summary>
    public bool Insecure { get; init; }

    /// <summary>Whether workers of this machine may use shared memory.</summary>
    public bool SharedMemory { get; init; } = true;

    /// <summary>The folder that checkpoints are written to; null trains in memory alone, without checkpoints.</summary>
    public string? RunFolder { get; init; }

    /// <summary>Whether to go on from the latest whole checkpoint in <see cref="RunFolder"/>, if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>The effective job as canonical JSON: workers read it.</summary>
    public required string JobJson { get; init; }

    /// <summary>A folder in which the job's data files are looked for; null for none.</summary>
    public string? DataFolder { get; init; }

    /// <summary>The width that kernels run at; null takes the widest of this machine.</summary>
    public VectorUnit? Unit { get; init; }

    /// <summary>Told of what happens; null for nobody.</summary>
    public IClusterObserver? Observer { get; init; }
}
