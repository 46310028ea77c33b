using System.Collections.Immutable;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using DistNet.Tensors;
using Grpc.Core;
using Fence = DistNet.Runs.Fence;

namespace DistNet.Worker.Plane;

/// <summary>A worker's end of the tensor plane over gRPC, for one session: parameters come into two buffers that take turns, gradients go out from where they were computed.</summary>
/// <remarks>The compute thread waits; the sending and receiving is the pool's. Calls that break while the session lives are made again: a gradient is known by its
/// ticket, so that the coordinator has it once.</remarks>
public sealed class GrpcWorkerPlane : IWorkerPlane
{
    private readonly CallInvoker calls;
    private readonly WorkerAttendance attendance;
    private readonly GradientPool pool;
    private readonly Received[] received;
    private long lastTicket;
    private int newest;

    /// <summary>Makes the plane of a session.</summary>
    /// <param name="client">The coordinator's plane.</param>
    /// <param name="attendance">The session's attendance; not disposed with this.</param>
    /// <param name="pool">Where gradients are computed; its length is the arena's. It may outlive the session.</param>
    public GrpcWorkerPlane(PlaneClient client, WorkerAttendance attendance, GradientPool pool)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(attendance);
        ArgumentNullException.ThrowIfNull(pool);
        calls = client.Calls;
        this.attendance = attendance;
        this.pool = pool;
        received = [new Received(pool.Length), new Received(pool.Length)];
    }

    /// <inheritdoc/>
    public string Transport => "grpc";

    /// <summary>No: each order is a message.</summary>
    public bool OrdersStand => false;

    /// <inheritdoc/>
    public bool Stands(long version) => false;

    /// <summary>No: each answer is a message.</summary>
    public bool TryAnswer(ShardDone answer) => false;

    /// <inheritdoc/>
    public GradientLease Lease() => pool.Lease();

    /// <inheritdoc/>
    public ParameterHandle Fetch(long version, CancellationToken unwanted)
    {
        foreach (Received copy in received)
        {
            if (copy.IsCurrent(version))
            {
                return copy.Handle;
            }
        }

        int older = 1 - newest;
        if (!Wait(FetchAsync(version, received[older], unwanted)))
        {
            return default;
        }

        newest = older;
        received[newest].Version = version;
        return received[newest].Handle;
    }

    /// <inheritdoc/>
    public ImmutableArray<AnsweredNode> Deliver(Fence fence, ShardResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        try
        {
            long first = lastTicket + 1;
            var nodes = ImmutableArray.CreateBuilder<AnsweredNode>(result.Nodes.Length);
            var uploads = new Queue<(Upload Upload, ReadOnlyMemory<float> Values)>();
            foreach (ShardNode node in result.Nodes)
            {
                if (node.Gradient is { } lease)
                {
                    ReadOnlyMemory<float> values = lease.Values;
                    uploads.Enqueue((UploadOf(fence, ++lastTicket, first), values));
                    nodes.Add(new AnsweredNode(node.Node, node.Metrics, lastTicket));
                }
                else
                {
                    nodes.Add(new AnsweredNode(node.Node, node.Metrics, 0));
                }
            }

            Wait(UploadAllAsync(uploads));
            return nodes.MoveToImmutable();
        }
        finally
        {
            foreach (ShardNode node in result.Nodes)
            {
                node.Gradient?.Return();
            }
        }
    }

    /// <summary>Nothing: a gradient that was delivered is the coordinator's.</summary>
    public void ReleaseExcept(ImmutableArray<long> held)
    {
    }

    /// <summary>Nothing: the attendance and the client are the session's.</summary>
    public void Dispose()
    {
    }

    // The calling thread is the worker's own, never the pool's, and there is no context to come back to.
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private Upload UploadOf(Fence fence, long ticket, long first) => new()
    {
        Attendance = WireChecks.Bytes(attendance.Reply.Id),
        Ticket = ticket,
        FirstTicket = first,
        Run = WireChecks.Bytes(fence.Run.Value),
        Term = fence.Term,
        Session = fence.Session,
        Step = fence.Step,
    };

    // The coordinator holds the call until it has the version: for as long as an update takes, and no longer than the session or the shard lasts. The time of a
    // transfer begins with the first chunk.
    private async Task<bool> FetchAsync(long version, Received copy, CancellationToken unwanted)
    {
        copy.Version = 0;
        var request = new GetParametersRequest { Attendance = WireChecks.Bytes(attendance.Reply.Id), Version = version };
        async Task<bool> OnceAsync(CancellationTokenSource limit)
        {
            using AsyncServerStreamingCall<ChunkPiece> call =
                calls.AsyncServerStreamingCall(TensorPlaneMethods.GetParameters, null, new CallOptions(cancellationToken: limit.Token), request);
            var receiver = new TensorReceiver(copy.Values);
            ChunkSink.Current = receiver;

            // To the end, whatever comes: parameters that are overwritten while they are sent have wrong checksums, and the status says so.
            for (bool first = true; await call.ResponseStream.MoveNext(limit.Token).ConfigureAwait(false); first = false)
            {
                if (first)
                {
                    limit.CancelAfter(WireLimits.Transfer);
                }
            }

            return receiver.IsComplete ? true : throw new RpcException(new Status(StatusCode.DataLoss, "The parameters did not arrive as they were sent."));
        }

        return await PersistAsync(OnceAsync, unwanted).ConfigureAwait(false);
    }

    private async Task<bool> UploadAllAsync(Queue<(Upload Upload, ReadOnlyMemory<float> Values)> uploads)
    {
        async Task OneAfterTheOther()
        {
            while (true)
            {
                (Upload Upload, ReadOnlyMemory<float> Values) next;
                lock (uploads)
                {
                    if (!uploads.TryDequeue(out next))
                    {
                        return;
                    }
                }

                await PersistAsync(limit => UploadAsync(next.Upload, next.Values, limit), CancellationToken.None).ConfigureAwait(false);
            }
        }

        Task[] sides = new Task[Math.Min(uploads.Count, WireLimits.UploadsAtOnce)];
        for (int i = 0; i < sides.Length; i++)
        {
            sides[i] = OneAfterTheOther();
        }

        await Task.WhenAll(sides).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> UploadAsync(Upload upload, ReadOnlyMemory<float> values, CancellationTokenSource limit)
    {
        limit.CancelAfter(WireLimits.Transfer);
        using AsyncClientStreamingCall<ChunkPiece, Receipt> call = calls.AsyncClientStreamingCall(TensorPlaneMethods.PutGradient, null, new CallOptions(cancellationToken: limit.Token));
        try
        {
            await TensorSender.SendAsync(call.RequestStream, values, upload, limit.Token).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            // The coordinator has answered before it had everything; what it says counts.
        }

        await call.ResponseAsync.ConfigureAwait(false);
        return true;
    }

    /// <summary>Makes a call, again where that can help.</summary>
    /// <param name="call">The call; it sets its time on the source that is its end.</param>
    /// <param name="unwanted">Ends it, and the pauses between its attempts, when nobody wants it any more.</param>
    /// <returns>False: nobody wants it any more.</returns>
    private async Task<bool> PersistAsync(Func<CancellationTokenSource, Task<bool>> call, CancellationToken unwanted)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(attendance.Over, unwanted);
        TimeSpan pause = WireLimits.FirstUploadPause;
        for (int attempt = 1; ;)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
            try
            {
                return await call(limit).ConfigureAwait(false);
            }
            catch (Exception exception) when (unwanted.IsCancellationRequested && LinkFailure.Is(exception))
            {
                return false;
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.NotFound or StatusCode.Aborted)
            {
                return false;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted && !limit.IsCancellationRequested)
            {
                // A slot will be free when the sum has taken one in.
            }
            catch (Exception exception) when (CanHelpAgain(exception) && attempt < WireLimits.UploadAttempts && !limit.IsCancellationRequested)
            {
                attempt++;
            }
            catch (Exception exception) when (LinkFailure.Is(exception))
            {
                throw Broken(exception);
            }

            try
            {
                await Task.Delay(pause, end.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (unwanted.IsCancellationRequested)
            {
                return false;
            }
            catch (OperationCanceledException exception)
            {
                throw Broken(exception);
            }

            pause = pause * 2 < WireLimits.LongestUploadPause ? pause * 2 : WireLimits.LongestUploadPause;
        }
    }

    // A call that nobody cancelled and that is cancelled all the same lost its connection.
    private static bool CanHelpAgain(Exception exception) => exception is OperationCanceledException or IOException or HttpRequestException
        or RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Internal or StatusCode.DataLoss or StatusCode.Cancelled or StatusCode.Unknown };

    private PlaneBrokenException Broken(Exception exception)
    {
        string reason = attendance.Ended.IsCompletedSuccessfully ? attendance.Ended.Result
            : exception is RpcException rpc ? rpc.Status.Detail.TrimEnd('.')
            : "a transfer took too long";
        return new PlaneBrokenException(reason, exception);
    }

    private sealed class Received(int length) : IParameterVersions
    {
        private readonly AlignedBuffer buffer = new(length);
        private long version;

        public Memory<float> Values => buffer.Memory;

        public long Version
        {
            get => Volatile.Read(ref version);
            set => Volatile.Write(ref version, value);
        }

        public ParameterHandle Handle => new(this, buffer.Memory, Version);

        public bool IsCurrent(long wanted) => wanted != 0 && Version == wanted;
    }
}
