using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DistNet.Tensors;

namespace DistNet.Checkpoints;

/// <summary>The safetensors format: the header's length (uint64, little-endian), the header (JSON: each tensor's type, shape and place), the data.
/// float32 tensors only, one after the other without gaps; the header is padded with spaces so that the data start at a multiple of 64 bytes.</summary>
/// <remarks>Format: https://huggingface.co/docs/safetensors. A file from elsewhere is checked wholly before memory is allocated for its tensors.</remarks>
public static class SafetensorsFile
{
    /// <summary>The longest header read, in bytes: some hundred thousand tensors.</summary>
    public const int MaximumHeaderBytes = 1 << 25;

    private const int Alignment = 64;

    /// <summary>Writes tensors.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">The tensors; their names differ.</param>
    public static void Write(Stream stream, ImmutableArray<NamedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] header = Header(tensors);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (NamedTensor tensor in tensors)
        {
            Invariant.Holds(tensor.Values.Length == tensor.Shape.Length);
            stream.Write(FloatBytes.Of(tensor.Values.Span));
        }
    }

    /// <summary>Writes the parameters of an arena, without padding, in layout order.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="arena">The parameters.</param>
    public static void Write(Stream stream, Arena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        Write(stream, Tensors(arena, ""));
    }

    /// <summary>Reads all tensors, in the order of their data.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistNetException">The file is missing, or is not a whole safetensors file of float32 tensors.</exception>
    public static ImmutableArray<NamedTensor> Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            using FileStream file = File.OpenRead(path);
            return Read(file, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The file '{path}' cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }

    /// <summary>The parameters of an arena as tensors, their names after a prefix.</summary>
    internal static ImmutableArray<NamedTensor> Tensors(Arena arena, string prefix) =>
        [.. arena.Layout.Entries.Select(entry => new NamedTensor(prefix + entry.Name, entry.Shape, arena.Memory.Slice(entry.Offset, entry.Length)))];

    private static byte[] Header(ImmutableArray<NamedTensor> tensors)
    {
        using MemoryStream header = new();
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long offset = 0;
            foreach (NamedTensor tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape.Dimensions)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += (long)tensor.Shape.Length * sizeof(float));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while ((header.Length + sizeof(ulong)) % Alignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        return header.ToArray();
    }

    private static ImmutableArray<NamedTensor> Read(FileStream file, string path)
    {
        Span<byte> lengthBytes = stackalloc byte[sizeof(ulong)];
        if (file.Length < lengthBytes.Length)
        {
            throw Bad(path, $"it has {file.Length} bytes, expected at least {lengthBytes.Length}");
        }

        file.ReadExactly(lengthBytes);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        long rest = file.Length - lengthBytes.Length;
        if (length > (ulong)Math.Min(rest, MaximumHeaderBytes))
        {
            throw Bad(path, $"its header would have {length} bytes, expected at most {Math.Min(rest, MaximumHeaderBytes)}");
        }

        byte[] header = new byte[length];
        file.ReadExactly(header);
        List<Place> places = Places(header, path);
        long end = 0;
        foreach (Place place in places)
        {
            if (place.Begin != end)
            {
                throw Bad(path, $"the data of tensor '{place.Name}' start at {place.Begin}, expected {end}");
            }

            end = place.End;
        }

        if (end != rest - header.Length)
        {
            throw Bad(path, $"it has {rest - header.Length} bytes of data, expected {end} by its header");
        }

        var tensors = ImmutableArray.CreateBuilder<NamedTensor>(places.Count);
        foreach (Place place in places)
        {
            float[] values = GC.AllocateUninitializedArray<float>(place.Shape.Length);
            file.ReadExactly(FloatBytes.Of(values.AsSpan()));
            tensors.Add(new NamedTensor(place.Name, place.Shape, values));
        }

        return tensors.MoveToImmutable();
    }

    // Ordered by where the data start.
    private static List<Place> Places(byte[] header, string path)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            HashSet<string> names = new(StringComparer.Ordinal);
            List<Place> places = [];
            foreach (JsonProperty tensor in json.RootElement.EnumerateObject())
            {
                if (!names.Add(tensor.Name))
                {
                    throw Bad(path, $"it names the tensor '{tensor.Name}' twice, expected once");
                }

                if (tensor.Name != "__metadata__")
                {
                    places.Add(ReadPlace(tensor, path));
                }
            }

            places.Sort((left, right) => left.Begin.CompareTo(right.Begin));
            return places;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or DecoderFallbackException)
        {
            throw Bad(path, "its header is not the JSON that the format asks for", error);
        }
    }

    private static Place ReadPlace(JsonProperty tensor, string path)
    {
        string? type = tensor.Value.GetProperty("dtype").GetString();
        if (type != "F32")
        {
            throw Bad(path, $"the tensor '{tensor.Name}' is of type {type}, expected F32");
        }

        List<int> dimensions = [];
        long length = 1;
        foreach (JsonElement dimension in tensor.Value.GetProperty("shape").EnumerateArray())
        {
            int value = dimension.GetInt32();
            length *= value;
            if (value < 1 || length > Array.MaxLength)
            {
                throw Bad(path, $"the tensor '{tensor.Name}' has {value.ToString(CultureInfo.InvariantCulture)} as a dimension, expected at least 1 and a product that fits into memory");
            }

            dimensions.Add(value);
        }

        JsonElement offsets = tensor.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw Bad(path, $"the tensor '{tensor.Name}' has {offsets.GetArrayLength()} data offsets, expected 2");
        }

        long begin = offsets[0].GetInt64();
        long end = offsets[1].GetInt64();
        if (begin < 0 || end < begin || end - begin != length * sizeof(float))
        {
            throw Bad(path, $"the tensor '{tensor.Name}' has the data [{begin}, {end}), expected {length * sizeof(float)} bytes by its shape");
        }

        return new Place(tensor.Name, new Shape([.. dimensions]), begin, end);
    }

    private static DistNetException Bad(string path, string found, Exception? error = null) =>
        DistNetException.BadInput($"The file '{path}' is not a whole safetensors file: {found}.", error);

    private readonly record struct Place(string Name, Shape Shape, long Begin, long End);
}
