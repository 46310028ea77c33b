namespace DistNet.Data;

/// <summary>The types of Thrift's compact protocol, by their codes there. A bool's value is its type.</summary>
internal enum ThriftType
{
    Stop,
    True,
    False,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Set,
    Map,
    Struct,
    Uuid,
}

/// <summary>Reads Thrift's compact protocol, in which a Parquet file's metadata are written: fields with numbers, one after the other, a stop at the end of each struct.
/// No length or count is believed beyond the bytes that are there.</summary>
/// <param name="bytes">The bytes, from the start of a struct.</param>
/// <remarks>Every method throws an <see cref="InvalidDataException"/> where the bytes are not what they must be. Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.</remarks>
internal ref struct ThriftReader(ReadOnlySpan<byte> bytes)
{
    private const int MaximumDepth = 32;

    private readonly ReadOnlySpan<byte> bytes = bytes;
    private int position;

    /// <summary>How many bytes were read.</summary>
    public readonly int Position => position;

    /// <summary>A whole number in groups of 7 bits, the lowest first; the highest bit of a byte says that another follows.</summary>
    public static ulong VarInt(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = position < bytes.Length ? bytes[position++] : throw new InvalidDataException("a number goes on beyond its end");
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number has more than 64 bits");
    }

    /// <summary>Goes to the next field of a struct; false at its end.</summary>
    /// <param name="field">The number of the field before, 0 at the struct's start; becomes that of this one.</param>
    /// <param name="type">This field's type; it is to be read or skipped.</param>
    public bool Next(ref int field, out ThriftType type)
    {
        byte head = Byte();
        type = (ThriftType)(head & 0x0F);
        if (head == 0)
        {
            return false;
        }

        field = head >> 4 is > 0 and int step ? field + step : (int)Number();
        return true;
    }

    /// <summary>A whole number of 8 to 64 bits.</summary>
    public long Int64(ThriftType type) => type switch
    {
        ThriftType.Byte => (sbyte)Byte(),
        ThriftType.I16 or ThriftType.I32 or ThriftType.I64 => Number(),
        _ => throw Other(type, "a whole number"),
    };

    /// <summary>A whole number of 8 to 32 bits.</summary>
    public int Int32(ThriftType type) => Int64(type) is >= int.MinValue and <= int.MaxValue and long number ? (int)number : throw new InvalidDataException("a number has more than 32 bits");

    /// <summary>True or false.</summary>
    public static bool Bool(ThriftType type) => type is ThriftType.True or ThriftType.False ? type == ThriftType.True : throw Other(type, "true or false");

    /// <summary>Bytes, a text's too.</summary>
    public ReadOnlySpan<byte> Binary(ThriftType type) => type == ThriftType.Binary ? Take(VarInt(bytes, ref position)) : throw Other(type, "a text");

    /// <summary>The head of a list.</summary>
    /// <returns>The number of its elements; no more than there are bytes left.</returns>
    public int List(ThriftType type, out ThriftType element)
    {
        if (type is not (ThriftType.List or ThriftType.Set))
        {
            throw Other(type, "a list");
        }

        byte head = Byte();
        element = (ThriftType)(head & 0x0F);
        ulong count = head >> 4 is < 15 and int few ? (ulong)few : VarInt(bytes, ref position);
        return count <= (ulong)(bytes.Length - position) ? (int)count : throw new InvalidDataException($"a list of {count} elements stands in {bytes.Length - position} bytes");
    }

    /// <summary>The head of a list of structs.</summary>
    public int Structs(ThriftType type)
    {
        int count = List(type, out ThriftType element);
        return count == 0 || element == ThriftType.Struct ? count : throw Other(element, "structs");
    }

    /// <summary>Passes over a field.</summary>
    public void Skip(ThriftType type) => Skip(type, 0);

    /// <summary>Checks that a field is a struct, to be read field by field.</summary>
    public static void Struct(ThriftType type)
    {
        if (type != ThriftType.Struct)
        {
            throw Other(type, "a struct");
        }
    }

    private static InvalidDataException Other(ThriftType type, string expected) => new($"a field has the type {(int)type}, where {expected} is expected");

    private void Skip(ThriftType type, int depth)
    {
        if (depth > MaximumDepth)
        {
            throw new InvalidDataException($"its structs lie more than {MaximumDepth} in one another");
        }

        switch (type)
        {
            case ThriftType.True or ThriftType.False:
                break;
            case ThriftType.Byte:
                Byte();
                break;
            case ThriftType.I16 or ThriftType.I32 or ThriftType.I64:
                VarInt(bytes, ref position);
                break;
            case ThriftType.Double:
                Take(sizeof(double));
                break;
            case ThriftType.Uuid:
                Take(16);
                break;
            case ThriftType.Binary:
                Binary(type);
                break;
            case ThriftType.List or ThriftType.Set:
                int count = List(type, out ThriftType element);
                for (int i = 0; i < count; i++)
                {
                    SkipElement(element, depth + 1);
                }

                break;
            case ThriftType.Map:
                ulong pairs = VarInt(bytes, ref position);
                byte types = pairs == 0 ? (byte)0 : Byte();
                for (ulong i = 0; i < pairs; i++)
                {
                    SkipElement((ThriftType)(types >> 4), depth + 1);
                    SkipElement((ThriftType)(types & 0x0F), depth + 1);
                }

                break;
            case ThriftType.Struct:
                int field = 0;
                while (Next(ref field, out ThriftType inner))
                {
                    Skip(inner, depth + 1);
                }

                break;
            default:
                throw Other(type, "a known one");
        }
    }

    // In a list a bool has a byte of its own.
    private void SkipElement(ThriftType type, int depth)
    {
        if (type is ThriftType.True or ThriftType.False)
        {
            Byte();
        }
        else
        {
            Skip(type, depth);
        }
    }

    private byte Byte() => position < bytes.Length ? bytes[position++] : throw new InvalidDataException("a struct goes on beyond its end");

    private long Number()
    {
        ulong number = VarInt(bytes, ref position);
        return (long)(number >> 1) ^ -(long)(number & 1);
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(bytes.Length - position))
        {
            throw new InvalidDataException($"a text of {count} bytes stands in {bytes.Length - position}");
        }

        position += (int)count;
        return bytes.Slice(position - (int)count, (int)count);
    }
}
