using Grpc.Core;

namespace DistNet.Worker.Plane;

/// <summary>What a call of the tensor plane throws when its link fails: which of it depends on the moment at which the other end went.</summary>
internal static class LinkFailure
{
    /// <summary>Whether an exception says that the link failed or was closed.</summary>
    public static bool Is(Exception exception) => exception is RpcException or IOException or HttpRequestException or OperationCanceledException or TimeoutException;

    /// <summary>The same for a write, which is also refused where the call has ended already.</summary>
    public static bool IsOfWrite(Exception exception) => Is(exception) || exception is InvalidOperationException;
}
