using Parquet;
using Parquet.Schema;

namespace DistNet.Tests.Data;

/// <summary>Parquet files as another library writes them.</summary>
internal static class ParquetMaker
{
    /// <summary>A column, and how it writes some of its values into a row group.</summary>
    public sealed record Column(DataField Field, int Count, Func<ParquetRowGroupWriter, DataField, int, int, Task> Write);

    public static Column Of<T>(string name, params T[] values)
        where T : struct =>
        new(new DataField<T>(name), values.Length, (group, field, first, count) => group.WriteAsync<T>(field, values.AsMemory(first, count)));

    public static Column OfMissing<T>(string name, params T?[] values)
        where T : struct =>
        new(new DataField<T?>(name), values.Length, (group, field, first, count) => group.WriteAsync<T>(field, (ReadOnlyMemory<T?>)values.AsMemory(first, count)));

    public static Column OfTexts(string name, params string?[] values) =>
        new(new DataField<string>(name), values.Length, (group, field, first, count) => group.WriteAsync(field, values.AsSpan(first, count).ToArray()));

    /// <summary>A file.</summary>
    /// <param name="options">How it is packed and encoded.</param>
    /// <param name="rowsOfGroup">The rows of a row group; the last may have fewer.</param>
    /// <param name="columns">The columns, of equal length.</param>
    public static async Task<byte[]> Write(ParquetOptions options, int rowsOfGroup, params Column[] columns)
    {
        using MemoryStream stream = new();
        ParquetSchema schema = new([.. columns.Select(column => column.Field)]);
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream, options))
        {
            for (int first = 0; first < columns[0].Count; first += rowsOfGroup)
            {
                using ParquetRowGroupWriter group = writer.CreateRowGroup();
                for (int i = 0; i < columns.Length; i++)
                {
                    await columns[i].Write(group, schema.DataFields[i], first, Math.Min(rowsOfGroup, columns[i].Count - first));
                }
            }
        }

        return stream.ToArray();
    }
}
