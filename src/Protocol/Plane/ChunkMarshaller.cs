using System.Buffers;
using System.Buffers.Binary;
using DistNet.Protocol.Wire;
using Google.Protobuf;
using Grpc.Core;

namespace DistNet.Protocol.Plane;

/// <summary>Reads and writes <see cref="Chunk"/>s by hand, so that no array is made for their data. The bytes are exactly those of the generated type.</summary>
/// <remarks>Protobuf in one line: a field is a tag (number · 8 + kind, as a varint) and its value; kinds are 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.</remarks>
internal static class ChunkMarshaller
{
    private const byte UploadTag = (Chunk.UploadFieldNumber << 3) | LengthDelimited;
    private const byte TotalTag = Chunk.TotalFieldNumber << 3;
    private const byte OffsetTag = Chunk.OffsetFieldNumber << 3;
    private const byte ChecksumTag = (Chunk.ChecksumFieldNumber << 3) | Fixed64;
    private const byte DataTag = (Chunk.DataFieldNumber << 3) | LengthDelimited;
    private const int LengthDelimited = 2;
    private const int Fixed64 = 1;
    private const int Fixed32 = 5;
    private const int LargestVarint = 10;
    private const int LargestUpload = 256;

    /// <summary>For gRPC.</summary>
    public static Marshaller<ChunkPiece> Instance { get; } = new(Write, Read);

    /// <summary>Writes a piece.</summary>
    public static void Write(ChunkPiece piece, SerializationContext context)
    {
        context.SetPayloadLength(Size(piece));
        WriteTo(piece, context.GetBufferWriter());
        context.Complete();
    }

    /// <summary>The bytes of a piece on the wire.</summary>
    public static int Size(ChunkPiece piece)
    {
        int upload = piece.Upload?.CalculateSize() ?? 0;
        int data = piece.Data.Length;
        return (piece.Upload is null ? 0 : 1 + VarintSize((ulong)upload) + upload)
            + (piece.Total == 0 ? 0 : 1 + VarintSize((ulong)piece.Total))
            + (piece.Offset == 0 ? 0 : 1 + VarintSize((ulong)piece.Offset))
            + (piece.Checksum == 0 ? 0 : 1 + sizeof(ulong))
            + (data == 0 ? 0 : 1 + VarintSize((ulong)data) + data);
    }

    /// <summary>Writes a piece to any buffer.</summary>
    public static void WriteTo(ChunkPiece piece, IBufferWriter<byte> writer)
    {
        if (piece.Upload is { } upload)
        {
            WriteField(writer, UploadTag, (ulong)upload.CalculateSize());
            upload.WriteTo(writer);
        }

        if (piece.Total != 0)
        {
            WriteField(writer, TotalTag, (ulong)piece.Total);
        }

        if (piece.Offset != 0)
        {
            WriteField(writer, OffsetTag, (ulong)piece.Offset);
        }

        if (piece.Checksum != 0)
        {
            Span<byte> checksum = writer.GetSpan(1 + sizeof(ulong));
            checksum[0] = ChecksumTag;
            BinaryPrimitives.WriteUInt64LittleEndian(checksum[1..], piece.Checksum);
            writer.Advance(1 + sizeof(ulong));
        }

        ReadOnlySpan<byte> data = piece.Data;
        if (!data.IsEmpty)
        {
            WriteField(writer, DataTag, (ulong)data.Length);
            writer.Write(data);
        }
    }

    /// <summary>Reads a chunk and hands it to a sink.</summary>
    /// <returns>False when the bytes are no chunk; then the sink is not called.</returns>
    public static bool TryRead(in ReadOnlySequence<byte> payload, ChunkSink sink)
    {
        var reader = new SequenceReader<byte>(payload);
        Upload? upload = null;
        long total = 0;
        long offset = 0;
        ulong checksum = 0;
        ReadOnlySequence<byte> data = default;
        while (!reader.End)
        {
            if (!TryReadVarint(ref reader, out ulong tag))
            {
                return false;
            }

            ulong value = 0;
            ReadOnlySequence<byte> bytes = default;
            bool read = (tag & 7) switch
            {
                0 => TryReadVarint(ref reader, out value),
                Fixed64 => TryReadFixed64(ref reader, out value),
                LengthDelimited => TryReadVarint(ref reader, out ulong length) && length <= (ulong)reader.Remaining && reader.TryReadExact((int)length, out bytes),
                Fixed32 => TryAdvance(ref reader, sizeof(uint)),
                _ => false,
            };
            if (!read || tag >> 3 == 0 || tag >> 32 != 0)
            {
                return false;
            }

            switch (tag)
            {
                case UploadTag:
                    if (!TryReadUpload(bytes, ref upload))
                    {
                        return false;
                    }

                    break;
                case TotalTag:
                    total = (long)value;
                    break;
                case OffsetTag:
                    offset = (long)value;
                    break;
                case ChecksumTag:
                    checksum = value;
                    break;
                case DataTag:
                    data = bytes;
                    break;
            }
        }

        sink.Accept(new ChunkHeader(upload, total, offset, checksum), data);
        return true;
    }

    // The piece that comes back is a token: everything is in the sink.
    private static ChunkPiece Read(DeserializationContext context)
    {
        ChunkSink? sink = ChunkSink.Current;
        Invariant.Holds(sink is not null);
        if (!TryRead(context.PayloadAsReadOnlySequence(), sink))
        {
            sink.Malformed();
        }

        return Received;
    }

    private static readonly ChunkPiece Received = new();

    private static bool TryReadUpload(in ReadOnlySequence<byte> bytes, ref Upload? upload)
    {
        if (bytes.Length > LargestUpload)
        {
            return false;
        }

        upload ??= new Upload();
        try
        {
            upload.MergeFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static bool TryReadVarint(ref SequenceReader<byte> reader, out ulong value)
    {
        value = 0;
        for (int i = 0; i < LargestVarint; i++)
        {
            if (!reader.TryRead(out byte next))
            {
                return false;
            }

            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryReadFixed64(ref SequenceReader<byte> reader, out ulong value)
    {
        bool read = reader.TryReadLittleEndian(out long signed);
        value = (ulong)signed;
        return read;
    }

    private static bool TryAdvance(ref SequenceReader<byte> reader, int count)
    {
        if (reader.Remaining < count)
        {
            return false;
        }

        reader.Advance(count);
        return true;
    }

    private static int VarintSize(ulong value) => value == 0 ? 1 : (70 - System.Numerics.BitOperations.LeadingZeroCount(value)) / 7;

    private static void WriteField(IBufferWriter<byte> writer, byte tag, ulong value)
    {
        Span<byte> span = writer.GetSpan(1 + LargestVarint);
        span[0] = tag;
        int count = 1;
        while (value >= 0x80)
        {
            span[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[count++] = (byte)value;
        writer.Advance(count);
    }
}
