using System.Globalization;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>The rows of a table, read forward: a CSV file's or a Parquet file's.</summary>
internal abstract class TableRecords : IDisposable
{
    /// <summary>The path, for messages.</summary>
    public abstract string Path { get; }

    /// <summary>The file for messages, as the subject of a sentence: <c>The CSV file 'FILE'</c>.</summary>
    public abstract string Subject { get; }

    /// <summary>Where the current row stands, for messages: <c>Line 3 of 'FILE'</c>.</summary>
    public abstract string Place { get; }

    /// <summary>The number of fields of the current row.</summary>
    public abstract int FieldCount { get; }

    /// <summary>Whether the file itself tells the columns' names, before the first row; else they may be the first row.</summary>
    public virtual bool HasNames => false;

    /// <summary>A field of the current row as text, UTF-8; empty where there is no value. Valid until the next is asked for.</summary>
    public abstract ReadOnlySpan<byte> this[int field] { get; }

    /// <summary>The number in a field of the current row; false where there is none that is finite as a 32-bit float.</summary>
    public abstract bool TryNumber(int field, out float value);

    /// <summary>Goes to the next row; false at the end.</summary>
    /// <exception cref="DistNetException">The file is damaged.</exception>
    public abstract bool Read();

    /// <summary>The texts of a row that <see cref="Read"/> has yet to come to, the names counting as one; null behind the last. Only before the first read.</summary>
    public abstract string[]? Peek(int index);

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Its format and, of CSV, its delimiter.</param>
    /// <exception cref="DistNetException">The file is missing or damaged.</exception>
    public static TableRecords Open(string path, TableOptions options) => options.Format == DataFormat.Parquet ? new ParquetRecords(path)
        : DataFileKinds.Of(path) != DataFileKind.Parquet ? new CsvRecords(path, options.Delimiter)
        : throw DistNetException.BadInput($"The file '{path}' is a Parquet file; expected CSV (data.format: parquet reads it).");

    /// <summary>The number in a text; false where there is none that is finite as a 32-bit float.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out float value) =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);

    /// <inheritdoc/>
    public abstract void Dispose();
}
