using DistNet.Worker.Plane;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Fetches a whole data file.</summary>
internal static class DataFetching
{
    public static async Task<byte[]> AllDataAsync(this PlaneClient client, Guid attendance, string sha256, long offset)
    {
        using MemoryStream received = new();
        await foreach (ReadOnlyMemory<byte> piece in client.FetchDataAsync(attendance, sha256, offset))
        {
            received.Write(piece.Span);
        }

        return received.ToArray();
    }
}
