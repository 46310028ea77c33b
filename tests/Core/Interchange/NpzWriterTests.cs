using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using DistNet.Checkpoints;
using DistNet.Interchange;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Interchange;

public sealed class NpzWriterTests
{
    [Theory]
    [InlineData(new int[0], "()")]
    [InlineData(new[] { 5 }, "(5,)")]
    [InlineData(new[] { 2, 3 }, "(2, 3)")]
    [InlineData(new[] { 2, 1, 3, 4 }, "(2, 1, 3, 4)")]
    public void An_array_is_what_numpy_s_format_says(int[] dimensions, string shape)
    {
        Shape own = new(dimensions);
        float[] values = [.. Enumerable.Range(0, own.Length).Select(i => i - 0.5f)];
        byte[] array = Arrays(Written([new NamedTensor("fc1.weight", own, values)], [])).Single().Value;

        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], array[..8]);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(array.AsSpan(8));
        Assert.Equal(0, (10 + length) % 64);
        string header = Encoding.ASCII.GetString(array, 10, length);
        Assert.EndsWith("\n", header);
        Assert.Equal($"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}", header.TrimEnd());
        Assert.Equal(values, MemoryMarshal.Cast<byte, float>(array.AsSpan(10 + length)).ToArray());
    }

    [Fact]
    public void Arrays_have_their_names_and_the_same_arrays_give_the_same_bytes()
    {
        NamedTensor[] tensors = [new("fc1.weight", new Shape(2), new float[2]), new("fc1.bias", new Shape(1), new float[1])];
        byte[] written = Written(tensors, [new NamedNumber("steps", 7)]);
        Dictionary<string, byte[]> arrays = Arrays(written);
        Assert.Equal(["fc1.weight.npy", "fc1.bias.npy", "steps.npy"], arrays.Keys);
        Assert.Contains("'descr': '<i8', 'fortran_order': False, 'shape': ()", Encoding.ASCII.GetString(arrays["steps.npy"]));
        Assert.Equal(7, BinaryPrimitives.ReadInt64LittleEndian(arrays["steps.npy"].AsSpan()[^8..]));
        Assert.Equal(written, Written(tensors, [new NamedNumber("steps", 7)]));
    }

    private static byte[] Written(NamedTensor[] tensors, NamedNumber[] numbers)
    {
        using MemoryStream stream = new();
        NpzWriter.Write(stream, [.. tensors], [.. numbers]);
        return stream.ToArray();
    }

    private static Dictionary<string, byte[]> Arrays(byte[] file)
    {
        using ZipArchive archive = new(new MemoryStream(file));
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            Assert.Equal(entry.Length, entry.CompressedLength);
            using Stream content = entry.Open();
            using MemoryStream copy = new();
            content.CopyTo(copy);
            return copy.ToArray();
        });
    }
}
