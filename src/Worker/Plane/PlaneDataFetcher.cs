using DistNet.Worker.Data;

namespace DistNet.Worker.Plane;

/// <summary>Fetches data files over the tensor plane in one attendance.</summary>
/// <param name="client">The plane.</param>
/// <param name="attendance">The attendance.</param>
public sealed class PlaneDataFetcher(PlaneClient client, Guid attendance) : IDataFetcher
{
    /// <inheritdoc/>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> FetchAsync(string sha256, long offset, CancellationToken cancellationToken) =>
        client.FetchDataAsync(attendance, sha256, offset, cancellationToken);
}
