using System.Buffers;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Grpc.Core;

namespace DistNet.Coordinator.Plane;

/// <summary>One gradient on its way in: its first chunk says whose it is and gets it a slot, all chunks go straight there.</summary>
internal sealed class GradientUpload(CoordinatorPlane plane, Caller caller) : ChunkSink, IDisposable
{
    private const string Message = "a gradient's first chunk";
    private TensorReceiver? receiver;
    private GradientLease? place;
    private long ticket;
    private bool entered;
    private bool alreadyReceived;
    private RpcException? refusal;

    /// <summary>Whose gradient it is; null before the first chunk.</summary>
    public Attendance? Attendance { get; private set; }

    /// <summary>Whether further chunks are wanted.</summary>
    public bool GoesOn => refusal is null && !alreadyReceived && receiver is not { Problem: not ChunkProblem.None };

    /// <inheritdoc/>
    public override void Accept(in ChunkHeader header, in ReadOnlySequence<byte> data)
    {
        try
        {
            if (Attendance is null)
            {
                Begin(header.Upload);
            }
            else
            {
                WireChecks.Require(header.Upload is null, "a gradient's further chunk", "upload");
            }
        }
        catch (WireContentException wrong)
        {
            refusal = plane.Refusals.Refuse(PlaneCount.GradientsWrong, StatusCode.InvalidArgument, wrong.Message, "A caller", caller.Address);
        }
        catch (RpcException refused)
        {
            refusal = refused;
        }

        receiver?.Accept(header, data);
    }

    /// <inheritdoc/>
    public override void Malformed() =>
        refusal ??= plane.Refusals.Refuse(PlaneCount.GradientsWrong, StatusCode.InvalidArgument, "A chunk cannot be read.", "A caller", caller.Address);

    /// <summary>Ends the upload after its last chunk, or after one that was not wanted.</summary>
    /// <exception cref="RpcException">It failed.</exception>
    public Receipt Finish()
    {
        if (refusal is not null)
        {
            throw refusal;
        }

        if (alreadyReceived)
        {
            plane.Counters.Add(PlaneCount.GradientsAgain);
            return new Receipt { AlreadyReceived = true };
        }

        if (receiver is null || place is null)
        {
            throw plane.Refusals.Refuse(PlaneCount.GradientsWrong, StatusCode.InvalidArgument, "A gradient came without a chunk.", "A caller", caller.Address);
        }

        string who = $"The worker '{Attendance!.Info.Worker}'";
        if (receiver.Problem == ChunkProblem.Checksum)
        {
            throw plane.Refusals.Refuse(PlaneCount.GradientsChecksum, StatusCode.DataLoss, "A chunk's checksum does not hold.", who, caller.Address);
        }

        if (!receiver.IsComplete)
        {
            string sentence = receiver.Problem == ChunkProblem.None ? "A gradient ended before its length." : "A gradient's chunk is not the one that had to come.";
            throw plane.Refusals.Refuse(PlaneCount.GradientsWrong, StatusCode.InvalidArgument, sentence, who, caller.Address);
        }

        GradientLease arrived = place;
        place = null;
        bool counted = Attendance.Gradients.Complete(ticket, arrived);
        plane.Counters.Add(counted ? PlaneCount.GradientsReceived : PlaneCount.GradientsAgain);
        return new Receipt { AlreadyReceived = !counted };
    }

    /// <summary>Gives back what an upload that did not end well still has.</summary>
    public void Dispose()
    {
        if (place is not null)
        {
            plane.Counters.Add(PlaneCount.GradientsBroken);
            Attendance!.Gradients.Abandon(place);
            place = null;
        }

        if (entered)
        {
            entered = false;
            Attendance!.LeaveCall();
        }
    }

    private void Begin(Upload? upload)
    {
        WireChecks.Require(upload is not null, Message, "upload");
        Attendance = plane.Require(upload.Attendance, caller);
        if (!Attendance.TryEnterCall())
        {
            throw TooMany("has too many calls at once");
        }

        entered = true;
        WireChecks.Require(Attendance.Transport == Attendance.Gradients, Message, "transport");
        if (WireChecks.Identifier(upload.Run, Message, "run") != plane.Settings.Run.Value || upload.Term != plane.Settings.Term)
        {
            throw Stale();
        }

        ticket = upload.Ticket;
        switch (Attendance.Gradients.Begin(ticket, upload.FirstTicket, upload.Session, upload.Step, out place))
        {
            case UploadStart.Accepted:
                receiver = new TensorReceiver(place!.Values);
                break;
            case UploadStart.AlreadyReceived:
                alreadyReceived = true;
                break;
            case UploadStart.Stale:
                throw Stale();
            case UploadStart.NoSlot:
                throw TooMany("has as many gradients here as it may have");
            case UploadStart.Over:
                throw plane.NotAttending(caller);
            default:
                WireChecks.Require(false, Message, "ticket");
                break;
        }
    }

    private RpcException TooMany(string what)
    {
        plane.Counters.Add(PlaneCount.GradientsNoSlot);
        return PlaneRefusals.Because(StatusCode.ResourceExhausted, $"The session {what}; try again.");
    }

    private RpcException Stale()
    {
        plane.Counters.Add(PlaneCount.GradientsStale);
        return PlaneRefusals.Because(StatusCode.Aborted, "The gradient's fence is old; nobody waits for it.");
    }
}
