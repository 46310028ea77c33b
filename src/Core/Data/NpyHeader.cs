using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace DistNet.Data;

/// <summary>The element types of npy files that are read, by NumPy's name.</summary>
internal enum NpyElement
{
    Bool,
    U1,
    I1,
    U2,
    I2,
    U4,
    I4,
    I8,
    F4,
    F8,
}

/// <summary>The header of an npy file: the magic number, the version, the length and a literal of Python's such as
/// <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }</c>.</summary>
/// <remarks>Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Little-endian arrays in C order alone are read; NumPy writes no other unless asked to.</remarks>
internal static class NpyHeader
{
    /// <summary>The longest header read: NumPy's are aligned to 64 bytes and hold a shape, no more.</summary>
    public const int MaximumBytes = 1 << 14;

    private const string Kind = "npy array";
    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a header.</summary>
    /// <param name="stream">The array's bytes, at their start.</param>
    /// <param name="name">The array, for messages.</param>
    /// <exception cref="DistNetException">It is no header, or that of an array that is not read.</exception>
    public static (NpyElement Type, ArrayHeader Header) Read(Stream stream, string name)
    {
        string shown = ArrayHeader.SubjectOf(Kind, name);
        Span<byte> start = stackalloc byte[12];
        if (stream.ReadAtLeast(start[..8], 8, throwOnEndOfStream: false) < 8 || !start[..6].SequenceEqual(Magic))
        {
            throw DistNetException.BadInput($"{shown} is not an npy array: it does not begin with the bytes 93 4E 55 4D 50 59.");
        }

        int lengthBytes = start[6] switch
        {
            1 => 2,
            2 or 3 => 4,
            byte version => throw DistNetException.BadInput($"{shown} is of version {version} of the npy format; expected 1, 2 or 3."),
        };
        Span<byte> length = start.Slice(8, lengthBytes);
        if (stream.ReadAtLeast(length, lengthBytes, throwOnEndOfStream: false) < lengthBytes)
        {
            throw DistNetException.BadInput($"{shown} is truncated: it ends inside its header.");
        }

        uint count = lengthBytes == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(length) : BinaryPrimitives.ReadUInt32LittleEndian(length);
        if (count > MaximumBytes)
        {
            throw DistNetException.BadInput($"{shown} has a header of {DataFile.Shown(count)} bytes; expected at most {DataFile.Shown(MaximumBytes)}.");
        }

        byte[] text = new byte[count];
        if (stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false) < text.Length)
        {
            throw DistNetException.BadInput($"{shown} is truncated: it ends inside its header.");
        }

        NpyLiteral literal = NpyLiteral.Read(Encoding.UTF8.GetString(text), shown);
        if (literal.IsFortranOrder)
        {
            throw DistNetException.BadInput($"{shown} is in Fortran order (column by column); expected C order, as numpy.ascontiguousarray gives it.");
        }

        NpyElement type = ElementOf(literal.Type, shown);
        return (type, new ArrayHeader(Kind, name, CheckShape(literal.Shape, shown), BytesOf(type), 8 + lengthBytes + text.Length));
    }

    /// <summary>A header of version 1.0, padded so that the elements start at a multiple of 64 bytes.</summary>
    /// <param name="type">The element type as NumPy writes it: <c>&lt;f4</c>.</param>
    /// <param name="dimensions">The shape; empty for a single number.</param>
    public static byte[] Write(string type, ImmutableArray<int> dimensions)
    {
        string shape = string.Concat(dimensions.Select(dimension => string.Create(CultureInfo.InvariantCulture, $"{dimension}, "))).TrimEnd();
        string text = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({(dimensions.Length == 1 ? shape : shape.TrimEnd(','))}), }}";
        const int Preamble = 10;
        int length = ((Preamble + text.Length + 1 + Alignment - 1) / Alignment * Alignment) - Preamble;
        return [.. Magic, 1, 0, (byte)length, (byte)(length >> 8), .. Encoding.ASCII.GetBytes(text.PadRight(length - 1)), (byte)'\n'];
    }

    private static int BytesOf(NpyElement element) => element switch
    {
        NpyElement.Bool or NpyElement.U1 or NpyElement.I1 => 1,
        NpyElement.U2 or NpyElement.I2 => 2,
        NpyElement.U4 or NpyElement.I4 or NpyElement.F4 => 4,
        _ => 8,
    };

    private static NpyElement ElementOf(string type, string shown) => type switch
    {
        "|b1" => NpyElement.Bool,
        "|u1" => NpyElement.U1,
        "|i1" => NpyElement.I1,
        "<u2" => NpyElement.U2,
        "<i2" => NpyElement.I2,
        "<u4" => NpyElement.U4,
        "<i4" => NpyElement.I4,
        "<i8" => NpyElement.I8,
        "<f4" => NpyElement.F4,
        "<f8" => NpyElement.F8,
        _ when type.StartsWith('>') => throw DistNetException.BadInput($"{shown} has big-endian elements ('{type}'); expected little-endian ones, as array.astype('<{type[1..]}') gives them."),
        _ => throw DistNetException.BadInput($"{shown} has elements of the type '{type}'; expected f4, f8, b1, u1, i1, u2, i2, u4, i4 or i8."),
    };

    private static ImmutableArray<int> CheckShape(ImmutableArray<string> shape, string shown)
    {
        if (shape.Length > ArrayHeader.MaximumDimensions)
        {
            throw DistNetException.BadInput($"{shown} has {shape.Length} dimensions; expected at most {ArrayHeader.MaximumDimensions}.");
        }

        return [.. shape.Select((text, index) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int dimension) && dimension > 0
            ? dimension
            : throw DistNetException.BadInput(index == 0 && text == "0" ? $"{shown} has no samples: its shape begins with 0." : $"{shown} has {text} as dimension {index}; expected 1 to {DataFile.Shown(int.MaxValue)}."))];
    }
}
