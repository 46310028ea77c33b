using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;

namespace DistNet.Coordinator.Plane;

/// <summary>Who is told what happens on the plane: the coordinator's node. Called on the pool, in order for each attendance; must not block or throw.</summary>
public interface IPlaneOwner
{
    /// <summary>A worker was accepted; its registration may come from now on.</summary>
    void Attended(AttendanceInfo attendance);

    /// <summary>A worker's beat.</summary>
    void Heard(Guid attendance, WorkerActivity activity);

    /// <summary>A worker's answer, beside the gradients that it announces. Called on the thread that reads answers, one at a time.</summary>
    void Answered(Guid attendance, ShardDone answer);

    /// <summary>An attendance is over, by whichever side. Told once, and after it nothing of that attendance.</summary>
    /// <param name="attendance">The attendance.</param>
    /// <param name="reason">Why, without a stop at the end.</param>
    void Ended(Guid attendance, string reason);

    /// <summary>Someone was turned away. Told once for each address and cause; all are counted.</summary>
    /// <param name="sentence">Who, and why.</param>
    void Refused(string sentence);
}

/// <summary>What the plane tells workers of the run. Called on the pool.</summary>
public interface IPlaneContent
{
    /// <summary>The address of the coordinator's actor system; null while it is not ready, then workers are told to try again.</summary>
    string? ControlAddress { get; }

    /// <summary>The run.</summary>
    Task<RunDescription> DescribeAsync();

    /// <summary>Opens a data file of the run.</summary>
    /// <param name="sha256">Its SHA-256, 64 lower-case hexadecimal digits.</param>
    /// <param name="offset">Where to begin; not negative.</param>
    /// <exception cref="DistNetException">The run has no such file, or it cannot be read.</exception>
    Task<Stream> OpenDataAsync(string sha256, long offset);

    /// <summary>What the cluster does.</summary>
    ClusterStatus Status();
}

/// <summary>A worker that attends.</summary>
/// <param name="Id">The attendance: its secret, and the incarnation that it registers with.</param>
/// <param name="Worker">Its name.</param>
/// <param name="ProcessNonce">Tells its process from every other.</param>
/// <param name="Host">Where it says it runs.</param>
/// <param name="ProcessId">Its process there.</param>
/// <param name="Threads">Its compute threads.</param>
/// <param name="Address">The address that it called from.</param>
public sealed record AttendanceInfo(Guid Id, string Worker, Guid ProcessNonce, string Host, int ProcessId, int Threads, string Address)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"{Worker} on {Host} (process {ProcessId}, {Address})";
}
