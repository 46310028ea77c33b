using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using CsCheck;
using DistNet.Checkpoints;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class DigestTests
{
    [Fact]
    public void The_parameters_digest_is_the_hash_of_their_bytes_without_padding_and_buffers() => Gen.Single.Array[10].Sample(values =>
    {
        Arena arena = new(Samples.Layout);
        byte[] bytes = new byte[40];
        int next = 0;
        foreach (ParameterEntry entry in Samples.Layout.Parameters)
        {
            for (int i = 0; i < entry.Length; i++, next++)
            {
                arena[entry][i] = values[next];
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * next), float.IsNaN(values[next]) ? 0x7FC00000 : BitConverter.SingleToInt32Bits(values[next]));
            }
        }

        arena.Span[^1] = 99; // padding
        arena[Samples.Layout.Buffers[0]][1] = 98;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), Digest.Parameters(arena));
    });

    [Fact]
    public void Every_NaN_has_the_digest_of_the_canonical_one_wherever_it_stands()
    {
        Layout layout = new([("w", new Shape(3000), ParameterRole.Weight)]);
        Arena canonical = new(layout);
        Arena other = new(layout);
        foreach (int index in new[] { 0, 1023, 1024, 2999 })
        {
            canonical.Span[index] = BitConverter.Int32BitsToSingle(0x7FC00000);
            other.Span[index] = BitConverter.Int32BitsToSingle(unchecked((int)0xFFA00001));
        }

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(canonical.Span[..3000]))), Digest.Parameters(canonical));
        Assert.Equal(Digest.Parameters(canonical), Digest.Parameters(other));
    }

    [Fact]
    public void The_state_digest_covers_every_part()
    {
        Checkpoint one = Samples.Checkpoint(5);
        Checkpoint[] others =
        [
            one with { Parameters = Samples.Arena(6) },
            one with { Slots = new Dictionary<string, Arena> { ["firstMoment"] = one.Slots["firstMoment"] } },
            one with { Slots = new Dictionary<string, Arena> { ["firstMoment"] = one.Slots["secondMoment"], ["secondMoment"] = one.Slots["firstMoment"] } },
            one with { Best = null },
            one with { Best = one.Parameters },
            one with { Parameters = WithBuffer(98) },
            one with { Model = one.Model with { Normalization = null } },
        ];
        Assert.Equal(Digest.Parameters(one.Parameters), Digest.Parameters(WithBuffer(98)));
        Assert.Equal(others.Length + 1, others.Append(one).Select(Digest.State).Distinct().Count());
        Assert.Equal(Digest.State(one), Digest.State(one with { Slots = new SortedDictionary<string, Arena>(new Dictionary<string, Arena>(one.Slots)), JobJson = "", DataFingerprint = "" }));
    }

    private static Arena WithBuffer(float value)
    {
        Arena arena = Samples.Arena(5);
        arena[Samples.Layout.Buffers[0]][1] = value;
        return arena;
    }

    [Fact]
    public void The_state_digest_covers_every_field_of_the_training_state()
    {
        Checkpoint one = Samples.Checkpoint(5);
        HashSet<string> digests = [Digest.State(one)];
        PropertyInfo[] fields = typeof(TrainingState).GetProperties().Where(field => field.CanWrite).ToArray();
        foreach (PropertyInfo field in fields)
        {
            TrainingState changed = one.State with { };
            object value = field.GetValue(changed)!;
            field.SetValue(changed, value switch
            {
                long number => number + 1,
                int number => number + 1,
                double number => double.IsFinite(number) ? number + 1 : 3.5,
                bool truth => !truth,
                NodeMetrics metrics => metrics with { Correct = 1 },
                _ => throw new InvalidOperationException($"a new type of field: {field.Name}"),
            });
            Assert.True(digests.Add(Digest.State(one with { State = changed })), $"{field.Name} is not in the digest");
        }

        foreach (NodeMetrics sums in new NodeMetrics[] { new(1, 0, 0, 0), new(0, 1, 0, 0), new(0, 0, 1, 0) })
        {
            Assert.True(digests.Add(Digest.State(one with { State = one.State with { EpochSums = sums } })));
        }
    }

    [Fact]
    public void The_digests_of_a_known_state_never_change()
    {
        Assert.Equal("5256c6b76ef3c02c97b574448d3d821906befa3378bcd8bcc81cbdfe8c419e6e", Digest.Parameters(Samples.Arena(1)));
        Assert.Equal("0975ffd5440d9953edc0aa7489b18ac67f096032b4f90507770f5960632d73f5", Digest.State(Samples.Checkpoint(1)));

        // From before there were buffers in a layout: a state without any has its old digest.
        Layout layout = new(Samples.Layout.Parameters.Select(entry => (entry.Name, entry.Shape, entry.Role)));
        Dictionary<string, Arena> slots = new() { ["secondMoment"] = Samples.Arena(layout, 1.25f), ["firstMoment"] = Samples.Arena(layout, 1.5f) };
        NamedTensor further = new("norm1.runningMean", new Shape(2), new float[] { 4, 5 });
        Checkpoint one = Samples.Checkpoint(1);
        Assert.Equal(
            "8cf538ed8409374b3ca185d0cc6ed6ec6a3a568151aa8c3e6aef41f15b3cffbc",
            Digest.State(one.State, Samples.Arena(layout, 1), slots, Samples.Arena(layout, 1.75f), [.. NormalizationTensors.Of(one.Model.Normalization), further]));
    }
}
