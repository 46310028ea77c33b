using DistNet.Training;

namespace DistNet.Data;

/// <summary>How a table is read; header and delimiter are for CSV files alone.</summary>
public sealed record TableOptions
{
    /// <summary>The file's format, <see cref="DataFormat.Csv"/> or <see cref="DataFormat.Parquet"/>.</summary>
    public DataFormat Format { get; init; } = DataFormat.Csv;

    /// <summary>The label's column: <c>first</c>, <c>last</c>, a name (needs a header), or a number from 0 (a name comes before a number where both would do);
    /// for mean squared error also several, separated by commas.</summary>
    public string Label { get; init; } = "last";

    /// <summary>Whether the first line names the columns; null finds out: it does if a field that is no label is not a number, or if its label is not one
    /// but the next line's is.</summary>
    public bool? Header { get; init; }

    /// <summary>The delimiter, one ASCII character.</summary>
    public char Delimiter { get; init; } = ',';

    /// <summary>Columns with missing values or categories, and those to ignore.</summary>
    public ColumnRules Columns { get; init; } = ColumnRules.None;

    /// <summary>The options of a job.</summary>
    public static TableOptions From(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new() { Format = options.Format, Label = options.Label, Header = options.Header, Delimiter = options.Delimiter, Columns = options.Columns };
    }
}
