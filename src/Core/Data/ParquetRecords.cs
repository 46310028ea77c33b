namespace DistNet.Data;

/// <summary>The rows of a Parquet file, read forward. Of each row group only the columns asked for are read, all rows of it at once.</summary>
internal sealed class ParquetRecords : TableRecords
{
    private readonly DataFile file;
    private readonly ParquetMetadata metadata;
    private readonly ParquetValues?[] columns;
    private readonly byte[] text = new byte[32];
    private int group = -1;
    private int row;
    private long rowsBefore;

    public ParquetRecords(string path)
    {
        file = DataFile.Open(path);
        try
        {
            metadata = Checked(Subject, () => ParquetMetadata.Read(file.File));
        }
        catch
        {
            file.Dispose();
            throw;
        }

        columns = new ParquetValues?[metadata.Columns.Length];
    }

    /// <inheritdoc/>
    public override string Path => file.Path;

    /// <inheritdoc/>
    public override string Subject => $"The Parquet file '{Path}'";

    /// <inheritdoc/>
    public override string Place => $"Row {DataFile.Shown(rowsBefore + row + 1)} of '{Path}'";

    /// <inheritdoc/>
    public override int FieldCount => columns.Length;

    /// <inheritdoc/>
    public override bool HasNames => true;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> this[int field] => Column(field).Text(row, text);

    /// <inheritdoc/>
    public override bool TryNumber(int field, out float value) => Column(field).TryNumber(row, out value);

    /// <inheritdoc/>
    public override bool Read()
    {
        row++;
        while (group < 0 || row >= metadata.Groups[group].Rows)
        {
            if (group + 1 >= metadata.Groups.Length)
            {
                return false;
            }

            rowsBefore += group < 0 ? 0 : metadata.Groups[group].Rows;
            group++;
            row = 0;
            Array.Clear(columns);
        }

        return true;
    }

    /// <inheritdoc/>
    public override string[]? Peek(int index) => index == 0 ? [.. metadata.Columns.Select(column => column.Name)] : null;

    /// <inheritdoc/>
    public override void Dispose() => file.Dispose();

    private ParquetValues Column(int field)
    {
        if (columns[field] is { } known)
        {
            return known;
        }

        ParquetColumn column = metadata.Columns[field];
        string subject = $"The column '{DataFile.Shown(System.Text.Encoding.UTF8.GetBytes(column.Name))}' of '{Path}'";
        return columns[field] = column.Unread is null
            ? Checked(subject, () => ReadColumn(column, metadata.Groups[group]))
            : throw DistNetException.BadInput($"{subject} holds {column.Unread}; expected numbers, booleans or texts (data.ignore leaves a column out).");
    }

    private ParquetValues ReadColumn(ParquetColumn column, ParquetGroup rows)
    {
        ParquetChunk chunk = rows.Chunks[column.Chunk];
        byte[] bytes = chunk.Length <= Array.MaxLength ? new byte[chunk.Length] : throw new InvalidDataException($"a chunk has {DataFile.Shown(chunk.Length)} bytes, expected at most {DataFile.Shown(Array.MaxLength)}");
        file.File.Position = chunk.Start;
        file.File.ReadExactly(bytes);
        return ParquetValues.Read(bytes, chunk.Codec, column, rows.Rows);
    }

    private static T Checked<T>(string subject, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw DistNetException.BadInput($"{subject} cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
