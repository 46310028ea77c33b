using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DistNet.Tensors;

namespace DistNet.Checkpoints;

/// <summary>A safetensors file that is open: its tensors by name, read one by one. The header is checked wholly when it is opened, before memory is allocated for any tensor.</summary>
/// <remarks>No memory beyond the header (some times its length, at most <see cref="SafetensorsFile.MaximumHeaderBytes"/>) and the tensors asked for: of 16 bits, twice what the file has of them.</remarks>
public sealed class SafetensorsReader : IDisposable
{
    private const int MaximumNameCharacters = 120;
    private const int MaximumRank = 32;

    private static readonly Dictionary<string, int> BytesOfTypes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["F32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1,
        ["I64"] = 8, ["I32"] = 4, ["I16"] = 2, ["I8"] = 1, ["U64"] = 8, ["U32"] = 4, ["U16"] = 2, ["U8"] = 1, ["BOOL"] = 1,
    };

    private readonly FileStream file;
    private readonly string path;
    private readonly long dataStart;
    private readonly Dictionary<string, StoredTensor> byName;

    private SafetensorsReader(FileStream file, string path)
    {
        this.file = file;
        this.path = path;
        byte[] header = ReadHeader();
        dataStart = sizeof(ulong) + header.Length;
        (Tensors, Metadata) = Parse(header);
        long end = 0;
        foreach (StoredTensor tensor in Tensors)
        {
            if (tensor.Begin != end)
            {
                throw Bad($"the data of tensor '{Printable(tensor.Name)}' start at {tensor.Begin}, expected {end}");
            }

            end = tensor.End;
        }

        if (end != file.Length - dataStart)
        {
            throw Bad($"it has {file.Length - dataStart} bytes of data, expected {end} by its header");
        }

        byName = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The tensors, in the order of their data.</summary>
    public ImmutableArray<StoredTensor> Tensors { get; }

    /// <summary>The texts of the file's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistNetException">The file is missing, or is not a whole safetensors file.</exception>
    public static SafetensorsReader Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        FileStream? file = null;
        try
        {
            file = File.OpenRead(path);
            return new SafetensorsReader(file, path);
        }
        catch (Exception error)
        {
            file?.Dispose();
            throw error is IOException or UnauthorizedAccessException ? Unreadable(path, error) : error;
        }
    }

    /// <summary>Finds a tensor by name.</summary>
    public bool TryFind(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out StoredTensor? tensor) => byName.TryGetValue(name, out tensor);

    /// <summary>Reads a tensor of F32, or one of F64, F16 or BF16 as float32 (F64 rounded to the nearest).</summary>
    /// <exception cref="DistNetException">It is of another type, or the file cannot be read.</exception>
    public float[] Read(StoredTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Type is not ("F32" or "F64" or "F16" or "BF16"))
        {
            throw DistNetException.BadInput($"The tensor '{Printable(tensor.Name)}' of '{path}' is of type {tensor.Type}; expected F32, or F64, F16 or BF16, which are converted.");
        }

        Invariant.Holds(BitConverter.IsLittleEndian);
        float[] values = GC.AllocateUninitializedArray<float>(tensor.Shape.Length);
        try
        {
            file.Position = dataStart + tensor.Begin;
            if (tensor.Type == "F32")
            {
                FloatBytes.Read(file, values);
            }
            else
            {
                ReadConverted(tensor, values);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }

        return values;
    }

    /// <summary>Reads one whole number of type I64.</summary>
    /// <returns>False where the tensor is of another type, or of more than one value.</returns>
    /// <exception cref="DistNetException">The file cannot be read.</exception>
    public bool TryReadNumber(StoredTensor tensor, out long value)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        value = 0;
        if (tensor.Type != "I64" || tensor.Shape.Length != 1)
        {
            return false;
        }

        try
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            file.Position = dataStart + tensor.Begin;
            file.ReadExactly(bytes);
            value = BinaryPrimitives.ReadInt64LittleEndian(bytes);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    private void ReadConverted(StoredTensor tensor, Span<float> values)
    {
        Span<byte> bytes = stackalloc byte[4096];
        int size = BytesOfTypes[tensor.Type];
        while (!values.IsEmpty)
        {
            int count = Math.Min(values.Length, bytes.Length / size);
            Span<byte> part = bytes[..(count * size)];
            file.ReadExactly(part);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> value = part.Slice(i * size, size);
                values[i] = tensor.Type switch
                {
                    "F64" => (float)BinaryPrimitives.ReadDoubleLittleEndian(value),
                    "F16" => (float)BinaryPrimitives.ReadHalfLittleEndian(value),
                    _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(value) << 16),
                };
            }

            values = values[count..];
        }
    }

    private byte[] ReadHeader()
    {
        Span<byte> lengthBytes = stackalloc byte[sizeof(ulong)];
        if (file.Length < lengthBytes.Length)
        {
            throw Bad($"it has {file.Length} bytes, expected at least {lengthBytes.Length}");
        }

        file.ReadExactly(lengthBytes);
        if (lengthBytes.StartsWith("PK\x03\x04"u8))
        {
            throw DistNetException.BadInput($"The file '{path}' is a zip archive, as torch.save and numpy write them; expected the safetensors format (safetensors.torch.save_file).");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        long rest = file.Length - lengthBytes.Length;
        if (length > (ulong)Math.Min(rest, SafetensorsFile.MaximumHeaderBytes))
        {
            // A pickle's first bytes; a header of 640 bytes begins with them too.
            if (lengthBytes is [0x80, >= 2 and <= 5, ..])
            {
                throw DistNetException.BadInput($"The file '{path}' is a pickle, as older versions of torch.save write it; expected the safetensors format (safetensors.torch.save_file).");
            }

            throw Bad($"its header would have {length} bytes, expected at most {Math.Min(rest, SafetensorsFile.MaximumHeaderBytes)}");
        }

        byte[] header = new byte[length];
        file.ReadExactly(header);
        return header;
    }

    private (ImmutableArray<StoredTensor> Tensors, Dictionary<string, string> Metadata) Parse(byte[] header)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            HashSet<string> names = new(StringComparer.Ordinal);
            List<StoredTensor> tensors = [];
            Dictionary<string, string> metadata = new(StringComparer.Ordinal);
            foreach (JsonProperty entry in json.RootElement.EnumerateObject())
            {
                if (!names.Add(entry.Name))
                {
                    throw Bad($"it names the tensor '{Printable(entry.Name)}' twice, expected once");
                }

                if (entry.Name == "__metadata__")
                {
                    foreach (JsonProperty text in entry.Value.EnumerateObject())
                    {
                        metadata[text.Name] = text.Value.GetString() ?? throw Bad("a value of its metadata is null, expected a text");
                    }
                }
                else
                {
                    tensors.Add(ReadTensor(entry));
                }
            }

            // Empty tensors are refused, so no two start at one place in a file that is whole.
            return ([.. tensors.OrderBy(tensor => tensor.Begin)], metadata);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or DecoderFallbackException)
        {
            throw Bad("its header is not the JSON that the format asks for", error);
        }
    }

    private StoredTensor ReadTensor(JsonProperty tensor)
    {
        string name = Printable(tensor.Name);
        string type = tensor.Value.GetProperty("dtype").GetString() ?? "null";
        if (!BytesOfTypes.TryGetValue(type, out int size))
        {
            throw Bad($"the tensor '{name}' is of type {Printable(type)}, expected one of {string.Join(", ", BytesOfTypes.Keys)}");
        }

        List<int> dimensions = [];
        long length = 1;
        foreach (JsonElement dimension in tensor.Value.GetProperty("shape").EnumerateArray())
        {
            int value = dimension.GetInt32();
            length *= value;
            if (value < 1 || length > Array.MaxLength)
            {
                throw Bad($"the tensor '{name}' has {value.ToString(CultureInfo.InvariantCulture)} as a dimension, expected at least 1 and a product that fits into memory");
            }

            dimensions.Add(value);
            if (dimensions.Count > MaximumRank)
            {
                throw Bad($"the tensor '{name}' has more dimensions than {MaximumRank}, expected at most so many");
            }
        }

        JsonElement offsets = tensor.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw Bad($"the tensor '{name}' has {offsets.GetArrayLength()} data offsets, expected 2");
        }

        long begin = offsets[0].GetInt64();
        long end = offsets[1].GetInt64();
        return begin >= 0 && end >= begin && end - begin == length * size
            ? new StoredTensor(tensor.Name, type, new Shape([.. dimensions]), begin, end)
            : throw Bad($"the tensor '{name}' has the data [{begin}, {end}), expected {length * size} bytes by its shape");
    }

    /// <summary>A name from a file as a sentence may hold it.</summary>
    internal static string Printable(string name) =>
        string.Concat(name.Take(MaximumNameCharacters).Select(symbol => char.IsControl(symbol) || char.IsSurrogate(symbol) ? '?' : symbol)) + (name.Length > MaximumNameCharacters ? "…" : "");

    private static DistNetException Unreadable(string path, Exception error) => DistNetException.BadInput($"The file '{path}' cannot be read: {error.Message.TrimEnd('.')}.", error);

    private DistNetException Bad(string found, Exception? error = null) => DistNetException.BadInput($"The file '{path}' is not a whole safetensors file: {found}.", error);
}

/// <summary>One tensor of a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type as the format names it, <c>F32</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Begin">Its first byte within the data.</param>
/// <param name="End">The byte after its last.</param>
public sealed record StoredTensor(string Name, string Type, Shape Shape, long Begin, long End);
