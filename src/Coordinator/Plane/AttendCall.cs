using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using Grpc.Core;

namespace DistNet.Coordinator.Plane;

/// <summary>One liveness stream, from its first message to its end.</summary>
/// <remarks>Silence is counted in beats of our own, not in time: a coordinator that was itself stopped for a while blames nobody when it goes on.</remarks>
internal sealed class AttendCall(CoordinatorPlane plane, Caller caller, IAsyncStreamReader<AttendRequest> requests, IAsyncStreamWriter<AttendReply> replies)
    : IDisposable
{
    private readonly SemaphoreSlim writing = new(1);
    private int beatsUnheard;
    private bool accepted;
    private bool closed;

    /// <summary>Serves the stream. Ends by an exception unless the worker closes it.</summary>
    public async Task RunAsync(CancellationToken aborted)
    {
        var admission = new Admission(plane);
        admission.CheckAttempt(caller.Address);
        Attendance attendance = admission.Admit(await HelloAsync(aborted).ConfigureAwait(false), caller.Address);
        ISharedMemoryOffer? offer = null;
        plane.Counters.Add(PlaneCount.Attended);
        plane.Owner.Attended(attendance.Info);
        try
        {
            // Taking the memory of a large model takes a while.
            offer = await OwnThread.Run("distnet-offer", () => plane.Offer(attendance.Info)).ConfigureAwait(false);
            attendance.End(await LiveAsync(attendance, offer, aborted).ConfigureAwait(false) ?? "it left");
        }
        finally
        {
            attendance.End("its stream broke");
            plane.Table.Remove(attendance);
            if (!accepted)
            {
                offer?.Withdraw();
            }

            plane.Counters.Add(PlaneCount.AttendancesEnded);
            plane.Owner.Ended(attendance.Info.Id, attendance.Reason!);
        }

        if (!closed)
        {
            throw PlaneRefusals.Because(StatusCode.PermissionDenied, $"The attendance is over: {attendance.Reason}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => writing.Dispose();

    private async Task<Hello> HelloAsync(CancellationToken aborted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        limit.CancelAfter(plane.Settings.Hello);
        try
        {
            if (await requests.MoveNext(limit.Token).ConfigureAwait(false) && requests.Current.Hello is { } hello)
            {
                return hello;
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            // A worker may try again: either end may have stood still for that long.
            throw plane.Refusals.Refuse(PlaneCount.RefusedSilent, StatusCode.Unavailable, "No Hello came in time.", "A caller", caller.Address);
        }

        throw new WireContentException("The first message of Attend must be a Hello.");
    }

    private async Task<string?> LiveAsync(Attendance attendance, ISharedMemoryOffer? offer, CancellationToken aborted)
    {
        await WriteAsync(new AttendReply { Attended = Welcome(attendance, offer) }, aborted).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted, attendance.Over);
        Task beats = BeatAsync(stop.Token);
        Task heard = HearAsync(attendance, offer, stop.Token);
        Task first = await Task.WhenAny(beats, heard).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(beats, heard)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closed = first == heard && heard.IsCompletedSuccessfully;
        return closed ? null
            : first == beats && beats.IsCompletedSuccessfully ? FormattableString.Invariant($"it was silent for {plane.Settings.Silence.TotalSeconds:0.#} s")
            : Blame(first.Exception?.InnerException);
    }

    private string Blame(Exception? exception)
    {
        if (exception is not WireContentException wrong)
        {
            return "its connection broke";
        }

        plane.Counters.Add(PlaneCount.RefusedWrongMessage);
        return $"it sent a wrong message: {wrong.Message.TrimEnd('.')}";
    }

    private Attended Welcome(Attendance attendance, ISharedMemoryOffer? offer)
    {
        var attended = new Attended
        {
            Attendance = WireChecks.Bytes(attendance.Info.Id),
            Run = WireChecks.Bytes(plane.Settings.Run.Value),
            Term = plane.Settings.Term,
            ControlAddress = plane.Content.ControlAddress ?? "",
            BeatIntervalMs = (int)plane.Settings.BeatInterval.TotalMilliseconds,
        };
        if (offer is not null)
        {
            attended.SharedMemory = new SharedMemoryOffer
            {
                ParametersFile = offer.Paths.ParametersFile,
                GradientsFile = offer.Paths.GradientsFile,
                Nonce = WireChecks.Bytes(offer.Paths.Nonce),
                ParametersBytes = offer.Paths.ParametersBytes,
                GradientsBytes = offer.Paths.GradientsBytes,
            };
        }

        return attended;
    }

    // Ends when the worker was silent too long.
    private async Task BeatAsync(CancellationToken stop)
    {
        int mostUnheard = Math.Max(1, (int)(plane.Settings.Silence / plane.Settings.BeatInterval));
        while (true)
        {
            await BeatClock.NextAsync(plane.Settings.BeatInterval, stop).ConfigureAwait(false);
            if (Interlocked.Increment(ref beatsUnheard) > mostUnheard)
            {
                return;
            }

            await WriteAsync(new AttendReply { Beat = new CoordinatorBeat() }, stop).ConfigureAwait(false);
        }
    }

    // Ends when the worker closes its stream.
    private async Task HearAsync(Attendance attendance, ISharedMemoryOffer? offer, CancellationToken stop)
    {
        bool probed = false;
        while (await requests.MoveNext(stop).ConfigureAwait(false))
        {
            Volatile.Write(ref beatsUnheard, 0);
            switch (requests.Current)
            {
                case { Beat: { } beat }:
                    plane.Owner.Heard(attendance.Info.Id, WireChecks.Activity(beat.Activity));
                    break;
                case { Probe: { } probe } when !probed:
                    probed = true;
                    bool holds = Probe(attendance, offer, WireChecks.Identifier(probe.Proof, "a probe", "proof"));
                    await WriteAsync(new AttendReply { ProbeResult = new ProbeResult { Holds = holds } }, stop).ConfigureAwait(false);
                    break;
                default:
                    throw new WireContentException("A message of Attend is none that may come then.");
            }
        }
    }

    private bool Probe(Attendance attendance, ISharedMemoryOffer? offer, Guid proof)
    {
        if (attendance.Gradients.InUse != 0 || offer?.Accept(proof) is not { } transport)
        {
            return false;
        }

        accepted = true;
        if (attendance.TryUse(transport))
        {
            return true;
        }

        transport.End();
        return false;
    }

    private async Task WriteAsync(AttendReply reply, CancellationToken stop)
    {
        await writing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            await replies.WriteAsync(reply, stop).ConfigureAwait(false);
        }
        finally
        {
            writing.Release();
        }
    }
}

/// <summary>Who calls.</summary>
/// <param name="Remote">The caller's end of the connection.</param>
internal sealed record Caller(System.Net.IPAddress? Remote)
{
    /// <summary>The caller's address, for sentences and counts.</summary>
    public string Address { get; } = Remote is null ? "an unknown address" : (Remote.IsIPv4MappedToIPv6 ? Remote.MapToIPv4() : Remote).ToString();
}
