using System.Net.Sockets;
using System.Security.Authentication;
using DistNet.Protocol.Plane;
using Grpc.Core;

namespace DistNet.Worker.Plane;

/// <summary>What a worker that was not let in can do.</summary>
public enum PlaneRefusalKind
{
    /// <summary>Nothing: token, certificate, protocol version or run are wrong, and stay so.</summary>
    ForGood,

    /// <summary>Try again: the coordinator is starting or stopping, is full, or the name is still in use.</summary>
    TryAgain,

    /// <summary>Try again: no coordinator answers.</summary>
    Unreachable,
}

/// <summary>The coordinator did not let the worker in, or did not answer.</summary>
/// <param name="kind">What can be done.</param>
/// <param name="sentence">Why, for the user.</param>
/// <param name="inner">What was thrown underneath.</param>
public sealed class PlaneRefusedException(PlaneRefusalKind kind, string sentence, Exception? inner = null) : Exception(sentence, inner)
{
    /// <summary>What can be done.</summary>
    public PlaneRefusalKind Kind { get; } = kind;

    internal static PlaneRefusedException From(Exception exception, string address, string? certificateRefusal)
    {
        for (Exception? cause = exception; cause is not null; cause = Inner(cause))
        {
            if (cause is AuthenticationException)
            {
                string why = certificateRefusal ?? cause.Message.TrimEnd('.');
                return new(PlaneRefusalKind.ForGood, $"The coordinator at {address} and this program do not take each other's certificates ({why}); both need certificates of one `distnet certs`, made for their hosts.", exception);
            }

            // The pipe is broken, or the connection reset, where it ended while something was sent.
            if (cause is HttpIOException or HttpRequestException { InnerException: null, HttpRequestError: not HttpRequestError.ConnectionError }
                or SocketException { SocketErrorCode: SocketError.Shutdown or SocketError.ConnectionReset or SocketError.ConnectionAborted })
            {
                return Unreachable(address, "it ended the connection; a coordinator that has certificates takes callers with one of its authority alone (--tls)", exception);
            }
        }

        return exception switch
        {
            WireContentException wrong => new(PlaneRefusalKind.ForGood, $"What answers at {address} is no coordinator of this version: {wrong.Message}", exception),
            RpcException rpc => From(rpc, address),
            _ => Unreachable(address, "it does not answer in time", exception),
        };
    }

    private static PlaneRefusedException From(RpcException exception, string address) => exception.StatusCode switch
    {
        StatusCode.Unauthenticated or StatusCode.FailedPrecondition or StatusCode.InvalidArgument => new(PlaneRefusalKind.ForGood, exception.Status.Detail, exception),
        StatusCode.AlreadyExists or StatusCode.ResourceExhausted or StatusCode.PermissionDenied => new(PlaneRefusalKind.TryAgain, exception.Status.Detail, exception),
        StatusCode.Unimplemented => new(PlaneRefusalKind.ForGood, $"What answers at {address} is no coordinator.", exception),
        StatusCode.Unavailable when exception.Status.DebugException is null => new(PlaneRefusalKind.TryAgain, exception.Status.Detail, exception),
        _ => Unreachable(address, Innermost(exception).Message.TrimEnd('.'), exception),
    };

    private static PlaneRefusedException Unreachable(string address, string why, Exception exception) =>
        new(PlaneRefusalKind.Unreachable, $"No coordinator answers at {address}: {why}.", exception);

    private static Exception? Inner(Exception exception) => exception.InnerException ?? (exception as RpcException)?.Status.DebugException;

    private static Exception Innermost(Exception exception)
    {
        while (Inner(exception) is { } inner)
        {
            exception = inner;
        }

        return exception;
    }
}
