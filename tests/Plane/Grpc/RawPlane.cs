using System.IO.Hashing;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>A client that sends whatever a test wants, with the generated types.</summary>
internal sealed class RawPlane : IDisposable
{
    private static readonly Method<Chunk, Receipt> Put = new(MethodType.ClientStreaming, TensorPlaneMethods.Service, "PutGradient", Of(Chunk.Parser), Of(Receipt.Parser));
    private static readonly Method<GetParametersRequest, Chunk> Get = new(MethodType.ServerStreaming, TensorPlaneMethods.Service, "GetParameters", Of(GetParametersRequest.Parser), Of(Chunk.Parser));
    private readonly PlaneBed bed;
    private readonly GrpcChannel channel;

    public RawPlane(PlaneBed bed)
    {
        this.bed = bed;
        channel = GrpcChannel.ForAddress($"http://127.0.0.1:{bed.Server.Endpoint.Port}", new GrpcChannelOptions { MaxSendMessageSize = null });
        Calls = channel.CreateCallInvoker();
    }

    public CallInvoker Calls { get; }

    /// <summary>The chunk of a whole small gradient.</summary>
    public Chunk Whole(Guid attendance, long ticket, long first = 0, long session = 1, long step = 1)
    {
        byte[] data = new byte[bed.Settings.ArenaLength * sizeof(float)];
        return new Chunk
        {
            Upload = new Upload
            {
                Attendance = WireChecks.Bytes(attendance),
                Ticket = ticket,
                FirstTicket = first == 0 ? ticket : first,
                Run = WireChecks.Bytes(bed.Settings.Run.Value),
                Term = PlaneBed.Term,
                Session = session,
                Step = step,
            },
            Total = data.Length,
            Checksum = XxHash3.HashToUInt64(data),
            Data = ByteString.CopyFrom(data),
        };
    }

    public AsyncClientStreamingCall<Chunk, Receipt> Upload() => Calls.AsyncClientStreamingCall(Put, null, default);

    public AsyncServerStreamingCall<Chunk> Fetch(Guid attendance, long version) =>
        Calls.AsyncServerStreamingCall(Get, null, default, new GetParametersRequest { Attendance = WireChecks.Bytes(attendance), Version = version });

    public async Task<Receipt> UploadAsync(params Chunk[] chunks)
    {
        using AsyncClientStreamingCall<Chunk, Receipt> call = Upload();
        try
        {
            foreach (Chunk chunk in chunks)
            {
                await call.RequestStream.WriteAsync(chunk);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            // Refused before everything was sent.
        }

        return await call.ResponseAsync;
    }

    public async Task<RpcException> RefusedAsync(params Chunk[] chunks) => await Xunit.Assert.ThrowsAsync<RpcException>(() => UploadAsync(chunks));

    public void Dispose() => channel.Dispose();

    private static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : IMessage<T> => Marshallers.Create(message => message.ToByteArray(), parser.ParseFrom);
}
