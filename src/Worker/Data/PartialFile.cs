using System.Security.Cryptography;
using DistNet.Data;

namespace DistNet.Worker.Data;

/// <summary>A file that is being fetched: what came so far, hashed as it came.</summary>
internal sealed class PartialFile : IDisposable
{
    /// <summary>Room that a fetch leaves on the disk, for checkpoints and everything else there.</summary>
    private const long SpareBytes = 64 << 20;

    private readonly FileStream stream;
    private readonly DataFileInfo file;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private PartialFile(FileStream stream, DataFileInfo file)
    {
        this.stream = stream;
        this.file = file;
    }

    /// <summary>Bytes that came.</summary>
    public long Length => stream.Position;

    /// <summary>Opens what came at an earlier time, or begins.</summary>
    public static PartialFile Open(string path, DataFileInfo file, CancellationToken cancellationToken)
    {
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        PartialFile part = new(stream, file);
        try
        {
            if (stream.Length > file.Bytes)
            {
                stream.SetLength(0);
            }

            FileHash.Append(stream, part.hash, cancellationToken);
            return part;
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    /// <summary>Fetches what is missing.</summary>
    public void Append(IDataFetcher fetcher, CancellationToken cancellationToken)
    {
        if (Length == file.Bytes)
        {
            return;
        }

        CheckRoom();
        IAsyncEnumerator<ReadOnlyMemory<byte>> pieces = fetcher.FetchAsync(file.Sha256, Length, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (Await(pieces.MoveNextAsync()))
            {
                Write(pieces.Current.Span);
            }
        }
        finally
        {
            pieces.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        if (Length < file.Bytes)
        {
            throw DistNetException.Failed(FormattableString.Invariant(
                $"The coordinator's data file '{file.Name}' ended after {Length} bytes; expected {file.Bytes}."));
        }
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        stream.SetLength(0);
        _ = hash.GetHashAndReset();
    }

    /// <summary>Whether the bytes are those of the file described.</summary>
    public bool IsWhole() => Length == file.Bytes && Convert.ToHexStringLower(hash.GetCurrentHash()) == file.Sha256;

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        hash.Dispose();
    }

    // On a thread of its own, which has nothing to do but to wait for the network.
    private static bool Await(ValueTask<bool> moved) => moved.AsTask().GetAwaiter().GetResult();

    private void Write(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > file.Bytes - Length)
        {
            throw DistNetException.Failed(FormattableString.Invariant(
                $"The coordinator sends more of the data file '{file.Name}' than the {file.Bytes} bytes that it described."));
        }

        try
        {
            stream.Write(piece);
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            throw DataCache.NotKept(file, Path.GetDirectoryName(stream.Name)!, error);
        }

        hash.AppendData(piece);
    }

    private void CheckRoom()
    {
        long missing = file.Bytes - Length;
        long room;
        try
        {
            room = new DriveInfo(Path.GetDirectoryName(stream.Name)!).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Not every file system tells; the write will.
            return;
        }

        if (room - SpareBytes < missing)
        {
            throw DistNetException.Failed(
                $"The disk of '{Path.GetDirectoryName(stream.Name)}' has {DataCache.Megabytes(room)} free; fetching the data file '{file.Name}' needs {DataCache.Megabytes(missing + SpareBytes)} (--cache chooses another folder).");
        }
    }
}
