using System.Buffers.Binary;
using System.Collections.Immutable;
using DistNet.Tensors;

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
/// elements, big-endian, row-major. Its size is checked against its header before memory is allocated.</summary>
internal sealed class IdxFile : NumberArray
{
    private const int MaximumDimensions = 8;

    // Counting stops here, far beyond what a file can hold, so that a product with one more dimension cannot overflow.
    private const long MostElements = 1L << 42;

    private readonly string path;
    private readonly IdxElement element;
    private readonly byte[] data;
    private readonly bool isMapped;

    private IdxFile(string path, IdxElement element, ImmutableArray<int> dimensions, byte[]? data)
    {
        this.path = path;
        this.element = element;
        this.data = data ?? [];
        isMapped = data is null;
        Dimensions = dimensions;
    }

    /// <inheritdoc/>
    public override string Shown => $"'{path}'";

    /// <inheritdoc/>
    public override string Subject => $"The IDX file '{path}'";

    /// <inheritdoc/>
    public override ImmutableArray<int> Dimensions { get; }

    /// <inheritdoc/>
    public override bool IsWhole => element is not (IdxElement.Float or IdxElement.Double);

    /// <inheritdoc/>
    public override string TypeWords => element switch
    {
        IdxElement.UnsignedByte => "unsigned byte",
        IdxElement.SignedByte => "signed byte",
        _ => element.ToString().ToLowerInvariant(),
    };

    private int HeaderBytes => 4 + (4 * Dimensions.Length);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, gzip or not.</param>
    /// <param name="mapFrom">The size from which unsigned bytes of an unpacked file are mapped rather than read, as only inputs may be; null never maps.</param>
    /// <exception cref="DistNetException">The file is missing, is not IDX, or its length is not what its header says.</exception>
    public static IdxFile Read(string path, long? mapFrom = null)
    {
        using DataFile file = DataFile.Open(path);
        (IdxElement element, int rank) = ReadMagic(file);
        ImmutableArray<int> dimensions = ReadDimensions(file, rank);
        long elements = 1;
        foreach (int dimension in dimensions)
        {
            elements = elements > MostElements / dimension ? MostElements : elements * dimension;
        }

        long promised = elements * BytesOf(element);
        CheckSize(file, dimensions, promised);
        if (!file.IsGzip && element == IdxElement.UnsignedByte && file.FileBytes >= mapFrom)
        {
            return new IdxFile(path, element, dimensions, null);
        }

        if (promised > Array.MaxLength)
        {
            throw DistNetException.BadInput($"The IDX file '{path}' has {DataFile.Shown(promised)} bytes of elements; expected at most {DataFile.Shown(Array.MaxLength)}, or an unpacked file of unsigned bytes.");
        }

        byte[] data = GC.AllocateUninitializedArray<byte>((int)promised);
        int read = file.Content.ReadAtLeast(data, data.Length, throwOnEndOfStream: false);
        if (read < data.Length)
        {
            throw WrongLength(file, dimensions, promised, $"only {DataFile.Shown(read)}");
        }

        // Reading on to the end is also what verifies a gzip file's last checksum.
        if (file.Content.ReadByte() >= 0)
        {
            throw WrongLength(file, dimensions, promised, "more");
        }

        return new IdxFile(path, element, dimensions, data);
    }

    /// <summary>Bytes of one element.</summary>
    public static int BytesOf(IdxElement element) => element switch
    {
        IdxElement.UnsignedByte or IdxElement.SignedByte => 1,
        IdxElement.Short => 2,
        IdxElement.Int or IdxElement.Float => 4,
        _ => 8,
    };

    /// <inheritdoc/>
    public override long WholeNumber(int index)
    {
        int width = BytesOf(element);
        ReadOnlySpan<byte> bytes = data.AsSpan(index * width, width);
        return element switch
        {
            IdxElement.UnsignedByte => bytes[0],
            IdxElement.SignedByte => (sbyte)bytes[0],
            IdxElement.Short => BinaryPrimitives.ReadInt16BigEndian(bytes),
            _ => BinaryPrimitives.ReadInt32BigEndian(bytes),
        };
    }

    /// <inheritdoc/>
    public override string PlaceOf(int index) => $"byte {DataFile.Shown(HeaderBytes + ((long)index * BytesOf(element)))}";

    /// <inheritdoc/>
    public override float[] ToFloats()
    {
        int width = BytesOf(element);
        float[] values = new float[data.Length / width];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = element switch
            {
                IdxElement.Float => BinaryPrimitives.ReadSingleBigEndian(data.AsSpan(i * width)),
                IdxElement.Double => (float)BinaryPrimitives.ReadDoubleBigEndian(data.AsSpan(i * width)),
                _ => WholeNumber(i),
            };
            if (!float.IsFinite(values[i]))
            {
                throw NotFinite(values[i], i);
            }
        }

        return values;
    }

    /// <inheritdoc/>
    public override Dataset ToDataset(Shape inputShape, SampleLabels labels) =>
        isMapped ? MappedDataset.Open(path, HeaderBytes, areFloats: false, inputShape, Count, labels, NotFinite)
        : element == IdxElement.UnsignedByte ? new ByteDataset(inputShape, data, labels)
        : new FloatDataset(inputShape, ToFloats(), labels);

    private static (IdxElement Element, int Rank) ReadMagic(DataFile file)
    {
        Span<byte> magic = stackalloc byte[4];
        ReadHeader(file, magic, 0);
        uint number = BinaryPrimitives.ReadUInt32BigEndian(magic);
        if (magic[0] != 0 || magic[1] != 0 || !Enum.IsDefined((IdxElement)magic[2]) || magic[3] is 0 or > MaximumDimensions)
        {
            throw DistNetException.BadInput(
                $"The file '{file.Path}' is not an IDX file: its magic number is 0x{number:X8}, expected 0x0000TTDD with the type TT (08 unsigned byte, 09 signed byte, 0B short, 0C int, 0D float, 0E double) and the number of dimensions DD (01 to {MaximumDimensions:X2}).");
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

    private static void CheckSize(DataFile file, ImmutableArray<int> dimensions, long promised)
    {
        int header = 4 + (4 * dimensions.Length);
        if (!file.IsGzip && file.FileBytes != header + promised)
        {
            throw WrongLength(file, dimensions, promised, DataFile.Shown(file.FileBytes - header));
        }

        if (header + promised > file.MaximumContentBytes)
        {
            throw WrongLength(file, dimensions, promised, $"at most {DataFile.Shown(file.MaximumContentBytes)} (it is {DataFile.Shown(file.FileBytes)} bytes of gzip)");
        }
    }

    private static DistNetException WrongLength(DataFile file, ImmutableArray<int> dimensions, long promised, string found)
    {
        string size = promised >= MostElements ? $"over {DataFile.Shown(MostElements - 1)}" : DataFile.Shown(promised);
        return DistNetException.BadInput(
            $"The IDX file '{file.Path}' has the wrong length: its header [{string.Join(", ", dimensions)}] promises {size} bytes of elements, found {found}.");
    }
}
