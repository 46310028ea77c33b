namespace DistNet.Cli.RunFolders;

/// <summary>Writes fields of CSV.</summary>
internal static class CsvText
{
    /// <summary>A field, quoted where it must be.</summary>
    public static string Field(string text) => text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
