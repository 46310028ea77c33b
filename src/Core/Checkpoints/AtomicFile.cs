using System.Text;

namespace DistNet.Checkpoints;

/// <summary>Writes a file so that whoever looks, also after a crash, finds the old content or the new, never a part: temporary sibling, fsync, rename, fsync of the folder.</summary>
public static class AtomicFile
{
    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <param name="path">The file; replaced if it is there. One writer at a time.</param>
    /// <param name="text">The content.</param>
    /// <exception cref="DistNetException">The disk is full or the file cannot be written; the old content is intact.</exception>
    public static void WriteAllText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what <paramref name="content"/> writes.</summary>
    /// <param name="path">The file; replaced if it is there. One writer at a time.</param>
    /// <param name="content">Writes the content; an exception of its own leaves the old file as it was.</param>
    /// <param name="mark">Distinguishes the temporary sibling of writers that no lock keeps apart; empty where there is one writer.</param>
    /// <exception cref="DistNetException">The disk is full or the file cannot be written; the old content is intact.</exception>
    public static void Write(string path, Action<Stream> content, string mark = "")
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(content);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}{mark}.tmp");
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                content(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            FolderSync.Flush(folder);
        }
        catch (Exception error)
        {
            TryDelete(temporary);
            if (WriteFailure.Is(error))
            {
                throw DistNetException.Failed($"The file '{path}' could not be written: {WriteFailure.Words(error)}; what was there before is intact.", error);
            }

            throw;
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
            // A leftover is overwritten by the next write.
        }
    }
}
