using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;

namespace DistNet.Coordinator.Plane;

/// <summary>How an upload begins.</summary>
internal enum UploadStart
{
    /// <summary>It has a slot.</summary>
    Accepted,

    /// <summary>Its ticket was received, or is of an answer that is over: it need not be sent.</summary>
    AlreadyReceived,

    /// <summary>Its fence is older than the newest of the session, or of another session.</summary>
    Stale,

    /// <summary>The session has as many gradients here as it may have.</summary>
    NoSlot,

    /// <summary>Its tickets cannot be.</summary>
    Wrong,

    /// <summary>The attendance is over.</summary>
    Over,
}

/// <summary>The gradients of one attendance that came over gRPC: a bounded number, each received once and taken once by its ticket.</summary>
/// <remarks>
/// A ticket's life: an upload leases a slot → received → taken → returned. What was received and not taken when the session sends its next answer was of an
/// answer that nobody wanted, and is dropped. Uploads of one ticket may run side by side (the first one's connection hangs, say); the first that ends counts.
/// </remarks>
/// <param name="pool">Where gradients are written; shared by all sessions.</param>
/// <param name="slots">How many gradients the session may have here, unfinished uploads included.</param>
/// <param name="counters">Counts.</param>
internal sealed class SessionGradients(GradientPool pool, int slots, PlaneCounters counters) : IAttendanceTransport, IGradientOwner
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, GradientLease> received = [];
    private readonly Dictionary<long, GradientLease> taken = [];
    private readonly HashSet<long> settled = []; // of the newest answer: tickets that were received, whatever became of them
    private long firstTicket = 1;
    private long newestSession;
    private long newestStep;
    private int uploading;
    private bool over;

    /// <inheritdoc/>
    public string Name => "grpc";

    /// <inheritdoc/>
    public bool OrdersStand => false;

    /// <inheritdoc/>
    public ImmutableArray<long> Held
    {
        get
        {
            lock (gate)
            {
                return [.. taken.Keys];
            }
        }
    }

    /// <summary>Slots in use.</summary>
    public int InUse
    {
        get
        {
            lock (gate)
            {
                return received.Count + taken.Count + uploading;
            }
        }
    }

    /// <summary>Begins an upload.</summary>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="answer">The first ticket of its answer.</param>
    /// <param name="session">Of its fence.</param>
    /// <param name="step">Of its fence.</param>
    /// <param name="place">Where it goes, when accepted; ends with <see cref="Complete"/> or <see cref="Abandon"/>.</param>
    public UploadStart Begin(long ticket, long answer, long session, long step, out GradientLease? place)
    {
        place = null;
        lock (gate)
        {
            if (over)
            {
                return UploadStart.Over;
            }

            if (answer < 1 || ticket < answer || ticket - answer >= WireLimits.Slots)
            {
                return UploadStart.Wrong;
            }

            if (ticket < firstTicket || settled.Contains(ticket))
            {
                return UploadStart.AlreadyReceived;
            }

            if (answer < firstTicket || session < newestSession || step < newestStep)
            {
                return UploadStart.Stale;
            }

            (newestSession, newestStep) = (session, step);
            BeginAnswer(answer);
            if (received.Count + taken.Count + uploading >= slots)
            {
                return UploadStart.NoSlot;
            }

            uploading++;
            place = pool.Lease();
            return UploadStart.Accepted;
        }
    }

    /// <summary>An upload has come, whole.</summary>
    /// <returns>False when another of the same ticket was faster, or nobody wants it any more.</returns>
    public bool Complete(long ticket, GradientLease place)
    {
        lock (gate)
        {
            uploading--;
            if (!over && ticket >= firstTicket && settled.Add(ticket))
            {
                received.Add(ticket, place);
                return true;
            }
        }

        place.Return();
        return false;
    }

    /// <summary>An upload has failed.</summary>
    public void Abandon(GradientLease place)
    {
        lock (gate)
        {
            uploading--;
        }

        place.Return();
    }

    /// <inheritdoc/>
    public bool TryTake(long ticket, [NotNullWhen(true)] out GradientLease? lease)
    {
        lock (gate)
        {
            if (received.Remove(ticket, out GradientLease? place))
            {
                taken.Add(ticket, place);
                lease = new GradientLease(place.Values, this, ticket);
                return true;
            }
        }

        lease = null;
        return false;
    }

    /// <inheritdoc/>
    public void End()
    {
        lock (gate)
        {
            over = true;
            Drop(long.MaxValue);
        }
    }

    void IGradientOwner.TakeBack(GradientLease lease)
    {
        GradientLease? place;
        lock (gate)
        {
            Invariant.Holds(taken.Remove((long)lease.Place!, out place));
        }

        place.Return();
    }

    private void BeginAnswer(long answer)
    {
        if (answer > firstTicket)
        {
            firstTicket = answer;
            settled.Clear();
            Drop(answer);
        }
    }

    private void Drop(long below)
    {
        foreach (long ticket in received.Keys.Where(ticket => ticket < below).ToArray())
        {
            received.Remove(ticket, out GradientLease? place);
            place!.Return();
            counters.Add(PlaneCount.GradientsDropped);
        }
    }
}
