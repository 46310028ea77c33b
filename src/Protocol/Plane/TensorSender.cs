using System.IO.Hashing;
using DistNet.Protocol.Wire;
using Grpc.Core;

namespace DistNet.Protocol.Plane;

/// <summary>Sends a tensor in chunks, from where it lies.</summary>
internal static class TensorSender
{
    private const int ChunkFloats = WireLimits.ChunkBytes / sizeof(float);

    /// <summary>Sends a tensor; an empty one is one chunk without data.</summary>
    /// <param name="writer">The call.</param>
    /// <param name="values">The tensor. If it is overwritten meanwhile, the receiver finds a wrong checksum or must be told by the call's status.</param>
    /// <param name="upload">For a gradient.</param>
    /// <param name="cancellation">Ends the sending.</param>
    public static async Task SendAsync(IAsyncStreamWriter<ChunkPiece> writer, ReadOnlyMemory<float> values, Upload? upload, CancellationToken cancellation)
    {
        var piece = new ChunkPiece { Upload = upload, Total = (long)values.Length * sizeof(float) };
        int sent = 0;
        do
        {
            ReadOnlyMemory<float> data = values.Slice(sent, Math.Min(ChunkFloats, values.Length - sent));
            piece.Offset = (long)sent * sizeof(float);
            piece.SetData(data);
            piece.Checksum = XxHash3.HashToUInt64(piece.Data);
            await writer.WriteAsync(piece, cancellation).ConfigureAwait(false);
            piece.Upload = null;
            piece.Total = 0;
            sent += data.Length;
        }
        while (sent < values.Length);
    }
}
