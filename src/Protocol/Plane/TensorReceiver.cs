using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace DistNet.Protocol.Plane;

/// <summary>What is wrong with a chunk.</summary>
internal enum ChunkProblem
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is none, or it is not the one that had to come.</summary>
    Wrong,

    /// <summary>Its checksum does not hold.</summary>
    Checksum,
}

/// <summary>Takes the chunks of one tensor straight into its place: in ascending order, without a gap, each with its checksum.</summary>
/// <param name="destination">The tensor's place; what stands there after a failure is undefined.</param>
internal sealed class TensorReceiver(Memory<float> destination) : ChunkSink
{
    private long next = -1;

    /// <summary>The first thing that was wrong; what comes later is ignored.</summary>
    public ChunkProblem Problem { get; private set; }

    /// <summary>Whether all of it has come.</summary>
    public bool IsComplete => Problem == ChunkProblem.None && next == Bytes;

    private long Bytes => (long)destination.Length * sizeof(float);

    /// <inheritdoc/>
    public override void Accept(in ChunkHeader header, in ReadOnlySequence<byte> data)
    {
        if (Problem == ChunkProblem.None)
        {
            Problem = Copy(header, data);
        }
    }

    /// <inheritdoc/>
    public override void Malformed()
    {
        if (Problem == ChunkProblem.None)
        {
            Problem = ChunkProblem.Wrong;
        }
    }

    private ChunkProblem Copy(in ChunkHeader header, in ReadOnlySequence<byte> data)
    {
        bool isFirst = next < 0;
        next = Math.Max(next, 0);
        if (header.Offset != next || header.Total != (isFirst ? Bytes : 0) || data.Length > Math.Min(Bytes - next, WireLimits.ChunkBytes) || (data.IsEmpty && Bytes != 0))
        {
            return ChunkProblem.Wrong;
        }

        Span<byte> place = MemoryMarshal.AsBytes(destination.Span).Slice((int)next, (int)data.Length);
        data.CopyTo(place);
        next += place.Length;
        return XxHash3.HashToUInt64(place) == header.Checksum ? ChunkProblem.None : ChunkProblem.Checksum;
    }
}
