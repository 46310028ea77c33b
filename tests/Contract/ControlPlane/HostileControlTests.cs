using System.Runtime.Serialization;
using CsCheck;
using DistNet.Protocol;
using Google.Protobuf;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>What is no message of ours: refused with a sentence, whatever it is, and without much memory.</summary>
public sealed class HostileControlTests
{
    private const long MostAllocated = 8 << 20;

    private static readonly string[] Manifests = [.. ControlSamples.Fixed.Select(sample => sample.Manifest).Distinct()];

    /// <summary>A change of a good message's parts, and the field that the sentence must name.</summary>
    public static TheoryData<string, string> Refusals => new()
    {
        { "RW worker empty", "worker" }, { "RW worker long", "worker" }, { "RW worker escape", "worker" }, { "RW incarnation short", "incarnation" },
        { "RW threads 0", "threads" }, { "RW threads many", "threads" }, { "RW membership none", "membership" }, { "RW term negative", "term" }, { "RW session negative", "session" },
        { "CS fence none", "fence" }, { "CS run long", "run" }, { "CS phase 0", "phase" }, { "CS phase 5", "phase" }, { "CS step negative", "step" }, { "CS fence session 0", "session" },
        { "CS work none", "work" }, { "CS slices beyond", "slices" }, { "CS slices empty", "slices" }, { "CS slices overflow", "slices" }, { "CS slice_count 0", "slice_count" },
        { "CS samples few", "sample_count" }, { "CS epoch negative", "epoch" }, { "CS version 0", "version" }, { "CS held 0", "held" }, { "CS held many", "held" },
        { "SD nodes many", "nodes" }, { "SD level 31", "nodes" }, { "SD index negative", "nodes" }, { "SD index beyond", "nodes" }, { "SD weight NaN", "weight" }, { "SD weight negative", "weight" },
        { "SD correct more", "correct" }, { "SD ticket negative", "ticket" }, { "SD seconds NaN", "seconds" }, { "SD seconds negative", "seconds" }, { "SD seconds infinite", "seconds" },
        { "SD layer long", "layer" }, { "SD what escape", "what" }, { "SD slice negative", "slice" },
        { "SN kind 0", "kind" }, { "SN kind 4", "kind" }, { "SN reason long", "reason" }, { "SN reason escape", "reason" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_field_out_of_bounds_is_refused_by_its_name(string change, string field)
    {
        IMessage message = ChangedMessages.Changed(change);
        string sentence = Assert.Throws<SerializationException>(() => ControlSamples.Serializer.FromBinary(message.ToByteArray(), change[..2])).Message;
        Assert.Contains($"its field {field} holds what it cannot hold", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_messages_that_are_changed_would_be_taken_unchanged() => Assert.All(new[] { "RW", "CS", "SD", "SN" }, manifest =>
        Assert.NotNull(ControlSamples.Serializer.FromBinary(ChangedMessages.Changed(manifest).ToByteArray(), manifest)));

    [Fact]
    public void Random_bytes_give_nothing_but_a_sentence() => Gen.Select(Gen.Byte.Array[0, 400], Gen.Int[0, Manifests.Length - 1].Select(i => Manifests[i])).Sample((bytes, manifest) => Refused(bytes, manifest));

    [Fact]
    public void Truncated_and_mutated_messages_give_nothing_but_a_sentence_or_a_message() =>
        Gen.Select(ControlSamples.Any, Gen.Int[0, Manifests.Length - 1].Select(i => Manifests[i]), Gen.Select(Gen.Int[0, 1 << 20], Gen.Byte).Array[0, 4], Gen.Int[0, 1 << 20], Gen.Bool).Sample((message, other, mutations, cut, own) =>
        {
            byte[] bytes = ControlSamples.Serializer.ToBinary(message);
            foreach ((int place, byte value) in mutations)
            {
                bytes[place % bytes.Length] = value;
            }

            return Refused(cut % 3 == 0 ? bytes[..(cut % bytes.Length)] : bytes, own ? ControlSamples.Serializer.Manifest(message) : other);
        });

    [Fact]
    public void Every_truncation_of_every_sample_gives_nothing_but_a_sentence_or_a_message()
    {
        foreach ((IControlMessage message, string manifest, _) in ControlSamples.Fixed)
        {
            byte[] bytes = ControlSamples.Serializer.ToBinary(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                Assert.True(Refused(bytes[..length], manifest));
            }
        }
    }

    [Fact]
    public void A_large_message_is_refused_before_it_is_read()
    {
        byte[] bytes = new byte[ControlLimits.MessageBytes + 1];
        Assert.Contains("none is larger than 32000", Assert.Throws<SerializationException>(() => ControlSamples.Serializer.FromBinary(bytes, "SD")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_empty_nodes_as_fit_cost_little()
    {
        byte[] bytes = new byte[ControlLimits.MessageBytes];
        for (int i = 0; i < bytes.Length; i += 2)
        {
            bytes[i] = (4 << 3) | 2; // nodes, of no bytes
        }

        Assert.True(Refused(bytes, "SD"));
    }

    [Fact]
    public void An_unknown_manifest_is_refused() => Assert.Contains("there is none", Assert.Throws<SerializationException>(() => ControlSamples.Serializer.FromBinary([], "XX")).Message, StringComparison.Ordinal);

    private static bool Refused(byte[] bytes, string manifest)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Assert.IsAssignableFrom<IControlMessage>(ControlSamples.Serializer.FromBinary(bytes, manifest));
        }
        catch (SerializationException error)
        {
            Assert.Contains("is refused", error.Message, StringComparison.Ordinal);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
        return true;
    }
}
