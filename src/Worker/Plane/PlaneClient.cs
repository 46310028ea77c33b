using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Security;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using RunDescription = DistNet.Protocol.Plane.RunDescription;
using ClusterStatus = DistNet.Protocol.Plane.ClusterStatus;

namespace DistNet.Worker.Plane;

/// <summary>Calls the tensor plane of one coordinator. It outlives sessions: after a break the next call connects anew.</summary>
/// <remarks>Liveness has a connection of its own, so that no beat waits behind a gradient.</remarks>
public sealed class PlaneClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private readonly GrpcChannel liveness;
    private readonly GrpcChannel bulk;
    private readonly CallInvoker livenessCalls;
    private volatile string? certificateRefusal;

    /// <summary>Makes a client; nothing is called yet.</summary>
    /// <param name="host">The coordinator's name or IP address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="tls">Certificates for mutual TLS; null for plaintext.</param>
    public PlaneClient(string host, int port, TlsFiles? tls = null)
    {
        var address = new UriBuilder(tls is null ? "http" : "https", host, port);
        Address = $"{address.Host}:{port}";
        liveness = Channel(address.Uri, OptionsFor(host, tls));
        bulk = Channel(address.Uri, OptionsFor(host, tls), pings: true);
        livenessCalls = liveness.CreateCallInvoker();
        Calls = bulk.CreateCallInvoker();
    }

    /// <summary>The coordinator's address, for sentences.</summary>
    public string Address { get; }

    /// <summary>How long the coordinator may be silent; tests set less.</summary>
    public TimeSpan Silence { get; init; } = WireLimits.Silence;

    internal CallInvoker Calls { get; }

    /// <summary>Attends: opens the liveness stream and keeps it.</summary>
    /// <param name="hello">Who attends.</param>
    /// <param name="activity">What the worker does now; asked for at each beat, on the pool.</param>
    /// <param name="cancellation">Ends the attempt; not the attendance.</param>
    /// <exception cref="PlaneRefusedException">The coordinator refuses or does not answer.</exception>
    public async Task<WorkerAttendance> AttendAsync(WorkerHello hello, Func<WorkerActivity> activity, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(hello);
        ArgumentNullException.ThrowIfNull(activity);
        AsyncDuplexStreamingCall<AttendRequest, AttendReply> call = livenessCalls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Silence);
        try
        {
            // Not awaited first: where the connection fails, the reply says so, and the writing may wait on.
            Task sending = SendAsync(call, hello, limit.Token);
            WireChecks.Require(await call.ResponseStream.MoveNext(limit.Token).ConfigureAwait(false), "Attend", "first reply");
            await sending.ConfigureAwait(false);
            var attendance = new WorkerAttendance(call, WorkerAttendance.Read(call.ResponseStream.Current.Attended), activity, Silence);
            attendance.Start();
            return attendance;
        }
        catch (Exception exception) when (exception is WireContentException || LinkFailure.Is(exception))
        {
            Exception cause = limit.IsCancellationRequested ? exception : await CauseAsync(call, exception).ConfigureAwait(false);
            call.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw PlaneRefusedException.From(cause, Address, certificateRefusal);
        }
    }

    /// <summary>Asks what the run is.</summary>
    /// <param name="attendance">The caller's attendance.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="PlaneRefusedException">The coordinator refuses or does not answer, or what it says cannot be.</exception>
    public Task<RunDescription> DescribeAsync(Guid attendance, CancellationToken cancellation = default) => ShortCallAsync(
        async limit => RunDescriptionWire.FromWire(await Calls.AsyncUnaryCall(
            TensorPlaneMethods.Describe, null, new CallOptions(cancellationToken: limit), new DescribeRequest { Attendance = WireChecks.Bytes(attendance) }).ConfigureAwait(false)),
        cancellation);

    /// <summary>Asks what the cluster does.</summary>
    /// <param name="token">The join token; null for none.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="PlaneRefusedException">The coordinator refuses or does not answer, or what it says cannot be.</exception>
    public Task<ClusterStatus> StatusAsync(JoinToken? token, CancellationToken cancellation = default) => ShortCallAsync(
        async limit => ClusterStatusWire.FromWire(await Calls.AsyncUnaryCall(
            TensorPlaneMethods.Status, null, new CallOptions(cancellationToken: limit), new StatusRequest { Token = token?.Secret ?? "" }).ConfigureAwait(false)),
        cancellation);

    /// <summary>Fetches a data file of the run from an offset to its end.</summary>
    /// <param name="attendance">The caller's attendance.</param>
    /// <param name="sha256">The SHA-256 of the file, 64 hexadecimal digits.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Checked pieces, one after the other without a gap; each is overwritten when the next is asked for.</returns>
    /// <exception cref="PlaneRefusedException">The coordinator refuses (<see cref="PlaneRefusalKind.ForGood"/>: it has no such file).</exception>
    /// <exception cref="PlaneBrokenException">The link broke, or a checksum did not hold: go on from where it stopped.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> FetchDataAsync(
        Guid attendance, string sha256, long offset, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var request = new GetDataRequest
        {
            Attendance = WireChecks.Bytes(attendance),
            Sha256 = ByteString.CopyFrom(Convert.FromHexString(sha256)),
            Offset = offset,
        };
        using AsyncServerStreamingCall<ChunkPiece> call =
            Calls.AsyncServerStreamingCall(TensorPlaneMethods.GetData, null, new CallOptions(cancellationToken: cancellation), request);
        using var receiver = new DataReceiver(offset);
        while (await NextAsync(call, receiver, cancellation).ConfigureAwait(false))
        {
            yield return receiver.Data;
        }
    }

    /// <summary>Closes the connections; what is under way breaks.</summary>
    public void Dispose()
    {
        liveness.Dispose();
        bulk.Dispose();
    }

    private static GrpcChannel Channel(Uri address, SslClientAuthenticationOptions? tls, bool pings = false)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = WireLimits.StreamWindowBytes,
        };
        if (pings)
        {
            // A call may wait long for its parameters, with nothing on its way: a connection that nobody carries any more is noticed all the same.
            handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
            handler.KeepAlivePingDelay = WireLimits.PingDelay;
            handler.KeepAlivePingTimeout = WireLimits.PingTimeout;
        }

        if (tls is not null)
        {
            handler.SslOptions = tls;
        }

        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = WireLimits.DescriptionBytes,
            MaxSendMessageSize = WireLimits.MessageBytes,
            ThrowOperationCanceledOnCancellation = true,
        });
    }

    // The check's own words are kept: the exception that comes of it has none.
    private SslClientAuthenticationOptions? OptionsFor(string host, TlsFiles? tls)
    {
        if (tls is null)
        {
            return null;
        }

        SslClientAuthenticationOptions options = tls.ClientOptions(host);
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            (certificateRefusal = PeerCheck.RefuseCalled(tls.Authority, certificate as X509Certificate2, host)) is null;
        return options;
    }

    // A stream whose connection failed may tell of a cancelled call; the headers that never came know why.
    private static async Task<Exception> CauseAsync(AsyncDuplexStreamingCall<AttendRequest, AttendReply> call, Exception exception)
    {
        if (exception is not (OperationCanceledException or IOException or RpcException { StatusCode: StatusCode.Cancelled }))
        {
            return exception;
        }

        try
        {
            await call.ResponseHeadersAsync.ConfigureAwait(false);
            return exception;
        }
        catch (RpcException cause)
        {
            return cause;
        }
        catch (Exception other) when (LinkFailure.Is(other))
        {
            return exception;
        }
    }

    private static async Task SendAsync(AsyncDuplexStreamingCall<AttendRequest, AttendReply> call, WorkerHello hello, CancellationToken cancellation)
    {
        var message = new Hello
        {
            ProtocolVersion = WireLimits.ProtocolVersion,
            SoftwareVersion = hello.SoftwareVersion,
            Token = hello.Token?.Secret ?? "",
            Worker = hello.Worker.Name,
            ProcessNonce = WireChecks.Bytes(hello.ProcessNonce),
            Host = hello.Host,
            ProcessId = hello.ProcessId,
            Threads = hello.Threads,
        };
        try
        {
            await call.RequestStream.WriteAsync(new AttendRequest { Hello = message }, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            // The reply, or its absence, says why.
        }
    }

    private static async Task<bool> NextAsync(AsyncServerStreamingCall<ChunkPiece> call, DataReceiver receiver, CancellationToken cancellation)
    {
        ChunkSink.Current = receiver;
        try
        {
            if (await call.ResponseStream.MoveNext(cancellation).ConfigureAwait(false))
            {
                return receiver.Problem == ChunkProblem.None ? true : throw new PlaneBrokenException("a piece of a data file did not arrive as it was sent");
            }

            return receiver.IsComplete ? false : throw new PlaneBrokenException("a data file ended before its length");
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument)
        {
            throw new PlaneRefusedException(PlaneRefusalKind.ForGood, exception.Status.Detail, exception);
        }
        catch (Exception exception) when (LinkFailure.Is(exception))
        {
            cancellation.ThrowIfCancellationRequested();
            string why = exception is RpcException rpc ? rpc.Status.Detail : exception.Message;
            throw new PlaneBrokenException($"the link broke while a data file was fetched ({why.TrimEnd('.')})", exception);
        }
    }

    private async Task<T> ShortCallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(WireLimits.ShortCall);
        try
        {
            return await call(limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is WireContentException || LinkFailure.Is(exception))
        {
            cancellation.ThrowIfCancellationRequested();
            throw PlaneRefusedException.From(exception, Address, certificateRefusal);
        }
    }
}
