using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Protocol;
using DistNet.Training;

namespace DistNet.Coordinator.Data;

/// <summary>The data files of a run, for workers that have no copy: described once, served by SHA-256 from any offset, and nothing else of this machine.</summary>
/// <remarks>Files are hashed once, on a thread of their own. One that changed since is not served: a worker would find out after the last byte, and could do nothing then.</remarks>
public sealed class RunDataFiles
{
    private readonly Lazy<Task<ImmutableArray<HashedFile>>> hashed;

    /// <summary>Finds the files of a job.</summary>
    /// <param name="options">The job's <c>data</c> section.</param>
    /// <param name="dataFolder">The folder where files are looked for first; null for none.</param>
    /// <param name="data">The loaded data: a folder of images is sent as they were decoded, in one file.</param>
    /// <exception cref="DistNetException">A file is missing.</exception>
    public RunDataFiles(DataOptions options, string? dataFolder, LoadedData data)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        bool areFolders = options.Format == DataFormat.Images;
        (string Key, string Name, string Path)[] files =
            [.. DataFileKeys.Of(options).Select(file => (file.Key, LastPart(file.Name), DataLoader.FindFile(file.Name, options.BaseFolder, dataFolder, areFolders)))];
        hashed = new(() => OwnThread.Run("distnet-data-hash", () => areFolders ? [.. files.Select(file => HashImages(file.Key, file.Name, file.Path, data))] : Hash(files)));
    }

    /// <summary>Starts to hash the files, if that was not done: a coordinator calls it while it starts up, so that its first worker need not wait.</summary>
    public void Start() => _ = hashed.Value;

    /// <summary>The files with their sizes and hashes.</summary>
    /// <exception cref="DistNetException">A file cannot be read.</exception>
    public async Task<ImmutableArray<DataFileInfo>> DescribeAsync() => [.. (await hashed.Value.ConfigureAwait(false)).Select(file => file.Info)];

    /// <summary>Opens a file of the run.</summary>
    /// <param name="sha256">The SHA-256 of its bytes.</param>
    /// <param name="offset">Where to begin, 0 to the file's size.</param>
    /// <returns>The file at the offset; to be disposed.</returns>
    /// <exception cref="DistNetException">No file of the run has that hash, the offset is outside, or the file changed or is gone.</exception>
    public async Task<Stream> OpenAsync(string sha256, long offset)
    {
        HashedFile? file = (await hashed.Value.ConfigureAwait(false)).FirstOrDefault(file => file.Info.Sha256 == sha256);
        if (file is null)
        {
            throw DistNetException.BadInput("The run has no data file with the SHA-256 asked for; expected one of those that the coordinator described.");
        }

        if (offset < 0 || offset > file.Info.Bytes)
        {
            throw DistNetException.BadInput(FormattableString.Invariant($"The data file '{file.Info.Name}' has {file.Info.Bytes} bytes and was asked for from byte {offset}; expected an offset inside."));
        }

        if (file.Images is { } images)
        {
            Stream pack = ImagePack.Open(images);
            pack.Position = offset;
            return pack;
        }

        FileStream stream = Open(file.Info.PathHint, bufferSize: 0);
        if (stream.Length != file.Info.Bytes || File.GetLastWriteTimeUtc(stream.SafeFileHandle) != file.Written)
        {
            stream.Dispose();
            throw DistNetException.Failed($"The data file '{file.Info.PathHint}' has changed since the run began and is not sent to workers; expected it as it was.");
        }

        stream.Position = offset;
        return stream;
    }

    private static string LastPart(string name) => Path.GetFileName(Path.TrimEndingDirectorySeparator(name)) is { Length: > 0 } last and not ("." or "..") ? last : "images";

    private static HashedFile HashImages(string key, string name, string path, LoadedData data)
    {
        Dataset split = key switch { "data.train" => data.Train.Data, "data.validation" => data.Validation!.Data, _ => data.Test!.Data };
        ByteDataset images = (ByteDataset)split;
        using Stream pack = ImagePack.Open(images);
        return new HashedFile(new DataFileInfo(key, name, path, pack.Length, FileHash.Of(pack, CancellationToken.None)), default, images);
    }

    private static ImmutableArray<HashedFile> Hash((string Key, string Name, string Path)[] files)
    {
        // Splits may share a file.
        Dictionary<string, HashedFile> byPath = [];
        foreach ((string key, string name, string path) in files)
        {
            byPath.TryAdd(path, Hash(key, name, path));
        }

        return [.. files.Select(file => byPath[file.Path] with { Info = byPath[file.Path].Info with { Key = file.Key, Name = file.Name } })];
    }

    private static HashedFile Hash(string key, string name, string path)
    {
        using FileStream stream = Open(path, bufferSize: 0);
        DateTime written = File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        long bytes = stream.Length;
        return new HashedFile(new DataFileInfo(key, name, path, bytes, FileHash.Of(stream, CancellationToken.None)), written, Images: null);
    }

    private static FileStream Open(string path, int bufferSize)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions { BufferSize = bufferSize, Options = FileOptions.SequentialScan });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.Failed($"The data file '{path}' can no longer be read and is not sent to workers: {error.Message.TrimEnd('.')}.", error);
        }
    }

    private sealed record HashedFile(DataFileInfo Info, DateTime Written, ByteDataset? Images);
}
