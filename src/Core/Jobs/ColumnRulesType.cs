using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Data;

namespace DistNet.Jobs;

/// <summary>The rules of a table's columns: a section with a key for each column that has one, <c>age: { missing: mean }</c>.</summary>
public sealed class ColumnRulesType : JobValueType
{
    private static readonly WordType Encodings = new(("one-hot", CategoryEncoding.OneHot), ("codes", CategoryEncoding.Codes));
    private static readonly WordType Unknowns = new(("refuse", UnknownCategory.Refuse), ("own", UnknownCategory.Own));
    private static readonly TextType Missing = new("mean, median, zero, most-frequent, or the number or category that stands in place of a missing value");

    /// <summary>The keys of one column's rule.</summary>
    public static ImmutableArray<(string Name, JobValueType Type)> Keys { get; } = [("missing", Missing), ("categories", Encodings), ("unknown", Unknowns)];

    /// <inheritdoc/>
    public override string Expected => "a section with a key for each column, each a section with missing, categories or unknown";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        if (value is JobScalar { IsNull: true })
        {
            result = ImmutableArray<(string, ColumnRule)>.Empty;
            return true;
        }

        if (value is not JobSection section)
        {
            return false;
        }

        result = section.Entries.Select(entry => (entry.Name, Read(entry))).ToImmutableArray();
        return true;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        foreach ((string column, ColumnRule rule) in (ImmutableArray<(string, ColumnRule)>)value!)
        {
            writer.WriteStartObject(column);
            if (rule.Missing is not null)
            {
                writer.WriteString("missing", rule.Missing);
            }

            if (rule.Categories != CategoryEncoding.None)
            {
                writer.WritePropertyName("categories");
                Encodings.Write(writer, rule.Categories);
                writer.WritePropertyName("unknown");
                Unknowns.Write(writer, rule.Unknown);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static ColumnRule Read(JobEntry column)
    {
        string path = $"data.columns.{column.Name}";
        if (column.Value is not JobSection { Entries.IsEmpty: false } section)
        {
            throw DistNetException.BadInput($"{column.Value.Place}: {path} is {column.Value.Found}; expected a section with missing, categories or unknown.");
        }

        ColumnRule rule = new();
        foreach (JobEntry entry in section.Entries)
        {
            JobValueType type = Keys.FirstOrDefault(key => key.Name == entry.Name).Type
                ?? throw DistNetException.BadInput($"{entry.Place}: unknown key {path}.{entry.Name}; the nearest known key is {path}.{NearestName.Closest(entry.Name, Keys.Select(key => key.Name))}.");
            if (!type.TryRead(entry.Value, out object? value))
            {
                throw DistNetException.BadInput($"{entry.Value.Place}: {path}.{entry.Name} is {entry.Value.Found}; expected {type.Expected}.");
            }

            rule = entry.Name switch
            {
                "missing" => rule with { Missing = (string?)value },
                "categories" => rule with { Categories = (CategoryEncoding)value! },
                _ => rule with { Unknown = (UnknownCategory)value! },
            };
        }

        return rule;
    }
}
