using DistNet.Protocol.Wire;
using Google.Protobuf;
using Grpc.Core;

namespace DistNet.Protocol.Plane;

/// <summary>The calls of the service in <c>protos/tensor_plane.proto</c>. Written by hand, because chunks have a marshaller of their own.</summary>
internal static class TensorPlaneMethods
{
    /// <summary>The service's full name.</summary>
    public const string Service = "distnet.plane.v1.TensorPlane";

    /// <summary>The liveness stream.</summary>
    public static Method<AttendRequest, AttendReply> Attend { get; } =
        new(MethodType.DuplexStreaming, Service, "Attend", Of(AttendRequest.Parser), Of(AttendReply.Parser));

    /// <summary>The run.</summary>
    public static Method<DescribeRequest, Wire.RunDescription> Describe { get; } =
        new(MethodType.Unary, Service, "Describe", Of(DescribeRequest.Parser), Of(Wire.RunDescription.Parser));

    /// <summary>The parameters.</summary>
    public static Method<GetParametersRequest, ChunkPiece> GetParameters { get; } =
        new(MethodType.ServerStreaming, Service, "GetParameters", Of(GetParametersRequest.Parser), ChunkMarshaller.Instance);

    /// <summary>A gradient.</summary>
    public static Method<ChunkPiece, Receipt> PutGradient { get; } =
        new(MethodType.ClientStreaming, Service, "PutGradient", ChunkMarshaller.Instance, Of(Receipt.Parser));

    /// <summary>A data file.</summary>
    public static Method<GetDataRequest, ChunkPiece> GetData { get; } =
        new(MethodType.ServerStreaming, Service, "GetData", Of(GetDataRequest.Parser), ChunkMarshaller.Instance);

    /// <summary>What the cluster does.</summary>
    public static Method<StatusRequest, Wire.ClusterStatus> Status { get; } =
        new(MethodType.Unary, Service, "Status", Of(StatusRequest.Parser), Of(Wire.ClusterStatus.Parser));

    private static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : IMessage<T>, IBufferMessage =>
        new(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
