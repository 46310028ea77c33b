using System.Buffers;
using System.IO.Hashing;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace DistNet.Coordinator.Plane;

/// <summary>The service of <c>protos/tensor_plane.proto</c>: one method a call.</summary>
internal sealed class TensorPlaneService(CoordinatorPlane plane)
{
    /// <summary>The liveness stream.</summary>
    public async Task Attend(IAsyncStreamReader<AttendRequest> requests, IServerStreamWriter<AttendReply> replies, ServerCallContext context)
    {
        using var call = new AttendCall(plane, CallerOf(context), requests, replies);
        await Checked(() => call.RunAsync(context.CancellationToken), context).ConfigureAwait(false);
    }

    /// <summary>The run.</summary>
    public async Task<Protocol.Wire.RunDescription> Describe(DescribeRequest request, ServerCallContext context)
    {
        plane.Require(request.Attendance, CallerOf(context));
        return RunDescriptionWire.ToWire(await plane.Content.DescribeAsync().ConfigureAwait(false));
    }

    /// <summary>The parameters; those of the next version when they are published. Calls that wait are counted as all that hold memory
    /// (<see cref="WireLimits.CallsPerAttendance"/>), so that they are bounded too.</summary>
    public async Task GetParameters(GetParametersRequest request, IServerStreamWriter<ChunkPiece> replies, ServerCallContext context)
    {
        Attendance attendance = plane.Require(request.Attendance, CallerOf(context));
        using BulkCall call = Enter(attendance, context);
        ParameterHandle parameters;
        try
        {
            parameters = await plane.ParametersAsync(request.Version, call.End).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw call.Ended();
        }

        if (!parameters.IsCurrent)
        {
            throw Gone(StatusCode.NotFound);
        }

        try
        {
            await TensorSender.SendAsync(replies, parameters.Values, upload: null, call.Within(plane.Settings.Transfer)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw call.Unread(PlaneCount.ParametersUnread);
        }

        if (!parameters.IsCurrent)
        {
            throw Gone(StatusCode.Aborted);
        }

        plane.Counters.Add(PlaneCount.ParametersSent);
    }

    /// <summary>A gradient.</summary>
    public async Task<Receipt> PutGradient(IAsyncStreamReader<ChunkPiece> requests, ServerCallContext context)
    {
        using var upload = new GradientUpload(plane, CallerOf(context));
        ChunkSink.Current = upload;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        limit.CancelAfter(plane.Settings.Hello);
        CancellationTokenRegistration over = default;
        try
        {
            for (bool first = true; upload.GoesOn && await requests.MoveNext(limit.Token).ConfigureAwait(false); first = false)
            {
                if (first && upload.Attendance is { } attendance)
                {
                    limit.CancelAfter(plane.Settings.Transfer);
                    over = attendance.Over.UnsafeRegister(source => ((CancellationTokenSource)source!).Cancel(), limit);
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw PlaneRefusals.Because(StatusCode.DeadlineExceeded, "The gradient did not come in time.");
        }
        finally
        {
            await over.DisposeAsync().ConfigureAwait(false);
        }

        return upload.Finish();
    }

    /// <summary>A data file.</summary>
    public async Task GetData(GetDataRequest request, IServerStreamWriter<ChunkPiece> replies, ServerCallContext context)
    {
        Caller caller = CallerOf(context);
        Attendance attendance = plane.Require(request.Attendance, caller);
        if (request.Sha256.Length != WireLimits.Sha256Bytes || request.Offset < 0)
        {
            throw plane.Refusals.Refuse(PlaneCount.DataRefused, StatusCode.InvalidArgument, "A data file is asked for by its SHA-256 and an offset in it.", "A caller", caller.Address);
        }

        using BulkCall call = Enter(attendance, context);
        Stream content;
        try
        {
            content = await plane.Content.OpenDataAsync(Convert.ToHexStringLower(request.Sha256.Span), request.Offset).ConfigureAwait(false);
        }
        catch (DistNetException refused)
        {
            throw plane.Refusals.Refuse(PlaneCount.DataRefused, StatusCode.NotFound, refused.Message, $"The worker '{attendance.Info.Worker}'", caller.Address);
        }

        await using (content.ConfigureAwait(false))
        {
            await SendAsync(content, request.Offset, replies, call).ConfigureAwait(false);
        }

        plane.Counters.Add(PlaneCount.DataSent);
    }

    /// <summary>What the cluster does.</summary>
    public Task<Protocol.Wire.ClusterStatus> Status(StatusRequest request, ServerCallContext context)
    {
        Caller caller = CallerOf(context);
        var admission = new Admission(plane);
        admission.CheckAttempt(caller.Address);
        if (request.Token.Length > WireLimits.TokenLength)
        {
            throw PlaneRefusals.Because(StatusCode.InvalidArgument, "The token is too long.");
        }

        admission.CheckToken(request.Token, "A caller who asked for the status", caller.Address);
        return Task.FromResult(ClusterStatusWire.ToWire(plane.Content.Status()));
    }

    private async Task SendAsync(Stream content, long offset, IServerStreamWriter<ChunkPiece> replies, BulkCall call)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(WireLimits.ChunkBytes);
        try
        {
            var piece = new ChunkPiece { Total = content.Length, Offset = offset };
            int read;
            bool isFirst = true;
            do
            {
                CancellationToken limit = call.Within(plane.Settings.DataChunk);
                read = await content.ReadAtLeastAsync(buffer.AsMemory(0, WireLimits.ChunkBytes), WireLimits.ChunkBytes, throwOnEndOfStream: false, limit).ConfigureAwait(false);
                if (read > 0 || isFirst)
                {
                    isFirst = false;
                    piece.SetData(buffer.AsMemory(0, read));
                    piece.Checksum = XxHash3.HashToUInt64(piece.Data);
                    await replies.WriteAsync(piece, limit).ConfigureAwait(false);
                    piece.Offset += read;
                    piece.Total = 0;
                }
            }
            while (read == WireLimits.ChunkBytes);
        }
        catch (OperationCanceledException)
        {
            throw call.Unread(PlaneCount.DataUnread);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task Checked(Func<Task> call, ServerCallContext context)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (WireContentException wrong)
        {
            throw plane.Refusals.Refuse(PlaneCount.RefusedWrongMessage, StatusCode.InvalidArgument, wrong.Message, "A caller", CallerOf(context).Address);
        }
    }

    private BulkCall Enter(Attendance attendance, ServerCallContext context) => attendance.TryEnterCall()
        ? new BulkCall(plane, attendance, context)
        : throw PlaneRefusals.Because(StatusCode.ResourceExhausted, "The session has too many calls at once; try again.");

    private RpcException Gone(StatusCode code)
    {
        plane.Counters.Add(PlaneCount.ParametersGone);
        return PlaneRefusals.Because(code, "These parameters are gone.");
    }

    private static Caller CallerOf(ServerCallContext context)
    {
        ConnectionInfo connection = context.GetHttpContext().Connection;
        return new Caller(connection.RemoteIpAddress);
    }

    /// <summary>A call that sends much: it ends with its attendance, and its reader must keep up.</summary>
    private sealed class BulkCall : IDisposable
    {
        private readonly CoordinatorPlane plane;
        private readonly Attendance attendance;
        private readonly ServerCallContext context;
        private readonly CancellationTokenSource time = new();
        private readonly CancellationTokenSource limit;

        public BulkCall(CoordinatorPlane plane, Attendance attendance, ServerCallContext context)
        {
            this.plane = plane;
            this.attendance = attendance;
            this.context = context;
            limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, attendance.Over, time.Token);
        }

        /// <summary>Cancelled when the caller has given up, or its attendance is over.</summary>
        public CancellationToken End => limit.Token;

        public CancellationToken Within(TimeSpan longest)
        {
            time.CancelAfter(longest);
            return limit.Token;
        }

        public RpcException Ended() => attendance.Reason is { } reason
            ? PlaneRefusals.Because(StatusCode.PermissionDenied, $"{reason}.")
            : PlaneRefusals.Because(StatusCode.Cancelled, "The caller has given up.");

        public RpcException Unread(PlaneCount cause)
        {
            // The call's own token does not tell who ended it: a write that is cancelled cancels it too.
            if (!time.IsCancellationRequested && attendance.Reason is null)
            {
                return Ended();
            }

            // What is still unread would stay in memory until the reader takes it; so the stream is cut.
            plane.Counters.Add(cause);
            context.GetHttpContext().Abort();
            return PlaneRefusals.Because(StatusCode.DeadlineExceeded, "What was sent was not read in time.");
        }

        public void Dispose()
        {
            limit.Dispose();
            time.Dispose();
            attendance.LeaveCall();
        }
    }
}
