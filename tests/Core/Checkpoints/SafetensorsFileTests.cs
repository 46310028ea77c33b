using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using CsCheck;
using DistNet.Checkpoints;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private static readonly Gen<ImmutableArray<NamedTensor>> Tensors =
        Gen.Select(Gen.String[1, 8], Gen.Int[1, 5].Array[0, 4], Gen.UInt, (name, dimensions, bits) =>
            {
                Shape shape = new(dimensions);
                return new NamedTensor(name, shape, Enumerable.Range(0, shape.Length).Select(i => BitConverter.UInt32BitsToSingle(bits + (uint)(i * 7919))).ToArray());
            })
            .Array[0, 6]
            .Select(tensors => tensors.Where(tensor => tensor.Name != "__metadata__" && tensor.Name.All(symbol => !char.IsSurrogate(symbol))).DistinctBy(tensor => tensor.Name).ToImmutableArray());

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Tensors_come_back_with_names_shapes_and_bits() => Tensors.Sample(
        tensors =>
        {
            byte[] written = Written(tensors);
            string path = folder.Write($"{Guid.NewGuid()}", written);
            ImmutableArray<NamedTensor> read = SafetensorsFile.Read(path);
            Assert.Equal(tensors.Select(tensor => (tensor.Name, tensor.Shape)), read.Select(tensor => (tensor.Name, tensor.Shape)));
            Assert.Equal(tensors.SelectMany(tensor => Bits(tensor)), read.SelectMany(tensor => Bits(tensor)));
            Assert.Equal(0, (8 + BinaryPrimitives.ReadInt64LittleEndian(written)) % 64);
        },
        iter: 100);

    [Fact]
    public void The_file_is_what_the_format_says()
    {
        byte[] written = Written([new NamedTensor("fc1.bias", new Shape(2), new float[] { 1, -2 })]);
        string header = """{"__metadata__":{"format":"pt"},"fc1.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";
        Assert.Equal(header, Encoding.UTF8.GetString(written.AsSpan(8, header.Length)));
        Assert.Equal([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], written[^8..]);
    }

    [Fact]
    public void A_truncation_anywhere_is_refused()
    {
        byte[] whole = Written([.. SafetensorsFile.Tensors(Samples.Arena(1), "")]);
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Write("cut", whole[..length]);
            Assert.Contains("'" + path + "'", Assert.Throws<DistNetException>(() => SafetensorsFile.Read(path)).Message);
        }
    }

    [Fact]
    public void An_altered_byte_never_breaks_the_reader()
    {
        byte[] whole = Written([.. SafetensorsFile.Tensors(Samples.Arena(1), "")]);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Sample(
            (place, value) =>
            {
                byte[] altered = (byte[])whole.Clone();
                altered[place] = value;
                string path = folder.Write($"{Guid.NewGuid()}", altered);
                try
                {
                    SafetensorsFile.Read(path);
                }
                catch (DistNetException)
                {
                    // Refused with a sentence; any other exception fails the test.
                }
            },
            iter: 300);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}""", 4, "type F16, expected F32")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "expected 8 bytes by its shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "data [-4, 0)")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "start at 4, expected 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "start at 0, expected 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a' twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647],"data_offsets":[0,4]}}""", 4, "fits into memory")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 0, "0 as a dimension")]
    [InlineData("""{"a":{"dtype":"F32","shape":[500000000],"data_offsets":[0,2000000000]}}""", 4, "4 bytes of data, expected 2000000000")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "5 bytes of data, expected 4")]
    [InlineData("""{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "not the JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "1 data offsets, expected 2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e99]}}""", 4, "not the JSON")]
    [InlineData("""[[[[[[[[[[[[1]]]]]]]]]]]]""", 4, "not the JSON")]
    [InlineData("""{"a":1""", 4, "not the JSON")]
    public void A_hostile_header_gets_one_clear_sentence(string header, int dataBytes, string expected)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        string path = folder.Write("hostile", [.. length, .. text, .. new byte[dataBytes]]);
        string message = Assert.Throws<DistNetException>(() => SafetensorsFile.Read(path)).Message;
        Assert.StartsWith($"The file '{path}' is not a whole safetensors file: ", message);
        Assert.Contains(expected, message);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(100_000_000)]
    public void A_header_longer_than_the_file_is_not_allocated(long length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        string path = folder.Write("long", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("expected at most 56", Assert.Throws<DistNetException>(() => SafetensorsFile.Read(path)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    private static byte[] Written(ImmutableArray<NamedTensor> tensors)
    {
        using MemoryStream stream = new();
        SafetensorsFile.Write(stream, tensors);
        return stream.ToArray();
    }

    private static IEnumerable<int> Bits(NamedTensor tensor) => tensor.Values.ToArray().Select(BitConverter.SingleToInt32Bits);
}
