using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using DistNet.Worker.Data;

namespace DistNet.Worker.Node;

/// <summary>How a worker takes part in runs. Nothing here can change the trained parameters.</summary>
public sealed record WorkerNodeOptions
{
    /// <summary>The coordinator's address.</summary>
    public required HostPort Join { get; init; }

    /// <summary>Its name, unique among the workers of a run; by default host and process.</summary>
    public string Name { get; init; } = FormattableString.Invariant($"{Environment.MachineName}-{Environment.ProcessId}");

    /// <summary>Compute threads, at least 1.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Where data is looked for and kept.</summary>
    public WorkerDataOptions Data { get; init; } = new();

    /// <summary>Where the control plane listens; null takes the address of this machine that the coordinator is reached from, and a port that the system chooses.</summary>
    public HostPort? ControlBind { get; init; }

    /// <summary>The address by which the coordinator reaches the control plane; null where that is the address it listens on.</summary>
    public HostPort? PublicControl { get; init; }

    /// <summary>Whether tensors may go through memory shared with a coordinator on this machine.</summary>
    public bool SharedMemory { get; init; } = true;

    /// <summary>How long it seeks a coordinator in vain before it gives up.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The run's secret; null for none.</summary>
    public JoinToken? Token { get; init; }

    /// <summary>Certificates for both planes; null for plain text.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Whether to join off loopback without token or certificates.</summary>
    public bool Insecure { get; init; }

    /// <summary>The width that kernels run at; null takes the widest of this machine.</summary>
    public VectorUnit? Unit { get; init; }

    /// <summary>Told of what happens; null for nobody.</summary>
    public IWorkerObserver? Observer { get; init; }
}

/// <summary>Sees a worker's life. Called from any thread, one call at a time; must return quickly and not throw.</summary>
public interface IWorkerObserver
{
    /// <summary>A session has begun: it takes part.</summary>
    /// <param name="session">In what.</param>
    void OnJoined(WorkerSessionInfo session)
    {
    }

    /// <summary>It seeks a coordinator, or seeks it again.</summary>
    /// <param name="sentence">Why; told once until the reason changes.</param>
    void OnSeeking(string sentence)
    {
    }

    /// <summary>Something that a person may want to know: data that is fetched, copies that are refused.</summary>
    /// <param name="sentence">One sentence.</param>
    void OnMessage(string sentence)
    {
    }

    /// <summary>Something that a person should know.</summary>
    /// <param name="sentence">One sentence.</param>
    void OnWarning(string sentence)
    {
    }
}

/// <summary>A session of a worker.</summary>
/// <param name="Worker">The worker's name.</param>
/// <param name="Run">The run's identifier.</param>
/// <param name="Term">The coordinator's life.</param>
/// <param name="Transport">How tensors travel.</param>
public sealed record WorkerSessionInfo(string Worker, string Run, int Term, string Transport);

/// <summary>How a worker ended.</summary>
public enum WorkerEndKind
{
    /// <summary>The run is over.</summary>
    RunOver,

    /// <summary>It was asked to stop, and left.</summary>
    Stopped,
}

/// <summary>The end of a worker.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Samples">Training samples that it computed.</param>
/// <param name="Sessions">Sessions that it had.</param>
/// <param name="AllocatedBytesPerShard">Managed bytes that the process allocated from one training shard to the next, on average: control's, as compute allocates nothing; 0 before there were
/// enough.</param>
public sealed record WorkerEnd(WorkerEndKind Kind, long Samples, int Sessions, double AllocatedBytesPerShard);
