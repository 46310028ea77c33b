using System.Collections.Immutable;
using DistNet.Protocol.Plane;

namespace DistNet.Coordinator.Plane;

/// <summary>What the plane counts.</summary>
internal enum PlaneCount
{
    Connections,
    ConnectionsOverLimit,
    ConnectionsWithoutCall,
    ConnectionsTlsRefused,
    ConnectionsHandshakeBroken,
    Calls,
    CallsFailed,
    Attended,
    AttendancesEnded,
    RefusedToken,
    RefusedVersion,
    RefusedName,
    RefusedNotReady,
    RefusedTooMany,
    RefusedSilent,
    RefusedWrongMessage,
    RefusedNotAttending,
    ParametersSent,
    ParametersGone,
    ParametersUnread,
    GradientsReceived,
    GradientsAgain,
    GradientsStale,
    GradientsNoSlot,
    GradientsChecksum,
    GradientsWrong,
    GradientsBroken,
    GradientsDropped,
    DataSent,
    DataRefused,
    DataUnread,
}

/// <summary>Counts, safe on any thread.</summary>
internal sealed class PlaneCounters
{
    private static readonly ImmutableArray<(PlaneCount Count, string Name)> Names =
    [
        (PlaneCount.Connections, "connections"),
        (PlaneCount.ConnectionsOverLimit, "connections refused: too many of one address"),
        (PlaneCount.ConnectionsWithoutCall, "connections without a call"),
        (PlaneCount.ConnectionsTlsRefused, "connections refused: certificate"),
        (PlaneCount.ConnectionsHandshakeBroken, "connections that broke off the TLS handshake"),
        (PlaneCount.Calls, "calls"),
        (PlaneCount.CallsFailed, "calls that did not end well"),
        (PlaneCount.Attended, "workers accepted"),
        (PlaneCount.AttendancesEnded, "attendances ended"),
        (PlaneCount.RefusedToken, "refused: token"),
        (PlaneCount.RefusedVersion, "refused: protocol version"),
        (PlaneCount.RefusedName, "refused: name in use"),
        (PlaneCount.RefusedNotReady, "refused: not ready"),
        (PlaneCount.RefusedTooMany, "refused: too many"),
        (PlaneCount.RefusedSilent, "refused: no hello in time"),
        (PlaneCount.RefusedWrongMessage, "refused: not a message of ours"),
        (PlaneCount.RefusedNotAttending, "refused: not attending"),
        (PlaneCount.ParametersSent, "parameters sent"),
        (PlaneCount.ParametersGone, "parameters asked for and gone"),
        (PlaneCount.ParametersUnread, "parameters not taken in time"),
        (PlaneCount.GradientsReceived, "gradients received"),
        (PlaneCount.GradientsAgain, "gradients received again"),
        (PlaneCount.GradientsStale, "gradients refused: stale fence"),
        (PlaneCount.GradientsNoSlot, "gradients refused: too many"),
        (PlaneCount.GradientsChecksum, "gradients refused: checksum"),
        (PlaneCount.GradientsWrong, "gradients refused: wrong chunk"),
        (PlaneCount.GradientsBroken, "gradients broken off"),
        (PlaneCount.GradientsDropped, "gradients dropped untaken"),
        (PlaneCount.DataSent, "data files sent"),
        (PlaneCount.DataRefused, "data files refused"),
        (PlaneCount.DataUnread, "data files not taken in time"),
    ];

    private readonly long[] counts = new long[Names.Length];

    /// <summary>Counts one.</summary>
    public void Add(PlaneCount count) => Interlocked.Increment(ref counts[(int)count]);

    /// <summary>How many so far.</summary>
    public long this[PlaneCount count] => Interlocked.Read(ref counts[(int)count]);

    /// <summary>All that are not 0.</summary>
    public ImmutableArray<StatusCounter> Read() =>
        [.. Names.Select(entry => new StatusCounter(entry.Name, this[entry.Count])).Where(counter => counter.Value != 0)];
}
