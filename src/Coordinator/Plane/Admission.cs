using System.Security.Cryptography;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using Grpc.Core;

namespace DistNet.Coordinator.Plane;

/// <summary>Who may attend. The order of the checks is that of what they reveal: a stranger without the token learns nothing of the run.</summary>
internal sealed class Admission(CoordinatorPlane plane)
{
    private const string Message = "Hello";

    /// <summary>Checks an attempt before anything of it is read.</summary>
    public void CheckAttempt(string address)
    {
        if (!plane.Table.TryAttempt(address))
        {
            throw Refuse(PlaneCount.RefusedTooMany, StatusCode.ResourceExhausted, $"Too many attempts from {address}; try again in {plane.Settings.AttemptWindow.TotalSeconds:0} s.", address);
        }
    }

    /// <summary>Checks the token of a call.</summary>
    public void CheckToken(string token, string who, string address)
    {
        if (plane.Settings.Token is { } expected && !expected.Matches(token))
        {
            string sentence = token.Length == 0
                ? "This run needs a join token; none was given (--token-file, or DISTNET_TOKEN)."
                : "The join token is not that of this run.";
            throw plane.Refusals.Refuse(PlaneCount.RefusedToken, StatusCode.Unauthenticated, sentence, who, address);
        }
    }

    /// <summary>Admits a worker.</summary>
    /// <param name="hello">Its first message.</param>
    /// <param name="address">Where it calls from.</param>
    public Attendance Admit(Hello hello, string address)
    {
        AttendanceInfo info = Read(hello, address);
        CheckToken(hello.Token, Who(info), address);
        if (hello.ProtocolVersion != WireLimits.ProtocolVersion)
        {
            throw Refuse(
                PlaneCount.RefusedVersion,
                StatusCode.FailedPrecondition,
                $"The worker speaks version {hello.ProtocolVersion} of the protocol (DistNet {hello.SoftwareVersion}), the coordinator version {WireLimits.ProtocolVersion}; run the same DistNet on both.",
                address,
                Who(info));
        }

        if (plane.IsDisposed || plane.Content.ControlAddress is null)
        {
            plane.Counters.Add(PlaneCount.RefusedNotReady);
            throw PlaneRefusals.Because(StatusCode.Unavailable, plane.IsDisposed ? "The coordinator stops." : "The coordinator is starting.");
        }

        return Add(info);
    }

    private static string Who(AttendanceInfo info) => $"The worker '{info.Worker}' on {info.Host}";

    private static AttendanceInfo Read(Hello hello, string address)
    {
        WireChecks.Require(hello.Token.Length <= WireLimits.TokenLength, Message, "token");
        WireChecks.Text(hello.SoftwareVersion, WireLimits.NameLength, Message, "software version");
        return new AttendanceInfo(
            NewSecret(),
            WireChecks.Name(hello.Worker, Message, "worker"),
            WireChecks.Identifier(hello.ProcessNonce, Message, "process nonce"),
            WireChecks.Name(hello.Host, Message, "host"),
            WireChecks.Within(hello.ProcessId, 0, int.MaxValue, Message, "process id"),
            WireChecks.Within(hello.Threads, 1, WireLimits.Threads, Message, "threads"),
            address);
    }

    private static Guid NewSecret()
    {
        Span<byte> bytes = stackalloc byte[WireLimits.IdentifierBytes];
        RandomNumberGenerator.Fill(bytes);
        return new Guid(bytes);
    }

    private Attendance Add(AttendanceInfo info)
    {
        var attendance = new Attendance(info, new SessionGradients(plane.Pool, plane.Settings.Slots, plane.Counters));
        if (!plane.Table.TryAdd(attendance, out Attendance? replaced, out Attendance? holder))
        {
            throw holder is null
                ? Refuse(PlaneCount.RefusedTooMany, StatusCode.ResourceExhausted, "The run has as many workers as it can take.", info.Address, Who(info))
                : Refuse(
                    PlaneCount.RefusedName,
                    StatusCode.AlreadyExists,
                    $"Another worker named '{info.Worker}' takes part, from {holder.Info.Host} (process {holder.Info.ProcessId}); give one of them another --name.",
                    info.Address,
                    Who(info));
        }

        replaced?.End("its process attends anew");
        if (plane.IsDisposed)
        {
            attendance.End("the coordinator stops");
        }

        return attendance;
    }

    private RpcException Refuse(PlaneCount cause, StatusCode code, string sentence, string address, string who = "A caller") =>
        plane.Refusals.Refuse(cause, code, sentence, who, address);
}
