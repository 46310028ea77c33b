using System.Buffers.Binary;
using System.Text;

namespace DistNet.Tests.Data;

/// <summary>Parquet files byte by byte, so that each number in them can be as a test wants it.</summary>
internal static class HandmadeParquet
{
    public const int Plain = 0;
    public const int InRuns = 3;
    public const int Dictionary = 8;

    /// <summary>A column with its pages, and what the metadata say of them: the truth unless told otherwise.</summary>
    public sealed record Chunk(string Name, int Type, long Values, byte[] Pages)
    {
        public bool IsOptional { get; init; }

        public int Codec { get; init; }

        public long? Start { get; init; }

        public long? Length { get; init; }

        /// <summary>The type that the metadata of the chunk say, where it is not the column's.</summary>
        public int? ChunkType { get; init; }

        /// <summary>The code of the older kind of meaning; null for none.</summary>
        public int? Converted { get; init; }
    }

    /// <summary>A file with one row group.</summary>
    public static byte[] Table(long rows, params Chunk[] chunks)
    {
        List<byte> file = [.. "PAR1"u8];
        List<Fields> schema = [new((4, "schema"), (5, chunks.Length))];
        List<Fields> places = [];
        foreach (Chunk chunk in chunks)
        {
            schema.Add(new((1, chunk.Type), (3, chunk.IsOptional ? 1 : 0), (4, chunk.Name), (6, chunk.Converted)));
            Fields place = new((1, chunk.ChunkType ?? chunk.Type), (4, chunk.Codec), (5, chunk.Values), (7, chunk.Length ?? chunk.Pages.Length), (9, chunk.Start ?? file.Count));
            places.Add(new Fields((3, place)));
            file.AddRange(chunk.Pages);
        }

        return WithMetadata(file, new Fields((1, 1), (2, schema), (3, rows), (4, new List<Fields> { new((1, places), (3, rows)) })));
    }

    /// <summary>A file with some metadata.</summary>
    public static byte[] WithMetadata(IEnumerable<byte> before, Fields metadata)
    {
        byte[] bytes = metadata.ToBytes();
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        return [.. before, .. bytes, .. length, .. "PAR1"u8];
    }

    /// <summary>A data page of the first kind.</summary>
    /// <param name="count">The number of values, those that are missing too.</param>
    /// <param name="encoding">How the values are written.</param>
    /// <param name="body">The values, after which of them are there.</param>
    /// <param name="unpacked">Their number of bytes where it is not that of <paramref name="body"/>.</param>
    /// <param name="packed">The number of bytes in the file, where it is not that of <paramref name="body"/>.</param>
    /// <param name="checksum">A checksum; null for none.</param>
    public static byte[] Page(int count, int encoding, byte[] body, int? unpacked = null, int? packed = null, int? checksum = null) =>
        [.. new Fields((1, 0), (2, unpacked ?? body.Length), (3, packed ?? body.Length), (4, checksum), (5, new Fields((1, count), (2, encoding), (3, InRuns), (4, InRuns)))).ToBytes(), .. body];

    /// <summary>A dictionary.</summary>
    public static byte[] DictionaryPage(int count, byte[] body) =>
        [.. new Fields((1, 2), (2, body.Length), (3, body.Length), (7, new Fields((1, count), (2, Plain)))).ToBytes(), .. body];

    /// <summary>A data page of the second kind, not packed.</summary>
    /// <param name="count">The number of values, those that are missing too.</param>
    /// <param name="encoding">How the values are written.</param>
    /// <param name="presence">Which of them are there.</param>
    /// <param name="body">The values.</param>
    public static byte[] SecondPage(int count, int encoding, byte[] presence, byte[] body) =>
        [
            .. new Fields(
                (1, 3), (2, presence.Length + body.Length), (3, presence.Length + body.Length),
                (8, new Fields((1, count), (2, 0), (3, count), (4, encoding), (5, presence.Length), (6, 0), (7, false)))).ToBytes(),
            .. presence, .. body,
        ];

    /// <summary>Bytes after their number.</summary>
    public static byte[] WithLength(byte[] bytes) => [.. BitConverter.GetBytes(bytes.Length), .. bytes];

    /// <summary>Texts, each after its length.</summary>
    public static byte[] Texts(params string[] texts) => [.. texts.SelectMany(text => WithLength(Encoding.UTF8.GetBytes(text)))];

    /// <summary>Numbers of 64 bits.</summary>
    public static byte[] Doubles(params double[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    /// <summary>A struct of Thrift's compact protocol: fields by ascending number; those that are null are left out.</summary>
    public sealed class Fields(params (int Id, object? Value)[] fields)
    {
        public byte[] ToBytes()
        {
            List<byte> bytes = [];
            int before = 0;
            foreach ((int id, object? value) in fields.Where(field => field.Value is not null))
            {
                bytes.Add((byte)(((id - before) << 4) | TypeOf(value!)));
                before = id;
                Write(bytes, value!);
            }

            return [.. bytes, 0];
        }

        public static void WriteVarInt(List<byte> bytes, ulong value)
        {
            for (; value > 0x7F; value >>= 7)
            {
                bytes.Add((byte)(value | 0x80));
            }

            bytes.Add((byte)value);
        }

        private static int TypeOf(object value) => value switch { true => 1, false => 2, int => 5, long => 6, string => 8, List<Fields> => 9, _ => 12 };

        private static void Write(List<byte> bytes, object value)
        {
            switch (value)
            {
                case bool:
                    break;
                case int number:
                    WriteVarInt(bytes, (uint)((number << 1) ^ (number >> 31)));
                    break;
                case long number:
                    WriteVarInt(bytes, (ulong)((number << 1) ^ (number >> 63)));
                    break;
                case string text:
                    WriteVarInt(bytes, (ulong)Encoding.UTF8.GetByteCount(text));
                    bytes.AddRange(Encoding.UTF8.GetBytes(text));
                    break;
                case List<Fields> list:
                    bytes.Add(0xF0 | 12);
                    WriteVarInt(bytes, (ulong)list.Count);
                    list.ForEach(item => bytes.AddRange(item.ToBytes()));
                    break;
                case Fields inner:
                    bytes.AddRange(inner.ToBytes());
                    break;
                default:
                    throw new ArgumentException($"no type for {value}");
            }
        }
    }
}
