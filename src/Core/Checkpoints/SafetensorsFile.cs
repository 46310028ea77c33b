using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Tensors;

namespace DistNet.Checkpoints;

/// <summary>The safetensors format: the header's length (uint64, little-endian), the header (JSON: each tensor's type, shape and place), the data.
/// Written are float32 tensors and whole numbers, one after the other without gaps; the header is padded with spaces so that the data start at a multiple of 64 bytes.</summary>
/// <remarks>Format: https://huggingface.co/docs/safetensors. Files are read by <see cref="SafetensorsReader"/>.</remarks>
public static class SafetensorsFile
{
    /// <summary>The longest header read, in bytes: some hundred thousand tensors.</summary>
    public const int MaximumHeaderBytes = 1 << 25;

    private const int Alignment = 64;

    /// <summary>Writes tensors.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">The tensors; their names differ.</param>
    public static void Write(Stream stream, ImmutableArray<NamedTensor> tensors) => Write(stream, tensors, [], ImmutableDictionary<string, string>.Empty);

    /// <summary>Writes tensors, whole numbers and texts.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="numbers">Whole numbers, as tensors of type I64 without dimensions; no two names of tensors and numbers are the same.</param>
    /// <param name="metadata">Texts for the header's <c>__metadata__</c>, besides its <c>format</c>.</param>
    public static void Write(Stream stream, ImmutableArray<NamedTensor> tensors, ImmutableArray<NamedNumber> numbers, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(metadata);
        byte[] header = Header(tensors, numbers, metadata);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(word, (ulong)header.Length);
        stream.Write(word);
        stream.Write(header);

        // The longer type first, so that each value stands at a multiple of its size.
        foreach (NamedNumber number in numbers)
        {
            BinaryPrimitives.WriteInt64LittleEndian(word, number.Value);
            stream.Write(word);
        }

        foreach (NamedTensor tensor in tensors)
        {
            Invariant.Holds(tensor.Values.Length == tensor.Shape.Length);
            FloatBytes.Write(stream, tensor.Values.Span);
        }
    }

    /// <summary>Writes the parameters and buffers of an arena, without padding, in layout order.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="arena">The parameters.</param>
    public static void Write(Stream stream, Arena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        Write(stream, Tensors(arena));
    }

    /// <summary>Reads all tensors, in the order of their data.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistNetException">The file is missing, or is not a whole safetensors file of float32 tensors.</exception>
    public static ImmutableArray<NamedTensor> Read(string path)
    {
        using SafetensorsReader reader = SafetensorsReader.Open(path);
        if (reader.Tensors.FirstOrDefault(tensor => tensor.Type != "F32") is { } other)
        {
            throw DistNetException.BadInput($"The tensor '{SafetensorsReader.Printable(other.Name)}' of '{path}' is of type {other.Type}; expected F32.");
        }

        return [.. reader.Tensors.Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, reader.Read(tensor)))];
    }

    /// <summary>The parameters and buffers of an arena as tensors.</summary>
    internal static ImmutableArray<NamedTensor> Tensors(Arena arena) => Tensors(arena, arena.Layout.Entries, "");

    /// <summary>An optimizer's slot as tensors, one for each parameter, their names after a prefix.</summary>
    internal static ImmutableArray<NamedTensor> SlotTensors(Arena slot, string prefix) => Tensors(slot, slot.Layout.Parameters, prefix);

    private static ImmutableArray<NamedTensor> Tensors(Arena arena, ImmutableArray<ParameterEntry> entries, string prefix) =>
        [.. entries.Select(entry => new NamedTensor(prefix + entry.Name, entry.Shape, arena.Memory.Slice(entry.Offset, entry.Length)))];

    private static byte[] Header(ImmutableArray<NamedTensor> tensors, ImmutableArray<NamedNumber> numbers, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream header = new();
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            foreach ((string key, string text) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                json.WriteString(key, text);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (NamedNumber number in numbers)
            {
                offset = WritePlace(json, number.Name, "I64", [], offset, sizeof(long));
            }

            foreach (NamedTensor tensor in tensors)
            {
                offset = WritePlace(json, tensor.Name, "F32", tensor.Shape.Dimensions, offset, (long)tensor.Shape.Length * sizeof(float));
            }

            json.WriteEndObject();
        }

        while ((header.Length + sizeof(ulong)) % Alignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        return header.ToArray();
    }

    private static long WritePlace(Utf8JsonWriter json, string name, string type, ImmutableArray<int> dimensions, long offset, long bytes)
    {
        json.WriteStartObject(name);
        json.WriteString("dtype", type);
        json.WriteStartArray("shape");
        foreach (int dimension in dimensions)
        {
            json.WriteNumberValue(dimension);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + bytes);
        json.WriteEndArray();
        json.WriteEndObject();
        return offset + bytes;
    }
}
