namespace DistNet.Data;

/// <summary>One data file of a run as the coordinator has it: what a worker needs to find or to fetch the same bytes.</summary>
/// <param name="Key">Its key in the job: <c>data.train</c>, <c>data.validation.images</c>, ….</param>
/// <param name="Name">Its name without any folder, for sentences.</param>
/// <param name="PathHint">Where the coordinator has it, in full: a place to look on the same machine or the same network file system, never a place to write.</param>
/// <param name="Bytes">Its size on disk, packed.</param>
/// <param name="Sha256">SHA-256 of the file's bytes as they are on disk, in lower-case hexadecimal.</param>
public sealed record DataFileInfo(string Key, string Name, string PathHint, long Bytes, string Sha256)
{
    /// <summary>The largest file that is fetched, 1 TiB: a larger size from the wire is a mistake or a lie.</summary>
    public const long MaximumBytes = 1L << 40;

    /// <summary>The longest name or path, as the systems have it.</summary>
    public const int MaximumPathLength = 4096;

    private const int Sha256Length = 64;

    /// <summary>Whether a text is a SHA-256 in lower-case hexadecimal, and so a file name without surprises.</summary>
    public static bool IsSha256(string? text) => text is { Length: Sha256Length } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>Checks what came from the wire.</summary>
    /// <exception cref="DistNetException">A value cannot be that of a data file.</exception>
    public void Check()
    {
        string? wrong = !IsSha256(Sha256) ? "a SHA-256 that is not 64 lower-case hexadecimal digits"
            : Bytes is < 1 or > MaximumBytes ? FormattableString.Invariant($"a size of {Bytes} bytes, expected 1 to 2^40")
            : !IsText(Name) || Name is "" or "." or ".." || Name.AsSpan().ContainsAny('/', '\\') ? "a name that no file can have"
            : !IsText(PathHint) ? "a path that no file can have"
            : null;
        if (wrong is not null)
        {
            throw DistNetException.BadInput($"The coordinator describes a data file with {wrong}.");
        }
    }

    private static bool IsText(string? text) => text is { Length: <= MaximumPathLength } && !text.Any(char.IsControl);
}
