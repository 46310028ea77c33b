using System.Collections.Immutable;
using System.IO.Compression;
using DistNet.Checkpoints;
using DistNet.Data;

namespace DistNet.Interchange;

/// <summary>numpy's archive of arrays: a zip with one <c>NAME.npy</c> per array, not compressed. The same arrays give the same bytes.</summary>
/// <remarks>Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0. <c>numpy.load(path)["fc1.weight"]</c> reads it.</remarks>
public static class NpzWriter
{
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes arrays of float32 and whole numbers (int64, without dimensions).</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">The arrays.</param>
    /// <param name="numbers">The numbers; no two names of arrays and numbers are the same.</param>
    public static void Write(Stream stream, ImmutableArray<NamedTensor> tensors, ImmutableArray<NamedNumber> numbers)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (NamedTensor tensor in tensors)
        {
            Add(archive, tensor.Name, "<f4", tensor.Shape.Dimensions, content => FloatBytes.Write(content, tensor.Values.Span));
        }

        foreach (NamedNumber number in numbers)
        {
            Invariant.Holds(BitConverter.IsLittleEndian);
            Add(archive, number.Name, "<i8", [], content => content.Write(BitConverter.GetBytes(number.Value)));
        }
    }

    private static void Add(ZipArchive archive, string name, string type, ImmutableArray<int> dimensions, Action<Stream> write)
    {
        ZipArchiveEntry entry = archive.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
        entry.LastWriteTime = NoTime;
        using Stream content = entry.Open();
        content.Write(NpyHeader.Write(type, dimensions));
        write(content);
    }
}
