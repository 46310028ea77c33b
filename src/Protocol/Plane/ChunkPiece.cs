using System.Buffers;
using System.Runtime.InteropServices;
using DistNet.Protocol.Wire;

namespace DistNet.Protocol.Plane;

/// <summary>A <see cref="Chunk"/> that is never a copy: written, it points at the floats or bytes to send; read, it is empty, as its data went to the call's
/// <see cref="ChunkSink"/>. One instance serves a whole call.</summary>
internal sealed class ChunkPiece
{
    private ReadOnlyMemory<float> floats;
    private ReadOnlyMemory<byte> bytes;

    /// <summary>First chunk of a gradient.</summary>
    public Upload? Upload { get; set; }

    /// <summary>First chunk of a tensor or a file; 0 in the others.</summary>
    public long Total { get; set; }

    /// <summary>Where the data begin.</summary>
    public long Offset { get; set; }

    /// <summary>XxHash3 of the data.</summary>
    public ulong Checksum { get; set; }

    /// <summary>What is sent.</summary>
    public ReadOnlySpan<byte> Data => floats.IsEmpty ? bytes.Span : MemoryMarshal.AsBytes(floats.Span);

    /// <summary>Sends floats.</summary>
    public void SetData(ReadOnlyMemory<float> values)
    {
        floats = values;
        bytes = default;
    }

    /// <summary>Sends bytes.</summary>
    public void SetData(ReadOnlyMemory<byte> values)
    {
        floats = default;
        bytes = values;
    }
}

/// <summary>The fields of a received chunk besides its data.</summary>
/// <param name="Upload">First chunk of a gradient.</param>
/// <param name="Total">First chunk: bytes of the whole.</param>
/// <param name="Offset">Where the data begin.</param>
/// <param name="Checksum">XxHash3 of the data, as the sender says.</param>
internal readonly record struct ChunkHeader(Upload? Upload, long Total, long Offset, ulong Checksum);

/// <summary>Where the chunks of one call go. The marshaller hands them over while they still lie in the transport's buffers, so that data are copied once: to their place.</summary>
internal abstract class ChunkSink
{
    private static readonly AsyncLocal<ChunkSink?> OfCall = new();

    /// <summary>The sink of the call that this code runs for. gRPC gives a marshaller no other way to know the call: it is shared by all, but runs in the flow of the one that reads.</summary>
    public static ChunkSink? Current
    {
        get => OfCall.Value;
        set => OfCall.Value = value;
    }

    /// <summary>Takes a chunk. The data are gone when this returns.</summary>
    public abstract void Accept(in ChunkHeader header, in ReadOnlySequence<byte> data);

    /// <summary>A message that is no chunk.</summary>
    public abstract void Malformed();
}
