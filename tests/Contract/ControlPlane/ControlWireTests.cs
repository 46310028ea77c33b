using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Serialization;
using CsCheck;
using DistNet.Protocol;
using DistNet.Protocol.ControlWire;
using DistNet.Runs;
using Google.Protobuf.Reflection;
using Xunit;
using AnsweredNode = DistNet.Protocol.AnsweredNode;
using ComputeShard = DistNet.Protocol.ComputeShard;
using Fence = DistNet.Runs.Fence;
using ShardDone = DistNet.Protocol.ShardDone;
using ShardNotDone = DistNet.Protocol.ShardNotDone;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>The control plane's bytes: what is on the wire today is what another version of DistNet must find there.</summary>
public sealed class ControlWireTests
{
    public static TheoryData<int> Samples => [.. Enumerable.Range(0, ControlSamples.Fixed.Length)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void The_bytes_of_each_message_are_pinned(int sample)
    {
        (IControlMessage message, string manifest, string hex) = ControlSamples.Fixed[sample];
        Assert.Equal(manifest, ControlSamples.Serializer.Manifest(message));
        byte[] bytes = ControlSamples.Serializer.ToBinary(message);
        Assert.Equal(hex, Convert.ToHexStringLower(bytes));
        Assert.True(ControlSamples.Same(message, (IControlMessage)ControlSamples.Serializer.FromBinary(Convert.FromHexString(hex), manifest)));
    }

    [Fact]
    public void The_serializers_number_is_pinned() => Assert.Equal(1001, ControlSamples.Serializer.Identifier);

    [Fact]
    public void Every_control_message_has_a_manifest_of_its_own_and_a_sample()
    {
        Type[] messages = [.. typeof(IControlMessage).Assembly.GetTypes().Where(type => type.IsClass && typeof(IControlMessage).IsAssignableFrom(type))];
        Assert.Equal(9, messages.Length);
        Assert.Equal(messages.ToHashSet(), ControlSerializer.Types.ToHashSet());
        Assert.Equal(messages.ToHashSet(), ControlSamples.Fixed.Select(sample => sample.Message.GetType()).ToHashSet());
        Assert.Equal(messages.Length, ControlSamples.Fixed.Select(sample => sample.Manifest).Distinct().Count());
    }

    [Fact]
    public void A_local_message_has_no_manifest() =>
        Assert.Contains("may not leave the process", Assert.Throws<SerializationException>(() => ControlSamples.Serializer.Manifest(new StopRun(StopSignal.Interrupt))).Message, StringComparison.Ordinal);

    [Fact]
    public void Field_numbers_and_types_are_pinned()
    {
        IEnumerable<string> messages = ControlReflection.Descriptor.MessageTypes.Select(message => $"{message.Name}: {string.Join(", ", message.Fields.InFieldNumberOrder().Select(Text))}");
        IEnumerable<string> enums = ControlReflection.Descriptor.EnumTypes.Select(kind => $"{kind.Name}: {string.Join(", ", kind.Values.Select(value => $"{value.Number} {value.Name}"))}");
        Assert.Equal(
            """
            Phase: 0 PHASE_UNSPECIFIED, 1 PHASE_TRAINING, 2 PHASE_VALIDATION, 4 PHASE_DIAGNOSIS
            FailureKind: 0 FAILURE_KIND_UNSPECIFIED, 1 FAILURE_KIND_FAILED, 2 FAILURE_KIND_OVERWRITTEN, 3 FAILURE_KIND_WITHDRAWN
            Fence: 1 run bytes, 2 term int32, 3 phase Phase, 4 step int64, 5 session int64
            Membership: 1 run bytes, 2 term int32, 3 session int64
            SliceRange: 1 first int32, 2 count int32
            ShardWork: 1 phase Phase, 2 epoch int32, 3 step int64, 4 step_in_epoch int32, 5 slices SliceRange, 6 slice_count int32, 7 sample_count int32
            AnsweredNode: 1 level int32, 2 index int32, 3 loss double, 4 weight double, 5 samples int64, 6 correct int64, 7 ticket int64
            ShardFinding: 1 slice int32, 2 layer string, 3 what string
            RegisterWorker: 1 worker string, 2 incarnation bytes, 3 threads int32, 4 membership Membership
            Welcome: 1 membership Membership, 2 incarnation bytes
            ComputeShard: 1 fence Fence, 2 work ShardWork, 3 version int64, 4 held repeated int64
            WithdrawShard: 1 fence Fence, 2 slices SliceRange
            ShardDone: 1 worker string, 2 fence Fence, 3 slices SliceRange, 4 nodes repeated AnsweredNode, 5 finding ShardFinding, 6 seconds double
            ShardNotDone: 1 worker string, 2 fence Fence, 3 slices SliceRange, 4 kind FailureKind, 5 reason string
            Goodbye: 1 worker string, 2 membership Membership, 3 reason string
            SessionEnded: 1 membership Membership, 2 sentence string
            RunEnded: 1 membership Membership
            """,
            string.Join("\n", enums.Concat(messages)));

        static string Text(FieldDescriptor field)
        {
            string type = field.FieldType switch
            {
                FieldType.Message => field.MessageType.Name,
                FieldType.Enum => field.EnumType.Name,
                FieldType other => other.ToString().ToLowerInvariant(),
            };
            return $"{field.FieldNumber} {field.Name}{(field.IsRepeated ? " repeated" : "")} {type}";
        }
    }

    [Fact]
    public void Every_message_carries_what_it_belongs_to() => Assert.All(ControlSerializer.Types, type =>
        Assert.Contains(type.GetProperties(), (PropertyInfo property) => property.PropertyType == typeof(Fence) || property.PropertyType == typeof(Protocol.Membership)));

    [Fact]
    public void Every_message_comes_back_as_it_was_sent() => ControlSamples.Any.Sample(message =>
    {
        byte[] bytes = ControlSamples.Serializer.ToBinary(message);
        return bytes.Length <= ControlLimits.MessageBytes && ControlSamples.Same(message, (IControlMessage)ControlSamples.Serializer.FromBinary(bytes, ControlSamples.Serializer.Manifest(message)));
    });

    [Fact]
    public void The_largest_of_each_message_fits()
    {
        string text = new('\uFFFD', 100_000);
        var node = new AnsweredNode(new(0, CanonicalSum.MaximumSlices - 1), new(1.5, 1.5, long.MaxValue, long.MaxValue), long.MaxValue);
        var fence = new Fence(new(Guid.NewGuid()), int.MaxValue, RunPhase.Diagnosis, long.MaxValue, long.MaxValue);
        var slices = new Runs.SliceRange(0, CanonicalSum.MaximumSlices);
        var work = new Runs.ShardWork(RunPhase.Diagnosis, int.MaxValue, long.MaxValue, int.MaxValue, slices, CanonicalSum.MaximumSlices, int.MaxValue);
        ImmutableArray<AnsweredNode> nodes = [.. Enumerable.Repeat(node, ControlLimits.Nodes)];
        var worker = new WorkerId(new string('w', ControlLimits.NameLength));
        IControlMessage[] largest =
        [
            new ComputeShard(fence, work, long.MaxValue, [.. Enumerable.Repeat(long.MaxValue, ControlLimits.Held)]),
            new ShardDone(worker, fence, slices, nodes, new(1, text, text), ControlLimits.Seconds),
            new ShardNotDone(worker, fence, slices, ShardFailureKind.Withdrawn, text),
        ];
        Assert.All(largest, message => Assert.InRange(ControlSamples.Serializer.ToBinary(message).Length, 1, ControlLimits.MessageBytes / 2));
    }

    [Fact]
    public void A_message_that_the_other_end_would_refuse_is_not_sent()
    {
        (IControlMessage message, _, _) = ControlSamples.Fixed[4];
        var done = (ShardDone)message;
        ShardDone[] wrong =
        [
            done with { Nodes = [.. Enumerable.Repeat(done.Nodes[0], ControlLimits.Nodes + 1)] },
            done with { Seconds = double.NaN },
            done with { Worker = new("") },
            done with { Worker = new("a\u001b[31m") },
            done with { Slices = new(0, 0) },
            done with { Fence = done.Fence with { Session = 0 } },
        ];
        Assert.All(wrong, each => Assert.Throws<SerializationException>(() => ControlSamples.Serializer.ToBinary(each)));
    }
}
