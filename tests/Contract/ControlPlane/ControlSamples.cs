using System.Collections.Immutable;
using Akka.Actor;
using CsCheck;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Control messages with fixed values, and generators of all that may be sent. The bytes are those of <c>protoc --encode</c> on the same values as text.</summary>
internal static class ControlSamples
{
    private static readonly RunId Run = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));
    private static readonly Guid Incarnation = Guid.Parse("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    private static readonly Membership Member = new(Run, 2, 9);
    private static readonly Fence Fence = new(Run, 2, RunPhase.Training, 1_000, 9);

    public static readonly (IControlMessage Message, string Manifest, string Hex)[] Fixed =
    [
        (new RegisterWorker(new("w1"), Incarnation, 4, new(Run, 2, 0)), "RW", "0a02773112100f1e2d3c4b5a69788796a5b4c3d2e1f0180422140a1000112233445566778899aabbccddeeff1002"),
        (new Welcome(Member, Incarnation), "WE", "0a160a1000112233445566778899aabbccddeeff1002180912100f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        (new ComputeShard(Fence, new(RunPhase.Training, 3, 1_000, 82, new(8, 16), 41, 328), (2L << 40) + 1_001, [5, 6, 300]), "CS", "0a1b0a1000112233445566778899aabbccddeeff1002180120e807280912140801100318e80720522a0408081010302938c80218e9878080804022040506ac02"),
        (new WithdrawShard(Fence with { Phase = RunPhase.Diagnosis }, new(0, 41)), "WS", "0a1b0a1000112233445566778899aabbccddeeff1002180420e807280912021029"),
        (new ShardDone(new("w1"), Fence, new(8, 16), [new(new(3, 1), new NodeMetrics(2.5, 64, 64, 60), 7), new(new(2, 4), new NodeMetrics(double.PositiveInfinity, 32, 32, 0), 0)], null, 0.125), "SD", "0a027731121b0a1000112233445566778899aabbccddeeff1002180120e80728091a0408081010221c080310011900000000000004402100000000000050402840303c380722180802100419000000000000f07f210000000000004040282031000000000000c03f"),
        (new ShardDone(new("w1"), Fence with { Phase = RunPhase.Diagnosis }, new(8, 16), [], new(11, "fc1", "its output holds NaN"), 0.5), "SD", "0a027731121b0a1000112233445566778899aabbccddeeff1002180420e80728091a04080810102a1d080b12036663311a14697473206f757470757420686f6c6473204e614e31000000000000e03f"),
        (new ShardNotDone(new("w1"), Fence with { Phase = RunPhase.Validation }, new(8, 16), ShardFailureKind.Overwritten, "too late"), "SN", "0a027731121b0a1000112233445566778899aabbccddeeff1002180220e80728091a040808101020022a08746f6f206c617465"),
        (new Goodbye(new("w1"), Member, "asked to stop"), "GB", "0a02773112160a1000112233445566778899aabbccddeeff100218091a0d61736b656420746f2073746f70"),
        (new SessionEnded(Member, "The stream broke."), "SE", "0a160a1000112233445566778899aabbccddeeff1002180912115468652073747265616d2062726f6b652e"),
        (new RunEnded(Member), "RE", "0a160a1000112233445566778899aabbccddeeff10021809"),
    ];

    private static readonly Gen<string> Text = Gen.OneOf(Gen.String[Gen.Char['\0', '\u0800'], 0, 50], Gen.String[Gen.Char, 0, 3_000]);
    private static readonly Gen<WorkerId> Worker = Gen.String[Gen.Char['!', '~'], 1, 128].Select(name => new WorkerId(name));
    private static readonly Gen<RunId> Runs = Gen.Guid.Select(value => new RunId(value));
    private static readonly Gen<Membership> Members = Gen.Select(Runs, Gen.Int[0, int.MaxValue], Gen.Long[0, long.MaxValue]).Select((run, term, session) => new Membership(run, term, session));
    private static readonly Gen<Fence> Fences = Gen.Select(Runs, Gen.Int[1, int.MaxValue], Gen.Enum<RunPhase>(), Gen.Long[0, long.MaxValue], Gen.Long[1, long.MaxValue])
        .Select((run, term, phase, step, session) => new Fence(run, term, phase, step, session));

    private static readonly Gen<SliceRange> Slices = Gen.Int[0, CanonicalSum.MaximumSlices - 1].SelectMany(first => Gen.Int[1, CanonicalSum.MaximumSlices - first].Select(count => new SliceRange(first, count)));
    private static readonly Gen<NodeMetrics> Metrics = Gen.Select(Gen.Double, Gen.Double[0, 1e300], Gen.Long[0, long.MaxValue]).SelectMany((loss, weight, samples) => Gen.Long[0, samples].Select(correct => new NodeMetrics(loss, weight, samples, correct)));
    private static readonly Gen<AnsweredNode> Node = Gen.Select(Gen.Int[0, 30].SelectMany(level => Gen.Int[0, (CanonicalSum.MaximumSlices - 1) >> level].Select(index => new SumNode(level, index))), Metrics, Gen.Long[0, long.MaxValue])
        .Select((node, metrics, ticket) => new AnsweredNode(node, metrics, ticket));

    private static readonly Gen<ShardWork> Work = Gen.Select(Slices, Gen.Enum<RunPhase>(), Gen.Int[0, int.MaxValue], Gen.Long[0, long.MaxValue], Gen.Int[0, int.MaxValue])
        .Select((slices, phase, epoch, step, inEpoch) => new ShardWork(phase, epoch, step, inEpoch, slices, Math.Max(slices.End, CanonicalSum.MaximumSlices / 2), int.MaxValue));

    private static readonly Gen<ShardFinding?> Finding = Gen.OneOf(Gen.Const((ShardFinding?)null), Gen.Select(Gen.Int[0, CanonicalSum.MaximumSlices - 1], Text, Text).Select((slice, layer, what) => (ShardFinding?)new ShardFinding(slice, layer, what)));

    /// <summary>Any message that may be sent.</summary>
    public static readonly Gen<IControlMessage> Any = Gen.OneOf<IControlMessage>(
        Gen.Select(Worker, Gen.Guid, Gen.Int[1, ControlLimits.Threads], Members).Select((worker, incarnation, threads, member) => (IControlMessage)new RegisterWorker(worker, incarnation, threads, member)),
        Gen.Select(Members, Gen.Guid).Select((member, incarnation) => (IControlMessage)new Welcome(member, incarnation)),
        Gen.Select(Fences, Work, Gen.Long[1, long.MaxValue], Gen.Long[1, long.MaxValue].Array[0, ControlLimits.Held]).Select((fence, work, version, held) => (IControlMessage)new ComputeShard(fence, work, version, [.. held])),
        Gen.Select(Fences, Slices).Select((fence, slices) => (IControlMessage)new WithdrawShard(fence, slices)),
        Gen.Select(Worker, Fences, Slices, Node.Array[0, ControlLimits.Nodes], Finding, Gen.Double[0, ControlLimits.Seconds]).Select((worker, fence, slices, nodes, finding, seconds) => (IControlMessage)new ShardDone(worker, fence, slices, [.. nodes], finding, seconds)),
        Gen.Select(Worker, Fences, Slices, Gen.Enum<ShardFailureKind>(), Text).Select((worker, fence, slices, kind, reason) => (IControlMessage)new ShardNotDone(worker, fence, slices, kind, reason)),
        Gen.Select(Worker, Members, Text).Select((worker, member, reason) => (IControlMessage)new Goodbye(worker, member, reason)),
        Gen.Select(Members, Text).Select((member, sentence) => (IControlMessage)new SessionEnded(member, sentence)),
        Members.Select(member => (IControlMessage)new RunEnded(member)));

    /// <summary>A serializer without an actor system's life around it.</summary>
    public static ControlSerializer Serializer { get; } = new((ExtendedActorSystem)ActorSystem.Create("wire", ControlConfiguration.Hocon));

    /// <summary>Whether two messages say the same: the records, with the content of their arrays, and texts as they are shown.</summary>
    public static bool Same(IControlMessage left, IControlMessage right) => (Shown(left), right) switch
    {
        (ComputeShard a, ComputeShard b) => a with { Held = b.Held } == b && a.Held.SequenceEqual(b.Held),
        (ShardDone a, ShardDone b) => a with { Nodes = b.Nodes } == b && a.Nodes.SequenceEqual(b.Nodes),
        var (a, b) => a.Equals(b),
    };

    private static IControlMessage Shown(IControlMessage message) => message switch
    {
        ShardDone { Finding: { } finding } done => done with { Finding = new(finding.Slice, ControlText.Shown(finding.Layer, ControlLimits.FindingLength), ControlText.Shown(finding.What, ControlLimits.FindingLength)) },
        ShardNotDone notDone => notDone with { Reason = ControlText.Shown(notDone.Reason, ControlLimits.TextLength) },
        Goodbye goodbye => goodbye with { Reason = ControlText.Shown(goodbye.Reason, ControlLimits.TextLength) },
        SessionEnded ended => ended with { Sentence = ControlText.Shown(ended.Sentence, ControlLimits.TextLength) },
        _ => message,
    };
}
