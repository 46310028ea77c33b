using System.Buffers.Binary;
using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>The element types of the IDX format, by their code in the magic number.</summary>
internal enum IdxElement : byte
{
    UnsignedByte = 0x08,
    SignedByte = 0x09,
    Short = 0x0B,
    Int = 0x0C,
    Float = 0x0D,
    Double = 0x0E,
}

/// <summary>An IDX file (the format of MNIST): two zero bytes, the element type, the number of dimensions, the dimensions as big-endian ints, then the
/// elements, big-endian, row-major.</summary>
internal sealed class IdxFile : NumberArray
{
    private readonly IdxElement type;

    private IdxFile(IdxElement type, ArrayHeader header, byte[]? elements)
        : base(header, elements) => this.type = type;

    /// <inheritdoc/>
    public override bool IsWhole => type is not (IdxElement.Float or IdxElement.Double);

    /// <inheritdoc/>
    public override string TypeWords => type switch
    {
        IdxElement.UnsignedByte => "unsigned byte",
        IdxElement.SignedByte => "signed byte",
        _ => type.ToString().ToLowerInvariant(),
    };

    /// <inheritdoc/>
    protected override bool IsBytes => type == IdxElement.UnsignedByte;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, gzip or not.</param>
    /// <param name="mapFrom">The size from which unsigned bytes of an unpacked file are mapped rather than read, as only inputs may be; null never maps.</param>
    /// <exception cref="DistNetException">The file is missing, is not IDX, or its length is not what its header says.</exception>
    public static IdxFile Read(string path, long? mapFrom = null)
    {
        using DataFile file = DataFile.Open(path);
        (IdxElement type, int rank) = ReadMagic(file);
        ArrayHeader header = new("IDX file", path, ReadDimensions(file, rank), BytesOf(type), 4 + (4 * rank));
        return new IdxFile(type, header, header.ReadElements(file, type == IdxElement.UnsignedByte ? mapFrom : null));
    }

    /// <inheritdoc/>
    protected override long WholeNumber(ReadOnlySpan<byte> element) => type switch
    {
        IdxElement.UnsignedByte => element[0],
        IdxElement.SignedByte => (sbyte)element[0],
        IdxElement.Short => BinaryPrimitives.ReadInt16BigEndian(element),
        _ => BinaryPrimitives.ReadInt32BigEndian(element),
    };

    /// <inheritdoc/>
    protected override float Float(ReadOnlySpan<byte> element) =>
        type == IdxElement.Float ? BinaryPrimitives.ReadSingleBigEndian(element) : (float)BinaryPrimitives.ReadDoubleBigEndian(element);

    private static int BytesOf(IdxElement type) => type switch
    {
        IdxElement.UnsignedByte or IdxElement.SignedByte => 1,
        IdxElement.Short => 2,
        IdxElement.Int or IdxElement.Float => 4,
        _ => 8,
    };

    private static (IdxElement Type, int Rank) ReadMagic(DataFile file)
    {
        Span<byte> magic = stackalloc byte[4];
        ReadHeader(file, magic, 0);
        uint number = BinaryPrimitives.ReadUInt32BigEndian(magic);
        if (magic[0] != 0 || magic[1] != 0 || !Enum.IsDefined((IdxElement)magic[2]) || magic[3] is 0 or > ArrayHeader.MaximumDimensions)
        {
            throw DistNetException.BadInput(
                $"The file '{file.Path}' is not an IDX file: its magic number is 0x{number:X8}, expected 0x0000TTDD with the type TT (08 unsigned byte, 09 signed byte, 0B short, 0C int, 0D float, 0E double) and the number of dimensions DD (01 to {ArrayHeader.MaximumDimensions:X2}).");
        }

        return ((IdxElement)magic[2], magic[3]);
    }

    private static ImmutableArray<int> ReadDimensions(DataFile file, int rank)
    {
        Span<byte> bytes = stackalloc byte[4];
        var dimensions = ImmutableArray.CreateBuilder<int>(rank);
        for (int i = 0; i < rank; i++)
        {
            ReadHeader(file, bytes, 4 + (4 * i));
            uint dimension = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            if (dimension is 0 or > int.MaxValue)
            {
                throw DistNetException.BadInput(i == 0 && dimension == 0
                    ? $"The IDX file '{file.Path}' has no samples: its header says 0, expected at least 1."
                    : $"The IDX file '{file.Path}' has {DataFile.Shown(dimension)} as dimension {i} (byte {4 + (4 * i)}); expected 1 to {DataFile.Shown(int.MaxValue)}.");
            }

            dimensions.Add((int)dimension);
        }

        return dimensions.MoveToImmutable();
    }

    private static void ReadHeader(DataFile file, Span<byte> destination, int position)
    {
        int read = file.Content.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
        if (read < destination.Length)
        {
            throw DistNetException.BadInput($"The IDX file '{file.Path}' is truncated: it ends inside its header, at byte {position + read}.");
        }
    }
}
