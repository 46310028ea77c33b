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
    public void More_floats_than_a_span_of_bytes_holds_are_written_and_read_in_parts()
    {
        for (int count = 0; count <= 9; count++)
        {
            float[] values = [.. Enumerable.Range(0, count).Select(i => i + 0.5f)];
            for (int most = 1; most <= 10; most++)
            {
                using MemoryStream stream = new();
                FloatBytes.Write(stream, values, most);
                Assert.Equal(values.SelectMany(BitConverter.GetBytes), stream.ToArray());
                stream.Position = 0;
                float[] read = new float[count];
                FloatBytes.Read(stream, read, most);
                Assert.Equal(values, read);
            }
        }
    }

    [Fact]
    public void A_truncation_anywhere_is_refused()
    {
        byte[] whole = Written([.. SafetensorsFile.Tensors(Samples.Arena(1))]);
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Write("cut", whole[..length]);
            Assert.Contains("'" + path + "'", Assert.Throws<DistNetException>(() => SafetensorsFile.Read(path)).Message);
        }
    }

    [Fact]
    public void An_altered_byte_never_breaks_the_reader()
    {
        byte[] whole = Written([.. SafetensorsFile.Tensors(Samples.Arena(1))]);
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
    [InlineData("""{"a":{"dtype":"F17","shape":[2],"data_offsets":[0,4]}}""", 4, "type F17, expected one of F64, F32")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}}""", 8, "expected 4 bytes by its shape")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "not the JSON")]
    [InlineData("""{"__metadata__":{"a":null}}""", 0, "metadata is null")]
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
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", 4, "more dimensions than 32")]
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

    [Fact]
    public void Numbers_and_texts_come_back_beside_the_tensors()
    {
        using MemoryStream stream = new();
        Dictionary<string, string> metadata = new() { ["class_names"] = """["é","\"b\""]""" };
        SafetensorsFile.Write(stream, [new NamedTensor("w", new Shape(3), new float[] { 1, 2, 3 })], [new NamedNumber("bn1.num_batches_tracked", -7)], metadata);
        using SafetensorsReader reader = SafetensorsReader.Open(folder.Write("both", stream.ToArray()));
        Assert.Equal(["bn1.num_batches_tracked I64 [] 0", "w F32 [3] 8"], reader.Tensors.Select(tensor => $"{tensor.Name} {tensor.Type} {tensor.Shape} {tensor.Begin}"));
        Assert.Equal(metadata["class_names"], reader.Metadata["class_names"]);
        Assert.Equal("pt", reader.Metadata["format"]);
        Assert.Equal([1, 2, 3], reader.Read(reader.Tensors[1]));
        Assert.Equal(-7, BinaryPrimitives.ReadInt64LittleEndian(stream.ToArray().AsSpan()[^20..]));
    }

    [Theory]
    [InlineData("F64", 8)]
    [InlineData("F16", 2)]
    [InlineData("BF16", 2)]
    public void Other_floating_types_are_converted(string type, int size)
    {
        // More than one piece of a conversion, and a value that every type holds.
        float[] values = [.. Enumerable.Range(0, 3000).Select(i => (i % 256) - 100f)];
        byte[] data = [.. values.SelectMany(value => type switch
        {
            "F64" => BitConverter.GetBytes((double)value),
            "F16" => BitConverter.GetBytes((Half)value),
            _ => BitConverter.GetBytes(BitConverter.SingleToInt32Bits(value))[2..],
        })];
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"a":{"dtype":"{{{type}}}","shape":[{{{values.Length}}}],"data_offsets":[0,{{{values.Length * size}}}]}}""");
        string path = folder.Write(type, [.. BitConverter.GetBytes((long)header.Length), .. header, .. data]);
        using SafetensorsReader reader = SafetensorsReader.Open(path);
        Assert.Equal(values, reader.Read(reader.Tensors[0]));
        Assert.Equal($"The tensor 'a' of '{path}' is of type {type}; expected F32.", Assert.Throws<DistNetException>(() => SafetensorsFile.Read(path)).Message);
    }

    [Fact]
    public void Whole_numbers_are_no_weights_and_an_archive_of_PyTorch_is_called_what_it_is()
    {
        byte[] header = Encoding.UTF8.GetBytes("""{"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}""");
        string path = folder.Write("number", [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[8]]);
        using SafetensorsReader reader = SafetensorsReader.Open(path);
        Assert.Equal(
            $"The tensor 'a' of '{path}' is of type I64; expected F32, or F64, F16 or BF16, which are converted.",
            Assert.Throws<DistNetException>(() => reader.Read(reader.Tensors[0])).Message);

        string archive = folder.Write("model.pt", [.. "PK\u0003\u0004"u8, .. new byte[100]]);
        Assert.Contains("is a zip archive, as torch.save and numpy write them", Assert.Throws<DistNetException>(() => SafetensorsReader.Open(archive)).Message);
        string pickle = folder.Write("old.pt", [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, .. new byte[100]]);
        Assert.Equal(
            $"The file '{pickle}' is a pickle, as older versions of torch.save write it; expected the safetensors format (safetensors.torch.save_file).",
            Assert.Throws<DistNetException>(() => SafetensorsReader.Open(pickle)).Message);
    }

    private static byte[] Written(ImmutableArray<NamedTensor> tensors)
    {
        using MemoryStream stream = new();
        SafetensorsFile.Write(stream, tensors);
        return stream.ToArray();
    }

    private static IEnumerable<int> Bits(NamedTensor tensor) => tensor.Values.ToArray().Select(BitConverter.SingleToInt32Bits);
}
