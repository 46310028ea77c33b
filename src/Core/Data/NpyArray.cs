using System.Buffers.Binary;
using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>An array of NumPy's: an npy file, or a member of an npz file. Its size is checked against its header before memory is allocated.</summary>
internal sealed class NpyArray : NumberArray
{
    private readonly string name;
    private readonly NpyHeader header;
    private readonly Content content;

    // Element bytes in memory, or the file to map them from.
    private readonly record struct Content(byte[]? Bytes, string? Path);

    private NpyArray(string name, NpyHeader header, Content content)
    {
        this.name = name;
        this.header = header;
        this.content = content;
    }

    /// <inheritdoc/>
    public override string Shown => $"'{name}'";

    /// <inheritdoc/>
    public override string Subject => $"The npy array '{name}'";

    /// <inheritdoc/>
    public override ImmutableArray<int> Dimensions => header.Dimensions;

    /// <inheritdoc/>
    public override bool IsWhole => header.Element is not (NpyElement.F4 or NpyElement.F8);

    /// <inheritdoc/>
    public override string TypeWords => header.Element.ToString().ToLowerInvariant();

    // Whole arrays of labels are read; only inputs are mapped.
    private ReadOnlySpan<byte> Bytes => content.Bytes;

    /// <summary>Reads an npy file, packed or not.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mapFrom">The size from which the elements are mapped rather than read, where they can be used as they are; null never maps.</param>
    /// <exception cref="DistNetException">The file is missing, is no npy array or one that is not read, or its length is not what its header says.</exception>
    public static NpyArray Read(string path, long? mapFrom = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        using DataFile file = DataFile.Open(path);
        string subject = $"The npy array '{path}'";
        NpyHeader header = NpyHeader.Read(file.Content, subject);
        if (!file.IsGzip && header.Element is NpyElement.U1 or NpyElement.F4 && file.FileBytes >= mapFrom)
        {
            long found = file.FileBytes - header.Bytes;
            return found == PromisedBytes(header) ? new NpyArray(path, header, new Content(null, path)) : throw WrongLength(subject, header, DataFile.Shown(found));
        }

        return new NpyArray(path, header, new Content(ReadElements(file.Content, subject, header, file.MaximumContentBytes - header.Bytes), null));
    }

    /// <summary>Reads an array from a stream.</summary>
    /// <param name="stream">Its bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="mostBytes">The most bytes that the stream can have.</param>
    /// <exception cref="DistNetException">It is no npy array, or its length is not what its header says.</exception>
    public static NpyArray Read(Stream stream, string name, long mostBytes)
    {
        string subject = $"The npy array '{name}'";
        NpyHeader header = NpyHeader.Read(stream, subject);
        return new NpyArray(name, header, new Content(ReadElements(stream, subject, header, mostBytes - header.Bytes), null));
    }

    /// <inheritdoc/>
    public override long WholeNumber(int index)
    {
        int width = NpyHeader.BytesOf(header.Element);
        ReadOnlySpan<byte> bytes = Bytes.Slice(index * width, width);
        return header.Element switch
        {
            NpyElement.Bool => bytes[0] == 0 ? 0 : 1,
            NpyElement.U1 => bytes[0],
            NpyElement.I1 => (sbyte)bytes[0],
            NpyElement.U2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            NpyElement.I2 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            NpyElement.U4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            NpyElement.I4 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        };
    }

    /// <inheritdoc/>
    public override string PlaceOf(int index) => $"byte {DataFile.Shown(header.Bytes + ((long)index * NpyHeader.BytesOf(header.Element)))}";

    /// <inheritdoc/>
    public override float[] ToFloats()
    {
        int width = NpyHeader.BytesOf(header.Element);
        float[] values = new float[Bytes.Length / width];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = header.Element switch
            {
                NpyElement.F4 => BinaryPrimitives.ReadSingleLittleEndian(Bytes[(i * width)..]),
                NpyElement.F8 => (float)BinaryPrimitives.ReadDoubleLittleEndian(Bytes[(i * width)..]),
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
        content.Path is { } path ? MappedDataset.Open(path, header.Bytes, header.Element == NpyElement.F4, inputShape, Count, labels, NotFinite)
        : header.Element == NpyElement.U1 ? new ByteDataset(inputShape, content.Bytes!, labels)
        : new FloatDataset(inputShape, ToFloats(), labels);

    private static long PromisedBytes(NpyHeader header) => header.Length * NpyHeader.BytesOf(header.Element);

    private static byte[] ReadElements(Stream stream, string subject, NpyHeader header, long mostBytes)
    {
        long promised = PromisedBytes(header);
        if (promised > mostBytes)
        {
            throw WrongLength(subject, header, $"at most {DataFile.Shown(mostBytes)}");
        }

        if (promised > Array.MaxLength)
        {
            throw DistNetException.BadInput($"{subject} has {DataFile.Shown(promised)} bytes of elements; expected at most {DataFile.Shown(Array.MaxLength)}, or an unpacked npy file of u1 or f4.");
        }

        byte[] data = GC.AllocateUninitializedArray<byte>((int)promised);
        int read = stream.ReadAtLeast(data, data.Length, throwOnEndOfStream: false);
        if (read < data.Length)
        {
            throw WrongLength(subject, header, $"only {DataFile.Shown(read)}");
        }

        // Reading on to the end is also what verifies a packed file's last checksum.
        return stream.ReadByte() < 0 ? data : throw WrongLength(subject, header, "more");
    }

    private static DistNetException WrongLength(string subject, NpyHeader header, string found) => DistNetException.BadInput(
        $"{subject} has the wrong length: its header ({string.Join(", ", header.Dimensions)}) promises {DataFile.Shown(PromisedBytes(header))} bytes of elements, found {found}.");
}
