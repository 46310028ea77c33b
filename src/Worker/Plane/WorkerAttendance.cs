using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Grpc.Core;

namespace DistNet.Worker.Plane;

/// <summary>What the coordinator told a worker that it accepted.</summary>
/// <param name="Id">The attendance: the secret of its further calls, and the incarnation that it registers with.</param>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator.</param>
/// <param name="ControlAddress">The address of the coordinator's actor system.</param>
/// <param name="BeatInterval">Between two beats.</param>
/// <param name="SharedMemory">Files to try; null where none are offered.</param>
public sealed record AttendanceReply(Guid Id, RunId Run, int Term, string ControlAddress, TimeSpan BeatInterval, SharedMemoryPaths? SharedMemory);

/// <summary>A worker's liveness stream. It beats by itself until it is over.</summary>
/// <remarks>Silence is counted in beats of our own, not in time: a worker that was itself stopped for a while gives what has come meanwhile a chance to be read.</remarks>
public sealed class WorkerAttendance : IAsyncDisposable
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromMilliseconds(500);
    private readonly AsyncDuplexStreamingCall<AttendRequest, AttendReply> call;
    private readonly Func<WorkerActivity> activity;
    private readonly int mostUnheard;
    private readonly SemaphoreSlim writing = new(1);
    private readonly CancellationTokenSource over = new();
    private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int beatsUnheard;
    private Task loops = Task.CompletedTask;

    internal WorkerAttendance(AsyncDuplexStreamingCall<AttendRequest, AttendReply> call, AttendanceReply reply, Func<WorkerActivity> activity, TimeSpan silence)
    {
        this.call = call;
        this.activity = activity;
        Reply = reply;
        mostUnheard = Math.Max(1, (int)(silence / reply.BeatInterval));
        Over = over.Token;
    }

    /// <summary>What the coordinator told.</summary>
    public AttendanceReply Reply { get; }

    /// <summary>Ends when the attendance is over, with the reason, without a stop at the end. Never fails.</summary>
    public Task<string> Ended => ended.Task;

    /// <summary>Cancelled when the attendance is over.</summary>
    public CancellationToken Over { get; }

    /// <summary>Tells the coordinator that the offered files could be opened, the nonce was there, and a proof was written. At most once.</summary>
    /// <param name="proof">What was written.</param>
    /// <returns>Whether the coordinator found it; false also when the attendance is over.</returns>
    public async Task<bool> ProbeAsync(Guid proof)
    {
        try
        {
            await WriteAsync(new AttendRequest { Probe = new SharedMemoryProbe { Proof = WireChecks.Bytes(proof) } }).ConfigureAwait(false);
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            return false;
        }

        return await probed.Task.ConfigureAwait(false);
    }

    /// <summary>Leaves: closes the stream, so that the coordinator knows at once, and frees the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            await ended.Task.WaitAsync(Goodbye).ConfigureAwait(false);
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            // It was over, or nobody answers.
        }

        await EndAsync("the worker left").ConfigureAwait(false);
        call.Dispose();
        await loops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        writing.Dispose();
    }

    internal static AttendanceReply Read(Attended? attended)
    {
        const string Message = "the reply to Attend";
        WireChecks.Require(attended is { Term: > 0 }, Message, "term");
        SharedMemoryOffer? offer = attended.SharedMemory;
        return new AttendanceReply(
            WireChecks.Identifier(attended.Attendance, Message, "attendance"),
            new RunId(WireChecks.Identifier(attended.Run, Message, "run")),
            attended.Term,
            WireChecks.Text(attended.ControlAddress, WireLimits.PathLength, Message, "control address"),
            TimeSpan.FromMilliseconds(WireChecks.Within(attended.BeatIntervalMs, 1, 60_000, Message, "beat interval")),
            offer is null ? null : new SharedMemoryPaths(
                WireChecks.Text(offer.ParametersFile, WireLimits.PathLength, Message, "parameters file"),
                WireChecks.Text(offer.GradientsFile, WireLimits.PathLength, Message, "gradients file"),
                WireChecks.Identifier(offer.Nonce, Message, "nonce"),
                offer.ParametersBytes,
                offer.GradientsBytes));
    }

    internal void Start() => loops = Task.WhenAll(HearAsync(), BeatAsync());

    private async Task HearAsync()
    {
        string reason;
        try
        {
            while (await call.ResponseStream.MoveNext(Over).ConfigureAwait(false))
            {
                Volatile.Write(ref beatsUnheard, 0);
                if (call.ResponseStream.Current.ProbeResult is { } result)
                {
                    probed.TrySetResult(result.Holds);
                }
            }

            reason = "the coordinator closed the stream";
        }
        catch (RpcException exception)
        {
            // The coordinator says why, in the status; a broken connection has an exception underneath.
            reason = exception.Status.DebugException is null ? exception.Status.Detail.TrimEnd('.') : "the connection to the coordinator broke";
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            reason = "the connection to the coordinator broke";
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            reason = "the attendance was ended";
        }

        await EndAsync(reason).ConfigureAwait(false);
    }

    private async Task BeatAsync()
    {
        try
        {
            while (true)
            {
                await BeatClock.NextAsync(Reply.BeatInterval, Over).ConfigureAwait(false);
                if (Interlocked.Increment(ref beatsUnheard) > mostUnheard)
                {
                    await EndAsync(FormattableString.Invariant($"the coordinator was silent for {mostUnheard * Reply.BeatInterval.TotalSeconds:0.#} s")).ConfigureAwait(false);
                    return;
                }

                await WriteAsync(new AttendRequest { Beat = new WorkerBeat { Activity = WireChecks.ToWire(activity()) } }).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (LinkFailure.IsOfWrite(exception))
        {
            // The other loop learns why.
        }
    }

    private async Task WriteAsync(AttendRequest request)
    {
        await writing.WaitAsync(Over).ConfigureAwait(false);
        try
        {
            await call.RequestStream.WriteAsync(request, Over).ConfigureAwait(false);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task EndAsync(string reason)
    {
        if (ended.TrySetResult(reason))
        {
            probed.TrySetResult(false);
            await over.CancelAsync().ConfigureAwait(false);
        }
    }
}
