using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;
using DistNet.Runs;
using DistNet.Training;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace DistNet.Protocol;

/// <summary>From generated types to our own: whatever is used later is checked here, as it comes from the wire.</summary>
/// <param name="message">The message's name, for sentences.</param>
internal readonly struct ControlReader(string message)
{
    public WorkerId Worker(string name)
    {
        Require(!string.IsNullOrWhiteSpace(name) && name.Length <= ControlLimits.NameLength && !name.AsSpan().ContainsAnyInRange('\0', '\x1F') && !name.Any(char.IsControl), "worker");
        return new(name);
    }

    public Guid Identifier(ByteString bytes, string field)
    {
        Require(bytes.Length == WireLimits.IdentifierBytes, field);
        return new(bytes.Span, bigEndian: true);
    }

    public Membership Membership([NotNull] ControlWire.Membership? membership)
    {
        Require(membership is not null, "membership");
        Require(membership.Term >= 0, "term");
        Require(membership.Session >= 0, "session");
        return new(new(Identifier(membership.Run, "run")), membership.Term, membership.Session);
    }

    public Fence Fence([NotNull] ControlWire.Fence? fence)
    {
        Require(fence is not null, "fence");
        Require(fence.Term >= 1, "term");
        Require(fence.Step >= 0, "step");
        Require(fence.Session >= 1, "session");
        return new(new(Identifier(fence.Run, "run")), fence.Term, Phase(fence.Phase), fence.Step, fence.Session);
    }

    public SliceRange Slices([NotNull] ControlWire.SliceRange? slices)
    {
        Require(slices is not null && slices.First >= 0 && slices.Count >= 1 && slices.Count <= ControlLimits.Slices - slices.First, "slices");
        return new(slices.First, slices.Count);
    }

    public ShardWork Work([NotNull] ControlWire.ShardWork? work)
    {
        Require(work is not null, "work");
        Require(work.Epoch >= 0, "epoch");
        Require(work.Step >= 0, "step");
        Require(work.StepInEpoch >= 0, "step_in_epoch");
        Require(work.SliceCount is >= 1 and <= ControlLimits.Slices, "slice_count");
        Require(work.SampleCount >= work.SliceCount, "sample_count");
        SliceRange slices = Slices(work.Slices);
        Require(slices.End <= work.SliceCount, "slices");
        return new(Phase(work.Phase), work.Epoch, work.Step, work.StepInEpoch, slices, work.SliceCount, work.SampleCount);
    }

    public ImmutableArray<AnsweredNode> Nodes(RepeatedField<ControlWire.AnsweredNode> nodes)
    {
        Require(nodes.Count <= ControlLimits.Nodes, "nodes");
        var read = ImmutableArray.CreateBuilder<AnsweredNode>(nodes.Count);
        foreach (ControlWire.AnsweredNode node in nodes)
        {
            var place = new SumNode(node.Level, node.Index);
            Require(CanonicalSum.IsNode(place, ControlLimits.Slices), "nodes");
            Require(double.IsFinite(node.Weight) && node.Weight >= 0, "weight");
            Require(node.Samples >= 0, "samples");
            Require(node.Correct >= 0 && node.Correct <= node.Samples, "correct");
            Require(node.Ticket >= 0, "ticket");
            read.Add(new(place, new NodeMetrics(node.Loss, node.Weight, node.Samples, node.Correct), node.Ticket));
        }

        return read.MoveToImmutable();
    }

    public ShardFinding? Finding(ControlWire.ShardFinding? finding)
    {
        if (finding is null)
        {
            return null;
        }

        Require(finding.Slice is >= 0 and < ControlLimits.Slices, "slice");
        return new(finding.Slice, Text(finding.Layer, ControlLimits.FindingLength, "layer"), Text(finding.What, ControlLimits.FindingLength, "what"));
    }

    public ImmutableArray<long> Held(RepeatedField<long> held)
    {
        Require(held.Count <= ControlLimits.Held, "held");
        foreach (long ticket in held)
        {
            Require(ticket >= 1, "held");
        }

        return [.. held];
    }

    public ShardFailureKind Kind(ControlWire.FailureKind kind)
    {
        Require(kind is >= ControlWire.FailureKind.Failed and <= ControlWire.FailureKind.Withdrawn, "kind");
        return (ShardFailureKind)((int)kind - 1);
    }

    public string Text(string text, int longest, string field)
    {
        Require(ControlText.IsShowable(text, longest), field);
        return text;
    }

    public int Threads(int threads)
    {
        Require(threads is >= 1 and <= ControlLimits.Threads, "threads");
        return threads;
    }

    public long Version(long version)
    {
        Require(version >= 1, "version");
        return version;
    }

    public double Seconds(double seconds)
    {
        Require(seconds is >= 0 and <= ControlLimits.Seconds, "seconds");
        return seconds;
    }

    private RunPhase Phase(ControlWire.Phase phase)
    {
        Require(phase is ControlWire.Phase.Training or ControlWire.Phase.Validation or ControlWire.Phase.Diagnosis, "phase");
        return phase switch
        {
            ControlWire.Phase.Validation => RunPhase.Validation,
            ControlWire.Phase.Diagnosis => RunPhase.Diagnosis,
            _ => RunPhase.Training,
        };
    }

    private void Require([DoesNotReturnIf(false)] bool holds, string field)
    {
        if (!holds)
        {
            throw new SerializationException($"a message {message} is refused: its field {field} holds what it cannot hold");
        }
    }
}
