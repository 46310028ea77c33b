using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using DistNet.Runs;

namespace DistNet.Protocol.Plane;

/// <summary>The coordinator's end of one attendance's gradients. Safe on any thread; nothing blocks.</summary>
public interface IAttendanceTransport
{
    /// <summary>How tensors travel: <c>shared memory</c> or <c>grpc</c>.</summary>
    string Name { get; }

    /// <summary>Whether orders stand: see <see cref="IWorkerPlane.OrdersStand"/>.</summary>
    bool OrdersStand { get; }

    /// <summary>Takes a delivered gradient, exactly once a ticket.</summary>
    bool TryTake(long ticket, [NotNullWhen(true)] out GradientLease? lease);

    /// <summary>The tickets that were taken and whose leases are not yet returned.</summary>
    ImmutableArray<long> Held { get; }

    /// <summary>The attendance is over: what nobody took is freed at once, the rest when its leases are returned. May be called again.</summary>
    void End();
}

/// <summary>The coordinator's shared memory: offers each attendance files of its own, and finds out whether the worker can open them.</summary>
public interface ISharedMemoryHost : IDisposable
{
    /// <summary>Begins to read the answers of the workers that accepted; called once, before the first offer.</summary>
    /// <param name="answered">Told each answer, with the attendance, on a thread that has nothing else to do.</param>
    /// <param name="broken">Told of an attendance whose answers cannot be read, and why, without a stop at the end.</param>
    void Read(Action<Guid, ShardDone> answered, Action<Guid, string> broken);

    /// <summary>Makes the files for an attendance.</summary>
    /// <param name="attendance">The attendance.</param>
    /// <param name="threads">The worker's compute threads.</param>
    /// <returns>Null where it offers none.</returns>
    ISharedMemoryOffer? Offer(Guid attendance, int threads);

    /// <summary>See <see cref="ICoordinatorPlane.LetStand"/>.</summary>
    void LetStand(long version);

    /// <summary>Makes a version readable. Called by whoever made it.</summary>
    void Publish(ParameterHandle parameters);
}

/// <summary>What one attendance was offered. It ends with <see cref="IAttendanceTransport.End"/> once accepted, else with <see cref="Withdraw"/>.</summary>
public interface ISharedMemoryOffer
{
    /// <summary>What the worker is told.</summary>
    SharedMemoryPaths Paths { get; }

    /// <summary>Looks for the worker's proof in the mapping.</summary>
    /// <returns>The transport; null where the proof does not hold.</returns>
    IAttendanceTransport? Accept(Guid proof);

    /// <summary>The worker did not or could not accept.</summary>
    void Withdraw();
}
