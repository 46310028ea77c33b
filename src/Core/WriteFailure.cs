namespace DistNet;

/// <summary>What .NET throws when a file cannot be written: a full disk, no right to, a file larger than the system allows.</summary>
public static class WriteFailure
{
    /// <summary>Whether an exception says that a file could not be written.</summary>
    /// <remarks>.NET reports a file beyond the system's limit (EFBIG) as an <see cref="ArgumentOutOfRangeException"/>.</remarks>
    public static bool Is(Exception error) => error is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    /// <summary>The system's words, without a stop at the end.</summary>
    public static string Words(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        string words = error is ArgumentOutOfRangeException ? "the file would be larger than the system allows" : error.Message;
        return words.TrimEnd('.');
    }
}
