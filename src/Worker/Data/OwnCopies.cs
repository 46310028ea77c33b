using DistNet.Data;

namespace DistNet.Worker.Data;

/// <summary>A file of this machine in place of one of the coordinator's.</summary>
/// <param name="File">The coordinator's file.</param>
/// <param name="Path">This machine's.</param>
/// <param name="IsSame">Whether the bytes are known to be the same; else the loaded data decide, as another packing of the same content is as good.</param>
internal sealed record FoundFile(DataFileInfo File, string Path, bool IsSame);

/// <summary>Finds what a machine has itself.</summary>
internal static class OwnCopies
{
    /// <summary>The copy in the worker's data folder, by the job's name and then by its last part, one with the same bytes before one with others; null where there is none.</summary>
    /// <param name="file">The coordinator's file.</param>
    /// <param name="name">Its name as written in the job.</param>
    /// <param name="dataFolder">The worker's data folder; null for none.</param>
    /// <param name="mayBeFolder">Whether a folder of that name is offered too, as a folder of images is: what is in it decides whether it is the same.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static FoundFile? Offered(DataFileInfo file, string name, string? dataFolder, bool mayBeFolder, CancellationToken cancellationToken)
    {
        if (mayBeFolder && dataFolder is not null && Places(name, Path.GetFullPath(dataFolder)).FirstOrDefault(Directory.Exists) is { } folder)
        {
            return new FoundFile(file, folder, IsSame: false);
        }

        string[] offered = dataFolder is null ? [] : [.. Places(name, Path.GetFullPath(dataFolder)).Where(IsFile)];
        string? same = offered.FirstOrDefault(path => Matches(path, file, cancellationToken));
        return (same ?? offered.FirstOrDefault()) is { } path ? new FoundFile(file, path, IsSame: same is not null) : null;
    }

    /// <summary>The file where the coordinator has it, if that is there and has the same bytes: nobody said that it is a copy.</summary>
    public static FoundFile? Hinted(DataFileInfo file, CancellationToken cancellationToken) =>
        Path.IsPathFullyQualified(file.PathHint) && IsFile(file.PathHint) && Matches(file.PathHint, file, cancellationToken) ? new FoundFile(file, file.PathHint, IsSame: true) : null;

    /// <summary>Whether a file has a described file's bytes.</summary>
    public static bool Matches(string path, DataFileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            using FileStream stream = new(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
            return stream.Length == file.Bytes && FileHash.Of(stream, cancellationToken) == file.Sha256;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // The name comes from the wire: it may lead to no place outside the folder.
    private static IEnumerable<string> Places(string name, string folder)
    {
        string inside = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        return new[] { name, Path.GetFileName(Path.TrimEndingDirectorySeparator(name)) }
            .Select(place => Path.GetFullPath(Path.Combine(folder, place)))
            .Where(path => path.StartsWith(inside, StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal);
    }

    // A pipe or a device has length 0; to open one could wait for ever.
    private static bool IsFile(string path)
    {
        try
        {
            FileInfo info = new(path);
            return info.Exists && (info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target : info).Length > 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
