using DistNet.Data;

namespace DistNet.Worker.Data;

/// <summary>Fetched files, each under the SHA-256 of its bytes, which are hashed again at every use. A fetch that broke off goes on from where it stopped.</summary>
/// <remarks>
/// Workers of one machine share the folder. Who fetches holds the lock file of that hash (the system's lock: it ends with the process) and appends to <c>HASH.partial</c>; a whole file
/// takes its name by a rename. Who finds the lock held waits, and, should the partial file not grow (its writer is stopped, or far from its coordinator), fetches into a file of its own.
/// </remarks>
/// <param name="folder">The folder; made when it is needed.</param>
/// <param name="patience">How long a partial file of another process may stand still before it is no longer waited for.</param>
internal sealed class DataCache(string folder, TimeSpan patience)
{
    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromDays(1);

    /// <summary>The cached file with a described file's bytes; null where there is none. A damaged one is removed.</summary>
    public string? Find(DataFileInfo file, CancellationToken cancellationToken)
    {
        string path = PathOf(file);
        if (!File.Exists(path) || OwnCopies.Matches(path, file, cancellationToken))
        {
            return File.Exists(path) ? path : null;
        }

        TryDelete(path);
        return null;
    }

    /// <summary>Fetches a file, or waits while another process of this machine does.</summary>
    /// <returns>The cached file.</returns>
    /// <exception cref="DistNetException">The folder takes no file, the disk has no room, or what came is not the file described. What the fetcher throws passes through, and the part that came stays.</exception>
    public string Fetch(DataFileInfo file, IDataFetcher fetcher, CancellationToken cancellationToken)
    {
        using FileStream? hold = Keeping(file, () => Hold(file, cancellationToken));
        if (Find(file, cancellationToken) is { } fetched)
        {
            return fetched;
        }

        string partial = hold is null ? Path.Combine(folder, $"{file.Sha256}.{Guid.NewGuid():N}.partial") : PathOf(file) + ".partial";
        try
        {
            Receive(file, partial, fetcher, cancellationToken);
            return Keeping(file, () =>
            {
                File.Move(partial, PathOf(file), overwrite: true);
                return PathOf(file);
            });
        }
        finally
        {
            if (hold is null)
            {
                TryDelete(partial);
            }
        }
    }

    /// <summary>A size for a sentence, <c>12.3 MB</c>.</summary>
    public static string Megabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e6:#,0.0} MB");

    private void Receive(DataFileInfo file, string partial, IDataFetcher fetcher, CancellationToken cancellationToken)
    {
        RemoveAbandoned(file);
        using PartialFile part = Keeping(file, () => PartialFile.Open(partial, file, cancellationToken));
        bool resumed = part.Length > 0;
        part.Append(fetcher, cancellationToken);
        if (resumed && !part.IsWhole())
        {
            // What was there from an earlier time may be the damaged part: once more from the start.
            part.Clear();
            part.Append(fetcher, cancellationToken);
        }

        if (!part.IsWhole())
        {
            part.Clear();
            throw DistNetException.Failed($"The coordinator sent {Megabytes(file.Bytes)} for the data file '{file.Name}' whose SHA-256 is not the one that it described ({file.Sha256[..12]}…); nothing of it is used.");
        }
    }

    // The lock; null where another process holds it and does not get on.
    private FileStream? Hold(DataFileInfo file, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        string path = PathOf(file) + ".lock";
        FileInfo partial = new(PathOf(file) + ".partial");
        long length = -1;
        long moved = TimeProvider.System.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process fetches.
            }

            partial.Refresh();
            long now = partial.Exists ? partial.Length : 0;
            if (now != length)
            {
                (length, moved) = (now, TimeProvider.System.GetTimestamp());
            }
            else if (TimeProvider.System.GetElapsedTime(moved) > patience)
            {
                return null;
            }

            cancellationToken.WaitHandle.WaitOne(LockInterval);
        }
    }

    /// <summary>Why a folder takes no file, in one sentence.</summary>
    public static DistNetException NotKept(DataFileInfo file, string folder, Exception error) => DistNetException.Failed(
        $"The data file '{file.Name}' cannot be kept in '{folder}': {WriteFailure.Words(error)}; expected a folder with room for {Megabytes(file.Bytes)} (--cache chooses it).", error);

    private T Keeping<T>(DataFileInfo file, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            throw NotKept(file, folder, error);
        }
    }

    // Parts of processes that fetched beside a stopped one and were killed.
    private void RemoveAbandoned(DataFileInfo file)
    {
        foreach (FileInfo part in new DirectoryInfo(folder).EnumerateFiles($"{file.Sha256}.*.partial"))
        {
            if (DateTime.UtcNow - part.LastWriteTimeUtc > AbandonedAfter)
            {
                TryDelete(part.FullName);
            }
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is replaced when the file was fetched.
        }
    }

    // Safe as a file name: DataFileInfo.Check has seen it.
    private string PathOf(DataFileInfo file) => Path.Combine(folder, file.Sha256);
}
