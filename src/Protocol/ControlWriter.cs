using DistNet.Runs;
using Google.Protobuf;

namespace DistNet.Protocol;

/// <summary>From our types to the generated ones. Texts are made short and showable here; everything else is as the reader wants it, or the message is refused there.</summary>
internal static class ControlWriter
{
    public static IMessage ToWire(object message) => message switch
    {
        RegisterWorker register => new ControlWire.RegisterWorker
        {
            Worker = register.Worker.Name,
            Incarnation = Bytes(register.Incarnation),
            Threads = register.Threads,
            Membership = ToWire(register.Membership),
        },
        Welcome welcome => new ControlWire.Welcome { Membership = ToWire(welcome.Membership), Incarnation = Bytes(welcome.Incarnation) },
        ComputeShard compute => new ControlWire.ComputeShard
        {
            Fence = ToWire(compute.Fence),
            Work = ToWire(compute.Work),
            Version = compute.Version,
            Held = { compute.Held },
        },
        WithdrawShard withdraw => new ControlWire.WithdrawShard { Fence = ToWire(withdraw.Fence), Slices = ToWire(withdraw.Slices) },
        ShardDone done => ToWire(done),
        ShardNotDone notDone => new ControlWire.ShardNotDone
        {
            Worker = notDone.Worker.Name,
            Fence = ToWire(notDone.Fence),
            Slices = ToWire(notDone.Slices),
            Kind = (ControlWire.FailureKind)((int)notDone.Kind + 1),
            Reason = ControlText.Shown(notDone.Reason, ControlLimits.TextLength),
        },
        Goodbye goodbye => new ControlWire.Goodbye
        {
            Worker = goodbye.Worker.Name,
            Membership = ToWire(goodbye.Membership),
            Reason = ControlText.Shown(goodbye.Reason, ControlLimits.TextLength),
        },
        SessionEnded ended => new ControlWire.SessionEnded { Membership = ToWire(ended.Membership), Sentence = ControlText.Shown(ended.Sentence, ControlLimits.TextLength) },
        RunEnded over => new ControlWire.RunEnded { Membership = ToWire(over.Membership) },
        _ => throw new InvalidOperationException($"A bug in DistNet: {message.GetType().Name} is no control message."),
    };

    private static ControlWire.ShardDone ToWire(ShardDone done)
    {
        var wire = new ControlWire.ShardDone { Worker = done.Worker.Name, Fence = ToWire(done.Fence), Slices = ToWire(done.Slices), Seconds = done.Seconds };
        foreach (AnsweredNode node in done.Nodes)
        {
            wire.Nodes.Add(new ControlWire.AnsweredNode
            {
                Level = node.Node.Level,
                Index = node.Node.Index,
                Loss = node.Metrics.Loss,
                Weight = node.Metrics.Weight,
                Samples = node.Metrics.Samples,
                Correct = node.Metrics.Correct,
                Ticket = node.Ticket,
            });
        }

        if (done.Finding is { } finding)
        {
            wire.Finding = new ControlWire.ShardFinding
            {
                Slice = finding.Slice,
                Layer = ControlText.Shown(finding.Layer, ControlLimits.FindingLength),
                What = ControlText.Shown(finding.What, ControlLimits.FindingLength),
            };
        }

        return wire;
    }

    private static ControlWire.Fence ToWire(Fence fence) => new()
    {
        Run = Bytes(fence.Run.Value),
        Term = fence.Term,
        Phase = Phase(fence.Phase),
        Step = fence.Step,
        Session = fence.Session,
    };

    private static ControlWire.Membership ToWire(Membership membership) => new() { Run = Bytes(membership.Run.Value), Term = membership.Term, Session = membership.Session };

    private static ControlWire.SliceRange ToWire(SliceRange slices) => new() { First = slices.First, Count = slices.Count };

    private static ControlWire.ShardWork ToWire(ShardWork work) => new()
    {
        Phase = Phase(work.Phase),
        Epoch = work.Epoch,
        Step = work.Step,
        StepInEpoch = work.StepInEpoch,
        Slices = ToWire(work.Slices),
        SliceCount = work.SliceCount,
        SampleCount = work.SampleCount,
    };

    private static ControlWire.Phase Phase(RunPhase phase) => phase switch
    {
        RunPhase.Validation => ControlWire.Phase.Validation,
        RunPhase.Diagnosis => ControlWire.Phase.Diagnosis,
        _ => ControlWire.Phase.Training,
    };

    private static ByteString Bytes(Guid identifier)
    {
        Span<byte> bytes = stackalloc byte[WireLimits.IdentifierBytes];
        identifier.TryWriteBytes(bytes, bigEndian: true, out _);
        return ByteString.CopyFrom(bytes);
    }
}
