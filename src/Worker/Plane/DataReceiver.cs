using System.Buffers;
using System.IO.Hashing;
using DistNet.Protocol;
using DistNet.Protocol.Plane;

namespace DistNet.Worker.Plane;

/// <summary>Takes the chunks of a file, one at a time, into a buffer that is used again for the next.</summary>
/// <param name="offset">Where the file begins to be sent.</param>
internal sealed class DataReceiver(long offset) : ChunkSink, IDisposable
{
    private readonly byte[] buffer = ArrayPool<byte>.Shared.Rent(WireLimits.ChunkBytes);
    private long next = offset;
    private long total = -1;
    private int length;

    /// <summary>The newest chunk's data.</summary>
    public ReadOnlyMemory<byte> Data => buffer.AsMemory(0, length);

    /// <summary>What is wrong with the newest chunk.</summary>
    public ChunkProblem Problem { get; private set; }

    /// <summary>Whether all of the file has come.</summary>
    public bool IsComplete => next == total;

    /// <inheritdoc/>
    public override void Accept(in ChunkHeader header, in ReadOnlySequence<byte> data)
    {
        bool isFirst = total < 0;
        if (isFirst)
        {
            total = header.Total;
        }

        if (header.Offset != next || (!isFirst && header.Total != 0) || data.Length > Math.Min(total - next, WireLimits.ChunkBytes))
        {
            Problem = ChunkProblem.Wrong;
            return;
        }

        length = (int)data.Length;
        data.CopyTo(buffer);
        next += length;
        if (XxHash3.HashToUInt64(buffer.AsSpan(0, length)) != header.Checksum)
        {
            Problem = ChunkProblem.Checksum;
        }
    }

    /// <inheritdoc/>
    public override void Malformed() => Problem = ChunkProblem.Wrong;

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}
