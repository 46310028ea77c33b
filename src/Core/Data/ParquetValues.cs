using System.Buffers.Binary;
using System.Collections;
using System.Globalization;

namespace DistNet.Data;

/// <summary>The values of one column in one row group.</summary>
internal sealed class ParquetValues
{
    private readonly ParquetType type;

    // The bits of a number; of a text where it begins in `texts` (upper half) and its length.
    private readonly long[] values;
    private readonly BitArray? isPresent;
    private byte[] texts = [];
    private int textBytes;

    private ParquetValues(ParquetColumn column, int rows)
    {
        type = column.Type;
        values = new long[rows];
        isPresent = column.IsOptional ? new BitArray(rows) : null;
    }

    /// <summary>Reads a chunk.</summary>
    /// <param name="chunk">Its bytes.</param>
    /// <param name="codec">How its pages are packed.</param>
    /// <param name="column">The column.</param>
    /// <param name="rows">The number of rows.</param>
    /// <exception cref="InvalidDataException">The chunk is damaged, or written in a way that is not read.</exception>
    public static ParquetValues Read(ReadOnlySpan<byte> chunk, ParquetCodec codec, ParquetColumn column, int rows)
    {
        ParquetValues read = new(column, rows);
        long[]? dictionary = null;
        byte[] buffer = [];
        int row = 0;
        for (int position = 0; position < chunk.Length;)
        {
            ParquetPage page = ParquetPage.Read(chunk, ref position, codec, column.IsOptional, ref buffer);
            if (page.IsDictionary)
            {
                dictionary = dictionary is null ? read.Dictionary(page) : throw new InvalidDataException("a chunk has two dictionaries");
                continue;
            }

            if (page.Count > rows - row)
            {
                throw new InvalidDataException($"the pages have more values than the {DataFile.Shown(rows)} rows");
            }

            read.Fill(page, dictionary, row);
            row += page.Count;
        }

        return row == rows ? read : throw new InvalidDataException($"the pages have {DataFile.Shown(row)} values for {DataFile.Shown(rows)} rows");
    }

    /// <summary>The number in a row; false where there is none that is finite as a 32-bit float.</summary>
    public bool TryNumber(int row, out float value)
    {
        if (isPresent is not null && !isPresent[row])
        {
            value = 0;
            return false;
        }

        long bits = values[row];
        value = type switch
        {
            ParquetType.Float => BitConverter.Int32BitsToSingle((int)bits),
            ParquetType.Double => (float)BitConverter.Int64BitsToDouble(bits),
            ParquetType.UnsignedInt64 => (ulong)bits,
            ParquetType.Text => TableRecords.TryParse(Text(bits), out float parsed) ? parsed : float.NaN,
            _ => bits,
        };
        return float.IsFinite(value);
    }

    /// <summary>A row's value as text, UTF-8: numbers in their shortest form, <c>true</c> and <c>false</c>; empty where there is none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="buffer">Where numbers are written, at least 32 bytes.</param>
    public ReadOnlySpan<byte> Text(int row, Span<byte> buffer)
    {
        if (isPresent is not null && !isPresent[row])
        {
            return [];
        }

        long bits = values[row];
        switch (type)
        {
            case ParquetType.Text:
                return Text(bits);
            case ParquetType.Boolean:
                return bits != 0 ? "true"u8 : "false"u8;
        }

        int length;
        bool fits = type switch
        {
            ParquetType.Float => BitConverter.Int32BitsToSingle((int)bits).TryFormat(buffer, out length, provider: CultureInfo.InvariantCulture),
            ParquetType.Double => BitConverter.Int64BitsToDouble(bits).TryFormat(buffer, out length, provider: CultureInfo.InvariantCulture),
            ParquetType.UnsignedInt64 => ((ulong)bits).TryFormat(buffer, out length, provider: CultureInfo.InvariantCulture),
            _ => bits.TryFormat(buffer, out length, provider: CultureInfo.InvariantCulture),
        };
        Invariant.Holds(fits);
        return buffer[..length];
    }

    private ReadOnlySpan<byte> Text(long place) => texts.AsSpan((int)(place >> 32), (int)place);

    private long[] Dictionary(ParquetPage page)
    {
        if (page.Encoding is not (ParquetEncoding.Plain or ParquetEncoding.PlainDictionary) || type == ParquetType.Boolean || page.Count > page.Values.Length)
        {
            throw new InvalidDataException($"a dictionary of {DataFile.Shown(page.Count)} values stands in {DataFile.Shown(page.Values.Length)} bytes of encoding {(int)page.Encoding}");
        }

        long[] dictionary = new long[page.Count];
        ReadPlain(page.Values, dictionary);
        return dictionary;
    }

    private void Fill(ParquetPage page, long[]? dictionary, int row)
    {
        Span<long> target = values.AsSpan(row, page.Count);
        int present = isPresent is null ? page.Count : ReadPresence(page.Presence, target, row);

        // Those that are there one after the other, then each to its row.
        Span<long> dense = target[..present];
        switch (page.Encoding)
        {
            case ParquetEncoding.Plain:
                ReadPlain(page.Values, dense);
                break;
            case ParquetEncoding.Runs when type == ParquetType.Boolean && page.Values.Length >= sizeof(int):
                ParquetRuns.Read(page.Values[sizeof(int)..], 1, dense);
                break;
            case ParquetEncoding.PlainDictionary or ParquetEncoding.Dictionary when dictionary is not null:
                ReadIndexes(page.Values, dictionary, dense);
                break;
            default:
                throw new InvalidDataException(dictionary is null && page.Encoding is ParquetEncoding.PlainDictionary or ParquetEncoding.Dictionary
                    ? "the dictionary of its values is missing"
                    : $"its values have encoding {(int)page.Encoding}, expected plain (0), a dictionary (2, 8), or runs of booleans (3)");
        }

        for (int i = page.Count - 1; present < page.Count && i >= 0; i--)
        {
            if (isPresent![row + i])
            {
                target[i] = target[--present];
            }
        }
    }

    private int ReadPresence(ReadOnlySpan<byte> runs, Span<long> scratch, int row)
    {
        ParquetRuns.Read(runs, 1, scratch);
        int present = 0;
        for (int i = 0; i < scratch.Length; i++)
        {
            isPresent![row + i] = scratch[i] != 0;
            present += (int)scratch[i];
        }

        return present;
    }

    private static void ReadIndexes(ReadOnlySpan<byte> bytes, long[] dictionary, Span<long> target)
    {
        if (target.IsEmpty)
        {
            return;
        }

        ParquetRuns.Read(bytes.IsEmpty ? bytes : bytes[1..], bytes.IsEmpty ? 0 : bytes[0], target);
        foreach (ref long value in target)
        {
            value = (ulong)value < (ulong)dictionary.Length ? dictionary[value] : throw new InvalidDataException($"a value is number {value} of a dictionary of {dictionary.Length}");
        }
    }

    private void ReadPlain(ReadOnlySpan<byte> bytes, Span<long> target)
    {
        if (type == ParquetType.Text)
        {
            ReadTexts(bytes, target);
            return;
        }

        long bits = type switch { ParquetType.Boolean => 1, ParquetType.Int32 or ParquetType.UnsignedInt32 or ParquetType.Float => 32, _ => 64 };
        if (((bits * target.Length) + 7) / 8 > bytes.Length)
        {
            throw new InvalidDataException($"{DataFile.Shown(target.Length)} values stand in {DataFile.Shown(bytes.Length)} bytes");
        }

        for (int i = 0; i < target.Length; i++)
        {
            target[i] = type switch
            {
                ParquetType.Boolean => (bytes[i >> 3] >> (i & 7)) & 1,
                ParquetType.UnsignedInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]),
                ParquetType.Int32 or ParquetType.Float => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                _ => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
            };
        }
    }

    // Each text after its length.
    private void ReadTexts(ReadOnlySpan<byte> bytes, Span<long> target)
    {
        if (bytes.Length > Array.MaxLength - textBytes)
        {
            throw new InvalidDataException($"the texts of a chunk have more than {DataFile.Shown(Array.MaxLength)} bytes");
        }

        if (texts.Length - textBytes < bytes.Length)
        {
            Array.Resize(ref texts, (int)Math.Min(Math.Max(textBytes + (long)bytes.Length, 2L * texts.Length), Array.MaxLength));
        }

        bytes.CopyTo(texts.AsSpan(textBytes));
        int position = 0;
        foreach (ref long value in target)
        {
            uint length = bytes.Length - position < sizeof(uint) ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
            position += sizeof(uint);
            if (length > bytes.Length - position)
            {
                throw new InvalidDataException("a text goes on beyond its page");
            }

            value = ((long)(textBytes + position) << 32) | length;
            position += (int)length;
        }

        textBytes += bytes.Length;
    }
}
