using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Snappier;
using ZstdSharp;

namespace DistNet.Data;

/// <summary>How pages are packed, by the codes in the file.</summary>
internal enum ParquetCodec
{
    None,
    Snappy,
    Gzip,
    Lzo,
    Brotli,
    Lz4,
    Zstd,
    Lz4Raw,
}

/// <summary>How values are written, by the codes in the file; the others are not read.</summary>
internal enum ParquetEncoding
{
    Plain = 0,
    PlainDictionary = 2,
    Runs = 3,
    Dictionary = 8,
}

/// <summary>A page of a chunk, unpacked: the chunk's dictionary, or some of its values.</summary>
internal readonly ref struct ParquetPage
{
    /// <summary>The most unpacked bytes for each packed one, besides <see cref="FreeBytes"/>.</summary>
    public const int MaximumBytesPerByte = 2048;

    /// <summary>Unpacked bytes that any page may have.</summary>
    public const int FreeBytes = 1 << 14;

    private const int DataType = 0;
    private const int DictionaryType = 2;
    private const int SecondDataType = 3;

    /// <summary>Whether it is the dictionary.</summary>
    public bool IsDictionary { get; private init; }

    /// <summary>The number of values, those that are missing too.</summary>
    public int Count { get; private init; }

    /// <summary>How the values are written.</summary>
    public ParquetEncoding Encoding { get; private init; }

    /// <summary>Runs of 0 for each value that is missing and 1 for each that is there; empty where a column has a value in each row.</summary>
    public ReadOnlySpan<byte> Presence { get; private init; }

    /// <summary>The values that are there.</summary>
    public ReadOnlySpan<byte> Values { get; private init; }

    /// <summary>Reads the next page.</summary>
    /// <param name="chunk">The pages.</param>
    /// <param name="position">Where the page begins; goes to its end.</param>
    /// <param name="codec">How it is packed.</param>
    /// <param name="isOptional">Whether values may be missing.</param>
    /// <param name="buffer">Memory for the unpacked bytes, made larger where needed; what this returns is in it or in <paramref name="chunk"/>.</param>
    /// <exception cref="InvalidDataException">The page is damaged.</exception>
    public static ParquetPage Read(ReadOnlySpan<byte> chunk, ref int position, ParquetCodec codec, bool isOptional, scoped ref byte[] buffer)
    {
        ThriftReader reader = new(chunk[position..]);
        Header header = Header.Read(ref reader);
        position += reader.Position;
        if (header.Packed < 0 || header.Packed > chunk.Length - position)
        {
            throw new InvalidDataException($"a page would have {DataFile.Shown(header.Packed)} bytes where {DataFile.Shown(chunk.Length - position)} are left");
        }

        ReadOnlySpan<byte> body = chunk.Slice(position, header.Packed);
        position += header.Packed;
        if (header.Checksum is { } checksum && Crc32.HashToUInt32(body) != checksum)
        {
            throw new InvalidDataException("a page does not have the checksum that it says");
        }

        if (header.Unpacked < 0 || header.Unpacked > FreeBytes + ((long)MaximumBytesPerByte * header.Packed))
        {
            throw new InvalidDataException($"a page of {DataFile.Shown(header.Packed)} bytes would have {DataFile.Shown(header.Unpacked)} when unpacked");
        }

        // The second kind of data pages has what says which values are there before the packed bytes.
        int before = header.Type == SecondDataType ? header.PresenceBytes : 0;
        if (before < 0 || before > body.Length || before > header.Unpacked || header.RepetitionBytes != 0)
        {
            throw new InvalidDataException($"a page would have {DataFile.Shown(before)} and {DataFile.Shown(header.RepetitionBytes)} bytes that say which of its values are there");
        }

        ReadOnlySpan<byte> presence = body[..before];
        ReadOnlySpan<byte> values = header.IsPacked ? Unpack(codec, body[before..], header.Unpacked - before, ref buffer) : body[before..];
        if (isOptional && header.Type == DataType)
        {
            uint bytes = values.Length < sizeof(uint) ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(values);
            if (bytes > values.Length - sizeof(uint) || header.PresenceEncoding != (int)ParquetEncoding.Runs)
            {
                throw new InvalidDataException("a page does not say as expected which of its values are there");
            }

            presence = values.Slice(sizeof(uint), (int)bytes);
            values = values[(sizeof(uint) + (int)bytes)..];
        }

        return new ParquetPage { IsDictionary = header.Type == DictionaryType, Count = header.Count, Encoding = (ParquetEncoding)header.Encoding, Presence = presence, Values = values };
    }

    private static ReadOnlySpan<byte> Unpack(ParquetCodec codec, ReadOnlySpan<byte> packed, int length, scoped ref byte[] buffer)
    {
        if (codec == ParquetCodec.None)
        {
            return packed.Length == length ? packed : throw Length(packed.Length, length);
        }

        if (buffer.Length < length)
        {
            buffer = new byte[length];
        }

        Span<byte> unpacked = buffer.AsSpan(0, length);
        int found = codec switch
        {
            // An empty page may have no bytes at all.
            _ when packed.IsEmpty => 0,
            ParquetCodec.Snappy => Snappy.GetUncompressedLength(packed) is var said && said == length ? Snappy.Decompress(packed, unpacked) : said,
            ParquetCodec.Gzip => UnpackGzip(packed, unpacked),
            ParquetCodec.Brotli => BrotliDecoder.TryDecompress(packed, unpacked, out int written) ? written : -1,
            ParquetCodec.Zstd => UnpackZstd(packed, unpacked),
            _ => throw new InvalidDataException($"its pages are packed by {Name(codec)}, expected snappy, gzip, zstd, brotli or none"),
        };
        return found == length ? unpacked : throw Length(found, length);
    }

    private static int UnpackGzip(ReadOnlySpan<byte> packed, Span<byte> unpacked)
    {
        using GZipStream stream = new(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        int length = stream.ReadAtLeast(unpacked, unpacked.Length, throwOnEndOfStream: false);
        return stream.ReadByte() < 0 ? length : -1;
    }

    private static int UnpackZstd(ReadOnlySpan<byte> packed, Span<byte> unpacked)
    {
        try
        {
            using Decompressor decompressor = new();
            return decompressor.TryUnwrap(packed, unpacked, out int length) ? length : -1;
        }
        catch (ZstdException error)
        {
            throw new InvalidDataException($"a page cannot be unpacked ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static string Name(ParquetCodec codec) => codec switch
    {
        ParquetCodec.Lzo => "lzo",
        ParquetCodec.Lz4 or ParquetCodec.Lz4Raw => "lz4",
        _ => $"codec {(int)codec}",
    };

    private static InvalidDataException Length(int found, int expected) =>
        new($"a page has {(found < 0 ? "another number of" : DataFile.Shown(found))} bytes when unpacked, where it says {DataFile.Shown(expected)}");

    private struct Header()
    {
        public int Type = -1;
        public int Unpacked = -1;
        public int Packed = -1;
        public uint? Checksum;
        public int Count = -1;
        public int Encoding = -1;
        public int PresenceEncoding = -1;
        public int PresenceBytes;
        public int RepetitionBytes;
        public bool IsPacked = true;

        public static Header Read(ref ThriftReader reader)
        {
            Header header = new();
            int field = 0;
            while (reader.Next(ref field, out ThriftType type))
            {
                switch (field)
                {
                    case 1:
                        header.Type = reader.Int32(type);
                        break;
                    case 2:
                        header.Unpacked = reader.Int32(type);
                        break;
                    case 3:
                        header.Packed = reader.Int32(type);
                        break;
                    case 4:
                        header.Checksum = (uint)reader.Int32(type);
                        break;
                    case 5 or 7 or 8:
                        ThriftReader.Struct(type);
                        header.ReadValues(ref reader, isSecond: field == 8);
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            }

            return header.Type is DataType or DictionaryType or SecondDataType && header.Count >= 0
                ? header
                : throw new InvalidDataException($"a page of type {header.Type} has {header.Count} values, expected a dictionary or values");
        }

        // A dictionary's header begins as that of data pages does.
        private void ReadValues(ref ThriftReader reader, bool isSecond)
        {
            int field = 0;
            while (reader.Next(ref field, out ThriftType type))
            {
                switch (field)
                {
                    case 1:
                        Count = reader.Int32(type);
                        break;
                    case 2 when !isSecond:
                    case 4 when isSecond:
                        Encoding = reader.Int32(type);
                        break;
                    case 3 when !isSecond && type == ThriftType.I32:
                        PresenceEncoding = reader.Int32(type);
                        break;
                    case 5 when isSecond:
                        PresenceBytes = reader.Int32(type);
                        break;
                    case 6 when isSecond:
                        RepetitionBytes = reader.Int32(type);
                        break;
                    case 7 when isSecond:
                        IsPacked = ThriftReader.Bool(type);
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            }
        }
    }
}
