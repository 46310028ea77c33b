namespace DistNet.Cli.Consoles;

/// <summary>Text that can be pasted into a shell.</summary>
internal static class ShellText
{
    /// <summary>One argument, quoted where the shell would read it otherwise.</summary>
    public static string Quoted(string text) => text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./=:,+@%".Contains(letter, StringComparison.Ordinal))
        ? text
        : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
