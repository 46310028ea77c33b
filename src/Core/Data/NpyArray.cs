using System.Buffers.Binary;

namespace DistNet.Data;

/// <summary>An array of NumPy's: an npy file, or a member of an npz file.</summary>
internal sealed class NpyArray : NumberArray
{
    private readonly NpyElement type;

    private NpyArray(NpyElement type, ArrayHeader header, byte[]? elements)
        : base(header, elements) => this.type = type;

    /// <inheritdoc/>
    public override bool IsWhole => type is not (NpyElement.F4 or NpyElement.F8);

    /// <inheritdoc/>
    public override string TypeWords => type.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    protected override bool IsBytes => type == NpyElement.U1;

    /// <summary>Reads an npy file, packed or not.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mapFrom">The size from which the elements are mapped rather than read, where they can be used as they are; null never maps.</param>
    /// <exception cref="DistNetException">The file is missing, is no npy array or one that is not read, or its length is not what its header says.</exception>
    public static NpyArray Read(string path, long? mapFrom = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        using DataFile file = DataFile.Open(path);
        (NpyElement type, ArrayHeader header) = NpyHeader.Read(file.Content, path);
        return new NpyArray(type, header, header.ReadElements(file, type is NpyElement.U1 or NpyElement.F4 ? mapFrom : null));
    }

    /// <summary>Reads an array from a stream.</summary>
    /// <param name="stream">Its bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="mostBytes">The most bytes that the stream can have.</param>
    /// <exception cref="DistNetException">It is no npy array, or its length is not what its header says.</exception>
    public static NpyArray Read(Stream stream, string name, long mostBytes)
    {
        (NpyElement type, ArrayHeader header) = NpyHeader.Read(stream, name);
        return new NpyArray(type, header, header.ReadElements(stream, mostBytes - header.Bytes));
    }

    /// <inheritdoc/>
    protected override long WholeNumber(ReadOnlySpan<byte> element) => type switch
    {
        NpyElement.Bool => element[0] == 0 ? 0 : 1,
        NpyElement.U1 => element[0],
        NpyElement.I1 => (sbyte)element[0],
        NpyElement.U2 => BinaryPrimitives.ReadUInt16LittleEndian(element),
        NpyElement.I2 => BinaryPrimitives.ReadInt16LittleEndian(element),
        NpyElement.U4 => BinaryPrimitives.ReadUInt32LittleEndian(element),
        NpyElement.I4 => BinaryPrimitives.ReadInt32LittleEndian(element),
        _ => BinaryPrimitives.ReadInt64LittleEndian(element),
    };

    /// <inheritdoc/>
    protected override float Float(ReadOnlySpan<byte> element) =>
        type == NpyElement.F4 ? BinaryPrimitives.ReadSingleLittleEndian(element) : (float)BinaryPrimitives.ReadDoubleLittleEndian(element);
}
