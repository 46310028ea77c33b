using System.Globalization;
using System.Text;

namespace DistNet.Data;

/// <summary>A data file opened for reading from its start to its end, unpacked where its content (not its name) is gzip.</summary>
internal sealed class DataFile : IDisposable
{
    private readonly FileStream file;

    private DataFile(string path, FileStream file, Stream content, bool isGzip)
    {
        Path = path;
        this.file = file;
        Content = content;
        IsGzip = isGzip;
        FileBytes = file.Length;
    }

    /// <summary>The path, for messages.</summary>
    public string Path { get; }

    /// <summary>The file as it is, at its start until <see cref="Content"/> was read.</summary>
    public FileStream File => file;

    /// <summary>The unpacked content; its end is reached only if the whole file was read and, for gzip, is intact.</summary>
    public Stream Content { get; }

    /// <summary>Whether the file is gzip.</summary>
    public bool IsGzip { get; }

    /// <summary>The file's size on disk, packed.</summary>
    public long FileBytes { get; }

    /// <summary>The most bytes that the content can have: deflate packs at most 1,032 bytes into one.</summary>
    public long MaximumContentBytes => IsGzip ? FileBytes * 1032 : FileBytes;

    /// <summary>Opens a file.</summary>
    /// <exception cref="DistNetException">The file is missing, unreadable or empty.</exception>
    public static DataFile Open(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 1 << 16 });
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw DistNetException.BadInput($"The data file '{path}' does not exist.", error);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            string found = Directory.Exists(path) ? "it is a folder, expected a file" : error.Message.TrimEnd('.');
            throw DistNetException.BadInput($"The data file '{path}' cannot be read: {found}.", error);
        }

        try
        {
            if (!file.CanSeek)
            {
                throw DistNetException.BadInput($"The data file '{path}' is a pipe or a device; expected a regular file.");
            }

            if (file.Length == 0)
            {
                throw DistNetException.BadInput($"The data file '{path}' is empty: it has 0 bytes.");
            }

            Span<byte> magic = stackalloc byte[2];
            bool isGzip = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
            file.Position = 0;
            return new DataFile(path, file, isGzip ? new GzipContent(path, file) : file, isGzip);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Text of a file for a message: shortened, control characters replaced.</summary>
    public static string Shown(ReadOnlySpan<byte> text)
    {
        const int Longest = 24;
        StringBuilder shown = new();
        foreach (char symbol in Encoding.UTF8.GetString(text[..Math.Min(text.Length, 4 * Longest)]))
        {
            if (shown.Length == Longest)
            {
                shown.Append('…');
                break;
            }

            shown.Append(char.IsControl(symbol) ? '\uFFFD' : symbol);
        }

        return shown.ToString();
    }

    /// <summary>A count for a message, <c>60,000</c>.</summary>
    public static string Shown(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A value for a message, shortest form.</summary>
    public static string ShownNumber(float value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        Content.Dispose();
        file.Dispose();
    }
}
