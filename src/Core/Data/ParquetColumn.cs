using System.Collections.Immutable;
using System.Text;

namespace DistNet.Data;

/// <summary>What the values of a column are; the first eight by the codes of their types in the file.</summary>
internal enum ParquetType
{
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Text,
    FixedBytes,
    UnsignedInt32,
    UnsignedInt64,

    /// <summary>Lists, structs and what else does not have one value in each row.</summary>
    Nested,
}

/// <summary>A column of a Parquet file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What its values are.</param>
/// <param name="IsOptional">Whether a row may have no value.</param>
/// <param name="Chunk">Which chunk of a row group holds its values; of a nested column the first.</param>
/// <param name="Unread">What it holds where that is neither numbers, booleans nor texts: <c>dates</c>; else null.</param>
internal sealed record ParquetColumn(string Name, ParquetType Type, bool IsOptional, int Chunk, string? Unread);

/// <summary>An element of a Parquet file's schema: the root, then each column, followed by those inside it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The code of its values' type; −1 where there are elements inside.</param>
/// <param name="Repetition">0: a value in each row; 1: one or none; 2: any number.</param>
/// <param name="Children">The elements directly inside.</param>
/// <param name="Converted">The code of its meaning, as older files have it; −1 for none.</param>
/// <param name="Logical">The code of its meaning; 0 for none.</param>
/// <param name="IsUnsigned">Whether it is an unsigned number.</param>
internal sealed record ParquetSchemaElement(string Name, int Type, int Repetition, int Children, int Converted, int Logical, bool IsUnsigned)
{
    /// <summary>The columns of a schema, and the types of the chunks that each row group has.</summary>
    /// <exception cref="InvalidDataException">It has no columns, or is not whole.</exception>
    public static (ImmutableArray<ParquetColumn> Columns, List<int> ChunkTypes) Columns(List<ParquetSchemaElement> schema)
    {
        var columns = ImmutableArray.CreateBuilder<ParquetColumn>();
        List<int> types = [];
        for (int place = 1; place < schema.Count;)
        {
            columns.Add(schema[place].Column(types.Count));
            for (long missing = 1; missing > 0; missing--)
            {
                ParquetSchemaElement element = place < schema.Count ? schema[place++] : throw new InvalidDataException("its schema ends inside a column");
                missing += element.Children;
                if (element.Children == 0)
                {
                    types.Add(element.Type);
                }
            }
        }

        return schema.Count > 1 && schema[0].Children == columns.Count
            ? (columns.ToImmutable(), types)
            : throw new InvalidDataException($"its schema has {DataFile.Shown(columns.Count)} columns where it says {DataFile.Shown(schema.Count == 0 ? 0 : schema[0].Children)}");
    }

    /// <summary>Reads an element.</summary>
    public static ParquetSchemaElement Read(ref ThriftReader reader)
    {
        string? name = null;
        (int kind, int repetition, int children, int converted, int logical) = (-1, 0, 0, -1, 0);
        bool isSigned = true;
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            switch (field)
            {
                case 1:
                    kind = reader.Int32(type);
                    break;
                case 3:
                    repetition = reader.Int32(type);
                    break;
                case 4:
                    name = Encoding.UTF8.GetString(reader.Binary(type));
                    break;
                case 5:
                    children = reader.Int32(type);
                    break;
                case 6:
                    converted = reader.Int32(type);
                    break;
                case 10:
                    ThriftReader.Struct(type);
                    logical = Meaning(ref reader, ref isSigned);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return name is not null && children >= 0 && repetition is >= 0 and <= 2 && (children > 0 || kind is >= 0 and <= (int)ParquetType.FixedBytes)
            ? new ParquetSchemaElement(name, kind, repetition, children, converted, logical, !isSigned || converted is >= 11 and <= 14)
            : throw new InvalidDataException("a column has no name, or no type that is known");
    }

    // A union: one field, whose number is the meaning; that of numbers says whether they have signs.
    private static int Meaning(ref ThriftReader reader, ref bool isSigned)
    {
        const int Integer = 10;
        int meaning = 0;
        int field = 0;
        while (reader.Next(ref field, out ThriftType type))
        {
            meaning = field;
            if (field != Integer)
            {
                reader.Skip(type);
                continue;
            }

            ThriftReader.Struct(type);
            int part = 0;
            while (reader.Next(ref part, out ThriftType inner))
            {
                if (part == 2)
                {
                    isSigned = ThriftReader.Bool(inner);
                }
                else
                {
                    reader.Skip(inner);
                }
            }
        }

        return meaning;
    }

    private ParquetColumn Column(int chunk)
    {
        ParquetType type = Children > 0 || Repetition == 2 ? ParquetType.Nested : (ParquetType)Type switch
        {
            ParquetType.Int32 when IsUnsigned => ParquetType.UnsignedInt32,
            ParquetType.Int64 when IsUnsigned => ParquetType.UnsignedInt64,
            var signed => signed,
        };
        string? unread = (type, Converted, Logical) switch
        {
            (ParquetType.Nested, _, _) => "lists or structs",
            (_, 5, _) or (_, _, 5) => "decimals",
            (_, >= 6 and <= 10, _) or (_, _, >= 6 and <= 8) or (ParquetType.Int96, _, _) => "dates or times",
            (ParquetType.FixedBytes, _, _) or (_, 20, _) or (_, _, 13) => "bytes",
            _ => null,
        };
        return new ParquetColumn(Name, type, Repetition == 1, chunk, unread);
    }
}
