using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using CsCheck;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using Google.Protobuf;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Chunks are read and written by hand; their bytes are those of the generated type, in both directions.</summary>
public sealed class ChunkWireTests
{
    private static readonly Gen<Upload> Uploads = Gen.Select(Gen.Byte.Array[16], Gen.Long[0, long.MaxValue], Gen.Int, (id, ticket, term) =>
        new Upload { Attendance = ByteString.CopyFrom(id), Ticket = ticket, Term = term, FirstTicket = 1, Run = ByteString.CopyFrom(id) });

    private static readonly Gen<Chunk> Chunks = Gen.Select(
        Uploads.Null(),
        Gen.OneOf(Gen.Const(0L), Gen.Long[0, long.MaxValue]),
        Gen.OneOf(Gen.Const(0L), Gen.Long),
        Gen.OneOf(Gen.Const(0ul), Gen.ULong),
        Gen.Byte.Array[0, 3000],
        (upload, total, offset, checksum, data) => new Chunk
        {
            Upload = upload,
            Total = total,
            Offset = offset,
            Checksum = checksum,
            Data = ByteString.CopyFrom(data),
        });

    [Fact]
    public void What_is_written_by_hand_is_what_the_generated_type_writes() => Chunks.Sample(chunk =>
    {
        var piece = new ChunkPiece { Upload = chunk.Upload, Total = chunk.Total, Offset = chunk.Offset, Checksum = chunk.Checksum };
        piece.SetData(chunk.Data.Memory);
        var writer = new ArrayBufferWriter<byte>();
        ChunkMarshaller.WriteTo(piece, writer);
        Assert.Equal(chunk.ToByteArray(), writer.WrittenSpan.ToArray());
        Assert.Equal(writer.WrittenCount, ChunkMarshaller.Size(piece));
    });

    [Fact]
    public void What_the_generated_type_writes_is_read_by_hand_however_it_is_cut() => Gen.Select(Chunks, Gen.Int[1, 700]).Sample((chunk, cut) =>
    {
        var sink = new KeepingSink();
        Assert.True(ChunkMarshaller.TryRead(Cut(chunk.ToByteArray(), cut), sink));
        Assert.Equal((chunk.Upload, chunk.Total, chunk.Offset, chunk.Checksum), (sink.Header.Upload, sink.Header.Total, sink.Header.Offset, sink.Header.Checksum));
        Assert.Equal(chunk.Data.ToByteArray(), sink.Data);
    });

    [Fact]
    public void Fields_in_any_order_and_unknown_fields_are_read_as_the_generated_type_reads_them()
    {
        // data, an unknown varint (20), checksum, an unknown text (21), offset, an unknown fixed32 (22), offset again: the last one counts
        byte[] bytes = [0x3A, 2, 8, 9, 0xA0, 1, 5, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0xAA, 1, 1, 65, 0x28, 7, 0xB5, 1, 0, 0, 0, 0, 0x28, 0x96, 1];
        Chunk generated = Chunk.Parser.ParseFrom(bytes);
        var sink = new KeepingSink();
        Assert.True(ChunkMarshaller.TryRead(new ReadOnlySequence<byte>(bytes), sink));
        Assert.Equal(150, generated.Offset);
        Assert.Equal((generated.Offset, generated.Checksum), (sink.Header.Offset, sink.Header.Checksum));
        Assert.Equal(generated.Data.ToByteArray(), sink.Data);
    }

    [Fact]
    public void Random_and_damaged_bytes_are_refused_or_read_and_never_throw() => Gen.Select(Chunks, Gen.Int[0, 200], Gen.Byte, Gen.Byte.Array[0, 60]).Sample((chunk, at, value, noise) =>
    {
        byte[] damaged = chunk.ToByteArray();
        if (at < damaged.Length)
        {
            damaged[at] = value;
        }

        ChunkMarshaller.TryRead(Cut(damaged, 50), new KeepingSink());
        ChunkMarshaller.TryRead(Cut(damaged[..Math.Min(at, damaged.Length)], 50), new KeepingSink());
        ChunkMarshaller.TryRead(Cut(noise, 7), new KeepingSink());
    });

    [Fact]
    public void A_receiver_takes_nothing_but_the_chunk_that_must_come()
    {
        float[] place = new float[10];
        byte[] data = [.. Enumerable.Range(0, 40).Select(i => (byte)i)];
        Assert.True(Receive(place, (40, 0, data[..20]), (0, 20, data[20..])).IsComplete);
        Assert.Equal(data, MemoryMarshal.AsBytes(place.AsSpan()).ToArray());
        Assert.False(Receive(place, (40, 0, data[..20])).IsComplete);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (44, 0, data)).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 4, data[..4])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 0, data[..20]), (0, 24, data[24..])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 0, data[..20]), (0, 16, data[16..])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 0, data[..20]), (40, 20, data[20..])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 0, [.. data, 0])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, 0, [])).Problem);
        Assert.Equal(ChunkProblem.Wrong, Receive(place, (40, -4, data)).Problem);
        Assert.Equal(ChunkProblem.Checksum, Receive(place, checksum: 1, (40, 0, data)).Problem);
        Assert.True(Receive([], (0, 0, [])).IsComplete);
    }

    private static TensorReceiver Receive(float[] place, params (long Total, long Offset, byte[] Data)[] chunks) => Receive(place, checksum: 0, chunks);

    private static TensorReceiver Receive(float[] place, ulong checksum, params (long Total, long Offset, byte[] Data)[] chunks)
    {
        var receiver = new TensorReceiver(place);
        foreach ((long total, long offset, byte[] data) in chunks)
        {
            receiver.Accept(new ChunkHeader(null, total, offset, XxHash3.HashToUInt64(data) + checksum), new ReadOnlySequence<byte>(data));
        }

        return receiver;
    }

    private static ReadOnlySequence<byte> Cut(byte[] bytes, int length)
    {
        Segment first = new(bytes.AsMemory(0, Math.Min(length, bytes.Length)), 0);
        Segment last = first;
        for (int at = length; at < bytes.Length; at += length)
        {
            last = last.Append(bytes.AsMemory(at, Math.Min(length, bytes.Length - at)));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    private sealed class KeepingSink : ChunkSink
    {
        public ChunkHeader Header { get; private set; }

        public byte[] Data { get; private set; } = [];

        public override void Accept(in ChunkHeader header, in ReadOnlySequence<byte> data)
        {
            Header = header;
            Data = data.ToArray();
        }

        public override void Malformed()
        {
        }
    }
}
