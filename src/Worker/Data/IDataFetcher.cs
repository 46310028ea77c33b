namespace DistNet.Worker.Data;

/// <summary>Asks the coordinator for the bytes of a data file: the tensor plane's client, or a test.</summary>
public interface IDataFetcher
{
    /// <summary>Streams a file from an offset to its end. Every piece was checked on its way; the pieces follow one another without a gap.</summary>
    /// <param name="sha256">The SHA-256 of the file's bytes.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    /// <returns>The pieces; each may be overwritten when the next is asked for.</returns>
    IAsyncEnumerable<ReadOnlyMemory<byte>> FetchAsync(string sha256, long offset, CancellationToken cancellationToken);
}
