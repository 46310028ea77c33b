using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>Where the pages of one column's values in one row group stand in the file.</summary>
/// <param name="Start">Their first byte.</param>
/// <param name="Length">Their bytes.</param>
/// <param name="Codec">How each is packed.</param>
/// <param name="Type">The code of the values' type.</param>
/// <param name="Values">The number of values, those that are missing too.</param>
internal readonly record struct ParquetChunk(long Start, long Length, ParquetCodec Codec, int Type, long Values);

/// <summary>Some consecutive rows.</summary>
/// <param name="Rows">Their number.</param>
/// <param name="Chunks">A chunk for each <see cref="ParquetColumn.Chunk"/>.</param>
internal sealed record ParquetGroup(int Rows, ImmutableArray<ParquetChunk> Chunks);

/// <summary>The metadata of a Parquet file, which stand at its end: PAR1, the chunks of all row groups, the metadata, their length (uint32), PAR1.
/// What they say is checked against the file's size before anything is read or allocated by it.</summary>
/// <param name="Columns">The table's columns.</param>
/// <param name="Groups">The row groups, in the order of the rows.</param>
/// <remarks>Format: https://github.com/apache/parquet-format. An <see cref="InvalidDataException"/> tells what of the file is not as it must be.</remarks>
internal sealed record ParquetMetadata(ImmutableArray<ParquetColumn> Columns, ImmutableArray<ParquetGroup> Groups)
{
    /// <summary>The most values, rows times columns, for each byte of the file, besides <see cref="FreeValues"/>: equal values take next to nothing.</summary>
    public const int MaximumValuesPerByte = 1024;

    /// <summary>Values that any file may have.</summary>
    public const int FreeValues = 1 << 14;

    /// <summary>What reading allocates at most for each byte of the file, besides 1 MiB: some 50 bytes a value until it is a feature, and the unpacked pages, their texts and dictionaries.</summary>
    public const int MaximumFactor = (50 * MaximumValuesPerByte) + (6 * ParquetPage.MaximumBytesPerByte);

    private delegate T Element<T>(ref ThriftReader reader);

    private static ReadOnlySpan<byte> Mark => "PAR1"u8;

    /// <summary>Reads the metadata of a file.</summary>
    public static ParquetMetadata Read(Stream file)
    {
        Span<byte> head = stackalloc byte[4];
        Span<byte> tail = stackalloc byte[8];
        file.Position = 0;
        if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length || !head.SequenceEqual(Mark))
        {
            throw new InvalidDataException("it does not begin with PAR1");
        }

        file.Position = Math.Max(0, file.Length - tail.Length);
        if (file.Length < head.Length + tail.Length || file.ReadAtLeast(tail, tail.Length, throwOnEndOfStream: false) < tail.Length || !tail[4..].SequenceEqual(Mark))
        {
            throw new InvalidDataException("it does not end with PAR1");
        }

        uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(tail);
        long end = file.Length - tail.Length - length;
        if (end < head.Length || length > Array.MaxLength)
        {
            throw new InvalidDataException($"its metadata would have {DataFile.Shown(length)} bytes in a file of {DataFile.Shown(file.Length)}");
        }

        byte[] bytes = new byte[length];
        file.Position = end;
        file.ReadExactly(bytes);
        return Parse(new ThriftReader(bytes), end);
    }

    // Chunks must end before `end`, where the metadata begin.
    private static ParquetMetadata Parse(ThriftReader reader, long end)
    {
        List<ParquetSchemaElement> schema = [];
        List<ParquetGroup> groups = [];
        long rows = -1;
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            switch (field)
            {
                case 2:
                    schema = Elements(ref reader, type, ParquetSchemaElement.Read);
                    break;
                case 3:
                    rows = reader.Int64(type);
                    break;
                case 4:
                    groups = Elements(ref reader, type, Group);
                    break;
                case 8:
                    throw new InvalidDataException("it is encrypted");
                default:
                    reader.Skip(type);
                    break;
            }
        }

        (ImmutableArray<ParquetColumn> columns, List<int> types) = ParquetSchemaElement.Columns(schema);
        ParquetMetadata metadata = new(columns, [.. groups]);
        if (rows is < 0 or > int.MaxValue || rows * columns.Length > FreeValues + (MaximumValuesPerByte * end))
        {
            throw new InvalidDataException($"it would have {DataFile.Shown(rows)} rows of {DataFile.Shown(columns.Length)} columns in {DataFile.Shown(end)} bytes");
        }

        if (groups.Sum(group => (long)group.Rows) is var sum && sum != rows)
        {
            throw new InvalidDataException($"its row groups have {DataFile.Shown(sum)} rows, where it has {DataFile.Shown(rows)}");
        }

        metadata.CheckChunks(types, end);
        return metadata;
    }

    private void CheckChunks(List<int> types, long end)
    {
        foreach (ParquetGroup group in Groups)
        {
            if (!group.Chunks.Select(chunk => chunk.Type).SequenceEqual(types))
            {
                throw new InvalidDataException("a row group has chunks of other types than its columns");
            }

            foreach (ParquetColumn column in Columns.Where(column => column.Type != ParquetType.Nested))
            {
                if (group.Chunks[column.Chunk].Values is var values && values != group.Rows)
                {
                    throw new InvalidDataException($"a chunk has {DataFile.Shown(values)} values for {DataFile.Shown(group.Rows)} rows");
                }
            }
        }

        long free = Mark.Length;
        foreach (ParquetChunk chunk in Groups.SelectMany(group => group.Chunks).OrderBy(chunk => chunk.Start))
        {
            if (chunk.Start < free || chunk.Length < 0 || chunk.Length > end - chunk.Start)
            {
                throw new InvalidDataException($"a chunk would have {DataFile.Shown(chunk.Length)} bytes from byte {DataFile.Shown(chunk.Start)}, where bytes {DataFile.Shown(free)} to {DataFile.Shown(end)} are free");
            }

            free = chunk.Start + chunk.Length;
        }
    }

    private static ParquetGroup Group(ref ThriftReader reader)
    {
        List<ParquetChunk> places = [];
        long rows = -1;
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            switch (field)
            {
                case 1:
                    places = Elements(ref reader, type, Chunk);
                    break;
                case 3:
                    rows = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return rows is >= 0 and <= int.MaxValue ? new ParquetGroup((int)rows, [.. places]) : throw new InvalidDataException($"a row group would have {DataFile.Shown(rows)} rows");
    }

    private static ParquetChunk Chunk(ref ThriftReader reader)
    {
        ParquetChunk? chunk = null;
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            switch (field)
            {
                case 1:
                    if (!reader.Binary(type).IsEmpty)
                    {
                        throw new InvalidDataException("its values stand in other files");
                    }

                    break;
                case 3:
                    ThriftReader.Struct(type);
                    chunk = ChunkPlace(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return chunk ?? throw new InvalidDataException("a chunk has no metadata");
    }

    private static ParquetChunk ChunkPlace(ref ThriftReader reader)
    {
        (int kind, int codec) = (-1, -1);
        (long values, long length, long data, long dictionary) = (-1, -1, -1, 0);
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            switch (field)
            {
                case 1:
                    kind = reader.Int32(type);
                    break;
                case 4:
                    codec = reader.Int32(type);
                    break;
                case 5:
                    values = reader.Int64(type);
                    break;
                case 7:
                    length = reader.Int64(type);
                    break;
                case 9:
                    data = reader.Int64(type);
                    break;
                case 11:
                    dictionary = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        // Some writers say 0 where there is no dictionary.
        return new ParquetChunk(dictionary > 0 ? Math.Min(dictionary, data) : data, length, (ParquetCodec)codec, kind, values);
    }

    private static List<T> Elements<T>(ref ThriftReader reader, ThriftType type, Element<T> read)
    {
        int count = reader.Structs(type);
        List<T> elements = [];
        for (int i = 0; i < count; i++)
        {
            elements.Add(read(ref reader));
        }

        return elements;
    }
}
