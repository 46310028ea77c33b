using DistNet.Protocol;
using DistNet.Protocol.Plane;

namespace DistNet.Coordinator.Plane;

/// <summary>One live attendance.</summary>
#pragma warning disable CA1001 // A source without a timer needs no disposal, and whoever ends an attendance may still be at it.
internal sealed class Attendance
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource over = new();
    private readonly Lock gate = new();
    private string? reason;
    private int calls;

    /// <summary>Begins an attendance.</summary>
    public Attendance(AttendanceInfo info, SessionGradients gradients)
    {
        Info = info;
        Gradients = gradients;
        Transport = gradients;
        Over = over.Token;
    }

    /// <summary>Who attends.</summary>
    public AttendanceInfo Info { get; }

    /// <summary>What came over gRPC; empty where shared memory was chosen.</summary>
    public SessionGradients Gradients { get; }

    /// <summary>How its gradients travel.</summary>
    public IAttendanceTransport Transport { get; private set; }

    /// <summary>Cancelled when it is over.</summary>
    public CancellationToken Over { get; }

    /// <summary>Why it is over, without a stop at the end; null while it is not.</summary>
    public string? Reason
    {
        get
        {
            lock (gate)
            {
                return reason;
            }
        }
    }

    /// <summary>Goes over to shared memory, before anything was delivered.</summary>
    /// <returns>False: it is over.</returns>
    public bool TryUse(IAttendanceTransport transport)
    {
        lock (gate)
        {
            if (reason is not null)
            {
                return false;
            }

            Transport = transport;
            return true;
        }
    }

    /// <summary>Ends it; the first reason stands.</summary>
    public void End(string why)
    {
        lock (gate)
        {
            if (reason is not null)
            {
                return;
            }

            reason = why;
        }

        Gradients.End();
        Transport.End();

        // Those who wait for it go on elsewhere: whoever ends it may hold locks.
        _ = over.CancelAsync();
    }

    /// <summary>Enters a call that holds memory.</summary>
    /// <returns>False when there are too many.</returns>
    public bool TryEnterCall()
    {
        if (Interlocked.Increment(ref calls) <= WireLimits.CallsPerAttendance)
        {
            return true;
        }

        LeaveCall();
        return false;
    }

    /// <summary>Leaves a call that was entered.</summary>
    public void LeaveCall() => Interlocked.Decrement(ref calls);
}
