using DistNet.Protocol.ControlWire;
using Google.Protobuf;
using Kind = DistNet.Protocol.ControlWire.FailureKind;
using Limits = DistNet.Protocol.ControlLimits;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Good messages with one field changed to what it cannot hold.</summary>
internal static class ChangedMessages
{
    /// <summary>A message by its manifest and the change; without a change a good one.</summary>
    public static IMessage Changed(string change)
    {
        string[] parts = change.Split(' ', 2);
        string what = parts.Length == 2 ? parts[1] : "";
        return parts[0] switch
        {
            "RW" => ChangedRegistration(what),
            "CS" => ChangedShard(what),
            "SD" => ChangedAnswer(what),
            _ => ChangedFailure(what),
        };
    }

    private static ByteString Run => ByteString.CopyFrom(new byte[16]);

    private static Fence Fence => new() { Run = Run, Term = 1, Phase = Phase.Training, Step = 1, Session = 1 };

    private static RegisterWorker ChangedRegistration(string what)
    {
        var message = new RegisterWorker { Worker = "w1", Incarnation = Run, Threads = 1, Membership = new Membership { Run = Run, Term = 1 } };
        _ = what switch
        {
            "worker empty" => message.Worker = "",
            "worker long" => message.Worker = new string('w', Limits.NameLength + 1),
            "worker escape" => message.Worker = "w\u001b[2J",
            "incarnation short" => message.Incarnation = ByteString.CopyFromUtf8("x"),
            "threads 0" => message.Threads = 0,
            "threads many" => message.Threads = Limits.Threads + 1,
            "membership none" => message.Membership = null,
            "term negative" => message.Membership.Term = -1,
            "session negative" => message.Membership.Session = -1,
            _ => (object)"",
        };
        return message;
    }

    private static ComputeShard ChangedShard(string what)
    {
        var work = new ShardWork { Phase = Phase.Training, Slices = new SliceRange { First = 1, Count = 2 }, SliceCount = 3, SampleCount = 9 };
        var message = new ComputeShard { Fence = Fence, Work = work, Version = 1, Held = { 1 } };
        _ = what switch
        {
            "fence none" => message.Fence = null,
            "run long" => message.Fence.Run = ByteString.CopyFrom(new byte[17]),
            "phase 0" => message.Fence.Phase = Phase.Unspecified,
            "phase 5" => message.Fence.Phase = (Phase)5,
            "step negative" => message.Fence.Step = -1,
            "fence session 0" => message.Fence.Session = 0,
            "work none" => message.Work = null,
            "slices beyond" => work.SliceCount = 2,
            "slices empty" => work.Slices.Count = 0,
            "slices overflow" => work.Slices.Count = int.MaxValue,
            "slice_count 0" => work.SliceCount = 0,
            "samples few" => work.SampleCount = 2,
            "epoch negative" => work.Epoch = -1,
            "version 0" => message.Version = 0,
            "held 0" => message.Held[0] = 0,
            "held many" => Add(message.Held, Limits.Held),
            _ => (object)"",
        };
        return message;
    }

    private static ShardDone ChangedAnswer(string what)
    {
        var node = new AnsweredNode { Level = 1, Index = 1, Loss = 1, Weight = 2, Samples = 2, Correct = 1, Ticket = 1 };
        var finding = new ShardFinding { Slice = 1, Layer = "fc1", What = "its output holds NaN" };
        var message = new ShardDone { Worker = "w1", Fence = Fence, Slices = new SliceRange { First = 2, Count = 2 }, Nodes = { node }, Finding = finding, Seconds = 1 };
        _ = what switch
        {
            "nodes many" => Add(message.Nodes, Limits.Nodes),
            "level 31" => node.Level = 31,
            "index negative" => node.Index = -1,
            "index beyond" => node.Index = 1 << 29,
            "weight NaN" => node.Weight = double.NaN,
            "weight negative" => node.Weight = -1,
            "correct more" => node.Correct = 3,
            "ticket negative" => node.Ticket = -1,
            "seconds NaN" => message.Seconds = double.NaN,
            "seconds negative" => message.Seconds = -1,
            "seconds infinite" => message.Seconds = double.PositiveInfinity,
            "layer long" => finding.Layer = new string('x', Limits.FindingLength + 1),
            "what escape" => finding.What = "\u202e",
            "slice negative" => finding.Slice = -1,
            _ => (object)"",
        };
        return message;
    }

    private static ShardNotDone ChangedFailure(string what)
    {
        var message = new ShardNotDone { Worker = "w1", Fence = Fence, Slices = new SliceRange { First = 2, Count = 2 }, Kind = Kind.Failed, Reason = "no memory" };
        _ = what switch
        {
            "kind 0" => message.Kind = Kind.Unspecified,
            "kind 4" => message.Kind = (Kind)4,
            "reason long" => message.Reason = new string('x', Limits.TextLength + 1),
            "reason escape" => message.Reason = "\r",
            _ => (object)"",
        };
        return message;
    }

    private static string Add<T>(Google.Protobuf.Collections.RepeatedField<T> field, int times)
    {
        for (int i = 0; i < times; i++)
        {
            field.Add(field[0]);
        }

        return "";
    }
}
