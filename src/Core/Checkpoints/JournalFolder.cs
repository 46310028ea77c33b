using System.Globalization;
using System.Text;

namespace DistNet.Checkpoints;

/// <summary>A run's journal in its folder: <c>journal.json</c>, and for each term an empty file <c>terms/0000001</c>, which only one process can create.</summary>
/// <param name="runFolder">The run folder; it exists.</param>
public sealed class JournalFolder(string runFolder) : IJournalFiles
{
    /// <summary>The journal's name.</summary>
    public const string JournalName = "journal.json";

    /// <summary>The name of the claims' folder.</summary>
    public const string TermsName = "terms";

    // A journal is some 100 bytes; what is longer is none.
    private const int MaximumBytes = 4096;

    // EEXIST and ERROR_FILE_EXISTS: the only way to tell that the file was there when it should be created.
    private const int Exists = 17;
    private const int WindowsExists = 80;

    private readonly string journal = Path.Combine(Path.GetFullPath(runFolder), JournalName);
    private readonly string mark = $".{Guid.NewGuid():N}";
    private readonly string terms = Path.Combine(Path.GetFullPath(runFolder), TermsName);

    /// <inheritdoc/>
    public string Place => journal;

    /// <inheritdoc/>
    public string? Read()
    {
        try
        {
            using FileStream file = new(journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > MaximumBytes)
            {
                return "";
            }

            using StreamReader reader = new(file);
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.Failed($"The file '{journal}' cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }

    /// <inheritdoc/>
    public void Write(string text) => AtomicFile.Write(journal, stream => stream.Write(Encoding.UTF8.GetBytes(text)), mark);

    /// <inheritdoc/>
    public bool TryClaim(int term)
    {
        string claim = ClaimOf(term);
        try
        {
            Directory.CreateDirectory(terms);
            new FileStream(claim, FileMode.CreateNew, FileAccess.Write).Dispose();
            FolderSync.Flush(terms);
            return true;
        }
        catch (IOException error) when ((error.HResult & 0xFFFF) is Exists or WindowsExists)
        {
            return false;
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            throw DistNetException.Failed($"The term {term} could not be claimed by the file '{claim}': {WriteFailure.Words(error)}.", error);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<int> Claims()
    {
        if (!Directory.Exists(terms))
        {
            return [];
        }

        var claims = new List<int>();
        foreach (string path in Directory.EnumerateFiles(terms))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int term))
            {
                claims.Add(term);
            }
        }

        return claims;
    }

    /// <inheritdoc/>
    public void Forget(int term)
    {
        try
        {
            File.Delete(ClaimOf(term));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A claim more: it only says that its term is used.
        }
    }

    private string ClaimOf(int term) => Path.Combine(terms, term.ToString("D7", CultureInfo.InvariantCulture));
}
