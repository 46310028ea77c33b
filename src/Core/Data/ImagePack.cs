using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Decoded images as one file, in which a coordinator sends a folder to its workers: the magic, the header's length (uint32, little-endian), the header (JSON), a class index (int32) for
/// each image, the images. So images are decoded once for a cluster.</summary>
public static class ImagePack
{
    private const int MaximumHeaderBytes = 1 << 25;

    private static ReadOnlySpan<byte> Magic => "distnet images 1"u8;

    private static int StartBytes => Magic.Length + sizeof(uint);

    /// <summary>A dataset of images as the bytes of a file.</summary>
    /// <param name="data">Images with classes.</param>
    /// <returns>A stream at its start, that can seek; the images are not copied.</returns>
    public static Stream Open(ByteDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(
            new ImagePackJson { Count = data.Count, Shape = [.. data.InputShape.Dimensions], Classes = data.ClassNames }, ImagePackContext.Default.ImagePackJson);
        byte[] start = [.. Magic, .. BitConverter.GetBytes((uint)header.Length), .. header, .. MemoryMarshal.AsBytes(data.Labels)];
        return new PackStream(start, data);
    }

    /// <summary>Reads such a file.</summary>
    /// <exception cref="DistNetException">It is damaged or another file.</exception>
    internal static ByteDataset Read(string path)
    {
        using DataFile file = DataFile.Open(path);
        Stream stream = file.File;
        byte[] start = new byte[StartBytes];
        if (stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !start.AsSpan().StartsWith(Magic))
        {
            throw DistNetException.BadInput($"'{path}' is a file; expected a folder with a folder of images for each class.");
        }

        uint headerBytes = BitConverter.ToUInt32(start, Magic.Length);
        if (headerBytes > MaximumHeaderBytes || headerBytes > file.FileBytes - start.Length)
        {
            throw Bad(path, $"its header would have {DataFile.Shown(headerBytes)} bytes");
        }

        byte[] header = new byte[headerBytes];
        stream.ReadExactly(header);
        ImagePackJson json = ReadHeader(path, header);
        long pixels = json.Shape.Aggregate((long)json.Count, (product, dimension) => dimension < 1 || product > Array.MaxLength ? long.MaxValue / int.MaxValue : product * dimension);
        long rest = file.FileBytes - start.Length - header.Length;
        if (json.Count < 1 || json.Shape.Length != 3 || rest != pixels + ((long)json.Count * sizeof(int)) || pixels > Array.MaxLength)
        {
            throw Bad(path, "its length is not what its header says");
        }

        int[] labels = new int[json.Count];
        stream.ReadExactly(MemoryMarshal.AsBytes(labels.AsSpan()));
        if (labels.Any(label => (uint)label >= (uint)json.Classes.Length))
        {
            throw Bad(path, "an image has no class");
        }

        byte[] images = GC.AllocateUninitializedArray<byte>((int)pixels);
        stream.ReadExactly(images);
        return new ByteDataset(new Shape(json.Shape), images, SampleLabels.Classes(labels, json.Classes));
    }

    private static ImagePackJson ReadHeader(string path, byte[] header)
    {
        try
        {
            ImagePackJson? json = JsonSerializer.Deserialize(header, ImagePackContext.Default.ImagePackJson);
            return json is { Shape: not null, Classes.IsDefault: false } && json.Classes.All(name => name is not null) ? json : throw Bad(path, "its header lacks a value");
        }
        catch (JsonException error)
        {
            throw Bad(path, "its header is not understood", error);
        }
    }

    private static DistNetException Bad(string path, string found, Exception? error = null) => DistNetException.BadInput($"The file of images '{path}' is damaged: {found}.", error);

    // What stands before the images, then the images where they lie.
    private sealed class PackStream(byte[] start, ByteDataset data) : Stream
    {
        private long position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => start.Length + (long)data.Inputs.Length;

        public override long Position { get => position; set => position = value; }

        public override int Read(Span<byte> destination)
        {
            ReadOnlySpan<byte> rest = position < start.Length ? start.AsSpan((int)position)
                : position < Length ? data.Inputs[(int)(position - start.Length)..]
                : [];
            int count = Math.Min(rest.Length, destination.Length);
            rest[..count].CopyTo(destination);
            position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => position = offset + (origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => position, _ => Length });

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>The header of a file of images.</summary>
internal sealed record ImagePackJson
{
    public required int Count { get; init; }

    public required int[] Shape { get; init; }

    public required ImmutableArray<string> Classes { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ImagePackJson))]
internal sealed partial class ImagePackContext : JsonSerializerContext;
