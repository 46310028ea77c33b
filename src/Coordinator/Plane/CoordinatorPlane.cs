using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using Google.Protobuf;
using Grpc.Core;

namespace DistNet.Coordinator.Plane;

/// <summary>The coordinator's end of the tensor plane for workers of other processes: gRPC, or shared memory where both ends found that it works. Which one serves a
/// worker is a property of its attendance.</summary>
/// <remarks>gRPC serves the parameters from where the coordinator has them: a version is asked for while it is the newest, and one that is overwritten while it is
/// sent was asked for by a worker whose answer nobody waits for. The next one may be asked for before it exists: the call waits for it, and no thread does.</remarks>
public sealed class CoordinatorPlane : ICoordinatorPlane
{
    private readonly ISharedMemoryHost? sharedMemory;
    private volatile Newest newest = new(default);
    private volatile bool disposed;
    private int waiting;

    /// <summary>Makes the plane; <see cref="PlaneServer"/> serves it.</summary>
    /// <param name="settings">What it must know of the run.</param>
    /// <param name="content">What workers are told of the run.</param>
    /// <param name="owner">Is told what happens.</param>
    /// <param name="sharedMemory">For workers of this machine; null for gRPC alone. Disposed with the plane.</param>
    public CoordinatorPlane(PlaneSettings settings, IPlaneContent content, IPlaneOwner owner, ISharedMemoryHost? sharedMemory = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Invariant.Holds(settings.Slots is > 0 and <= WireLimits.Slots && settings.ArenaLength is >= 0 and <= WireLimits.ArenaFloats);
        Settings = settings;
        Content = content;
        Owner = owner;
        this.sharedMemory = sharedMemory;
        Counters = new PlaneCounters();
        Refusals = new PlaneRefusals(owner, Counters);
        Table = new AttendanceTable(settings, TimeProvider.System);
        Pool = new GradientPool(settings.ArenaLength);
        sharedMemory?.Read(owner.Answered, End);
    }

    /// <summary>Who attends.</summary>
    public ImmutableArray<AttendanceInfo> Attendances => [.. Table.All.Select(attendance => attendance.Info)];

    /// <summary>What was counted, for the status.</summary>
    public ImmutableArray<StatusCounter> Counts => Counters.Read();

    internal PlaneSettings Settings { get; }

    internal IPlaneContent Content { get; }

    internal IPlaneOwner Owner { get; }

    internal PlaneCounters Counters { get; }

    internal PlaneRefusals Refusals { get; }

    internal AttendanceTable Table { get; }

    internal GradientPool Pool { get; }

    internal bool IsDisposed => disposed;

    /// <summary>How many calls wait for parameters that are not there yet.</summary>
    internal int Waiting => Volatile.Read(ref waiting);

    /// <inheritdoc/>
    public bool IsLive(Guid incarnation) => Table.TryFind(incarnation, out Attendance? attendance) && attendance.Reason is null;

    /// <inheritdoc/>
    public string HostOf(Guid incarnation) => Table.TryFind(incarnation, out Attendance? attendance) ? attendance.Info.Host : "";

    /// <summary>How an attendance's tensors travel; empty for one that is over.</summary>
    public string TransportOf(Guid incarnation) => Table.TryFind(incarnation, out Attendance? attendance) ? attendance.Transport.Name : "";

    /// <inheritdoc/>
    public bool TryTake(Guid incarnation, long ticket, [NotNullWhen(true)] out GradientLease? lease)
    {
        lease = null;
        return Table.TryFind(incarnation, out Attendance? attendance) && attendance.Transport.TryTake(ticket, out lease);
    }

    /// <inheritdoc/>
    public ImmutableArray<long> Held(Guid incarnation) => Table.TryFind(incarnation, out Attendance? attendance) ? attendance.Transport.Held : [];

    /// <inheritdoc/>
    public bool OrdersStand(Guid incarnation) => Table.TryFind(incarnation, out Attendance? attendance) && attendance.Transport.OrdersStand;

    /// <inheritdoc/>
    public void LetStand(long version) => sharedMemory?.LetStand(version);

    /// <inheritdoc/>
    public void Publish(ParameterHandle parameters)
    {
        Newest before = newest;
        newest = new Newest(parameters);
        before.Next.SetResult();
        sharedMemory?.Publish(parameters);
    }

    /// <inheritdoc/>
    public void End(Guid incarnation, string sentence)
    {
        if (Table.TryFind(incarnation, out Attendance? attendance))
        {
            attendance.End(sentence.TrimEnd('.'));
        }
    }

    /// <summary>Ends all attendances and takes no more.</summary>
    public void Dispose()
    {
        disposed = true;
        foreach (Attendance attendance in Table.All)
        {
            attendance.End("the coordinator stops");
        }

        sharedMemory?.Dispose();
    }

    /// <summary>One version of the parameters, once it is published.</summary>
    /// <returns>The default handle: the version is gone, or further ahead than the next one, which nobody was told to ask for.</returns>
    internal async ValueTask<ParameterHandle> ParametersAsync(long version, CancellationToken end)
    {
        Newest seen = newest;
        if (version == seen.Handle.Version + 1)
        {
            Interlocked.Increment(ref waiting);
            try
            {
                await seen.Next.Task.WaitAsync(end).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Decrement(ref waiting);
            }

            seen = newest;
        }

        return seen.Handle.Version == version ? seen.Handle : default;
    }

    internal ISharedMemoryOffer? Offer(AttendanceInfo attendance) => sharedMemory?.Offer(attendance.Id, attendance.Threads);

    // The attendance that a call names by its secret.
    internal Attendance Require(ByteString attendance, Caller caller) =>
        attendance.Length == WireLimits.IdentifierBytes && Table.TryFind(new Guid(attendance.Span, bigEndian: true), out Attendance? found) && found.Reason is null
            ? found
            : throw NotAttending(caller);

    internal RpcException NotAttending(Caller caller) =>
        Refusals.Refuse(PlaneCount.RefusedNotAttending, StatusCode.PermissionDenied, "The attendance is over or was never given.", "A caller", caller.Address);

    private sealed record Newest(ParameterHandle Handle)
    {
        // Those who wait go on on the pool: whoever publishes has more to do.
        public TaskCompletionSource Next { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
