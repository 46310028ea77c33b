using System.Text;
using CsvHelper;

namespace DistNet.Data;

/// <summary>The records of a CSV file with their lines, read forward, with a look at the first two ahead (to find out whether there is a header).</summary>
internal sealed class CsvRecords : TableRecords
{
    // 16 MiB of one record: more than a million columns, and an end to an unclosed quote in a large file.
    private const int MaximumRecordBytes = 1 << 24;

    private readonly DataFile file;
    private readonly CsvReader reader;
    private readonly Queue<(byte[][] Fields, long Line)> ahead = [];
    private byte[][]? current;
    private long currentLine;

    public CsvRecords(string path, char delimiter)
    {
        if (!char.IsAscii(delimiter) || delimiter is '"' or '\r' or '\n' or '\0')
        {
            throw DistNetException.BadInput($"The delimiter '{delimiter}' cannot be used; expected one ASCII character other than a quote or a line break.");
        }

        file = DataFile.Open(path);
        reader = CsvReader.Create(file.Content, new CsvReaderOptions
        {
            HasHeader = false,
            Separator = delimiter,
            TrackLineNumbers = true,
            MaxRecordSize = MaximumRecordBytes,
            MalformedData = CsvMalformedDataHandling.Throw,
        });
    }

    /// <inheritdoc/>
    public override string Path => file.Path;

    /// <inheritdoc/>
    public override string Subject => $"The CSV file '{Path}'";

    /// <inheritdoc/>
    public override string Place => $"Line {DataFile.Shown(Line)} of '{Path}'";

    // The line on which the current record starts, from 1.
    private long Line => current is null ? reader.LineNumber : currentLine;

    /// <inheritdoc/>
    public override int FieldCount => current?.Length ?? reader.FieldCount;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> this[int field] => current is null ? reader.GetSpan(field) : current[field];

    /// <summary>Goes to the next record; false at the end. Empty lines are passed over.</summary>
    /// <exception cref="DistNetException">The quotes are wrong, a record is too long, or the gzip file is damaged.</exception>
    public override bool Read()
    {
        if (ahead.TryDequeue(out (byte[][] Fields, long Line) record))
        {
            (current, currentLine) = record;
            return true;
        }

        current = null;
        return ReadFile();
    }

    /// <inheritdoc/>
    public override bool TryNumber(int field, out float value)
    {
        ReadOnlySpan<byte> text = this[field];
        if (text.Length is 1 or 2 && IsDigit(text[0]) && IsDigit(text[^1]))
        {
            value = text.Length == 1 ? text[0] - '0' : ((text[0] - '0') * 10) + (text[1] - '0');
            return true;
        }

        return TryParse(text, out value);
    }

    /// <inheritdoc/>
    public override string[]? Peek(int index)
    {
        while (ahead.Count <= index)
        {
            if (!ReadFile())
            {
                return null;
            }

            byte[][] fields = new byte[reader.FieldCount][];
            for (int i = 0; i < fields.Length; i++)
            {
                fields[i] = reader.GetSpan(i).ToArray();
            }

            ahead.Enqueue((fields, reader.LineNumber));
        }

        return [.. ahead.ElementAt(index).Fields.Select(Encoding.UTF8.GetString)];
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        reader.Dispose();
        file.Dispose();
    }

    private static bool IsDigit(byte symbol) => symbol is >= (byte)'0' and <= (byte)'9';

    private bool ReadFile()
    {
        try
        {
            return reader.Read();
        }
        catch (CsvFormatException error)
        {
            // Its message is "Malformed CSV in record 1 (line 1): a quoted field that is never closed (byte offset 4)."
            int reason = error.Message.IndexOf("): ", StringComparison.Ordinal);
            string found = (reason < 0 ? error.Message : error.Message[(reason + 3)..]).TrimEnd('.');
            throw DistNetException.BadInput($"The CSV file '{Path}' is malformed at line {DataFile.Shown(Math.Max(error.LineNumber, 1))}: {found}.", error);
        }
    }
}
