using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Data;

/// <summary>Which columns of a CSV file are features and which are labels, and what they are called.</summary>
/// <param name="Width">All columns.</param>
/// <param name="Names">The columns' names; empty without a header.</param>
/// <param name="Features">The indexes of the feature columns, ascending.</param>
/// <param name="Labels">The indexes of the label columns, in the order asked for.</param>
internal sealed record CsvColumns(int Width, ImmutableArray<string> Names, ImmutableArray<int> Features, ImmutableArray<int> Labels)
{
    /// <summary>Whether the first record names the columns.</summary>
    public bool HasHeader => !Names.IsEmpty;

    /// <summary>The names of the feature columns; empty without a header.</summary>
    public ImmutableArray<string> FeatureNames => HasHeader ? [.. Features.Select(index => Names[index])] : [];

    /// <summary>A column for a message: its name, or its number from 0.</summary>
    public string Shown(int column) => HasHeader
        ? $"column '{DataFile.Shown(System.Text.Encoding.UTF8.GetBytes(Names[column]))}'"
        : $"column {column.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Finds out from the first records.</summary>
    /// <param name="records">The file, before its first read.</param>
    /// <param name="options">What the user said.</param>
    /// <param name="kind">What labels are.</param>
    /// <exception cref="DistNetException">There is no record, or no such label column.</exception>
    public static CsvColumns Find(CsvRecords records, CsvOptions options, LabelKind kind)
    {
        string[] first = records.Peek(0) ?? throw DistNetException.BadInput($"The CSV file '{records.Path}' has no rows; expected at least one sample.");
        ImmutableArray<string> trimmed = [.. first.Select(name => name.Trim())];
        bool hasHeader = options.Header ?? LooksLikeHeader(records, trimmed, options, kind);
        ImmutableArray<string> names = hasHeader ? trimmed : [];
        ImmutableArray<int> labels = kind == LabelKind.None ? [] : FindLabels(records.Path, names, first.Length, options.Label, kind);
        ImmutableArray<int> features = [.. Enumerable.Range(0, first.Length).Except(labels)];
        if (features.IsEmpty)
        {
            throw DistNetException.BadInput($"The CSV file '{records.Path}' has no feature columns besides the label (it has {first.Length} with the delimiter '{options.Delimiter}'); expected at least one.");
        }

        return new CsvColumns(first.Length, names, features, labels);
    }

    private static bool LooksLikeHeader(CsvRecords records, ImmutableArray<string> first, CsvOptions options, LabelKind kind)
    {
        if (kind != LabelKind.None && LabelNames(first, options.Label).All(name => first.Contains(name) && !IsPosition(name) && !IsNumber(name)))
        {
            return true;
        }

        // Labels given by name without such a column: report the missing name against the header, if there is one.
        HashSet<int> labels = [.. kind == LabelKind.None ? [] : LabelNames(first, options.Label).Select(name => Position(name, first.Length) ?? -1)];
        if (first.Where((text, column) => !labels.Contains(column) && text.Length > 0 && !IsNumber(text)).Any())
        {
            return true;
        }

        // A class may be a text; but a text over a column of numbers is a name.
        return records.Peek(1) is { } second && labels.Any(column =>
            column >= 0 && column < second.Length && first[column].Length > 0 && !IsNumber(first[column]) && IsNumber(second[column]));
    }

    private static ImmutableArray<int> FindLabels(string path, ImmutableArray<string> names, int width, string label, LabelKind kind)
    {
        string[] wanted = LabelNames(names, label);
        ImmutableArray<int> labels = [.. wanted.Select(name => FindLabel(path, names, width, name))];
        if (labels.Length > 1 && kind != LabelKind.Numbers)
        {
            throw DistNetException.BadInput($"The label '{label}' names {labels.Length} columns; expected one, as only mean-squared-error takes several.");
        }

        if (labels.Distinct().Count() < labels.Length)
        {
            throw DistNetException.BadInput($"The label '{label}' names a column twice; expected each once.");
        }

        return labels;
    }

    private static int FindLabel(string path, ImmutableArray<string> names, int width, string label)
    {
        if (!IsPosition(label) && names.IndexOf(label) is >= 0 and int index)
        {
            return names.LastIndexOf(label) == index
                ? index
                : throw DistNetException.BadInput($"The CSV file '{path}' has several columns named '{label}'; expected the label's name once, or its number.");
        }

        if (Position(label, width) is { } position)
        {
            return position >= 0 && position < width
                ? position
                : throw DistNetException.BadInput($"The CSV file '{path}' has no column {label}: it has {width} columns, numbered 0 to {width - 1}.");
        }

        throw DistNetException.BadInput(names.IsEmpty
            ? $"The CSV file '{path}' has no header, so the label column '{label}' cannot be found; expected first, last or a number from 0 to {width - 1}."
            : $"The CSV file '{path}' has no column '{label}' for the label{NearestName.Hint(label, names)}{(NearestName.Of(label, names) is null ? "." : "")}");
    }

    // A name may hold commas itself.
    private static string[] LabelNames(ImmutableArray<string> names, string label) =>
        names.Contains(label.Trim()) ? [label.Trim()] : label.Split(',', StringSplitOptions.TrimEntries);

    private static bool IsPosition(string label) => label is "first" or "last";

    private static int? Position(string label, int width) => label switch
    {
        "first" => 0,
        "last" => width - 1,
        _ => int.TryParse(label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null,
    };

    private static bool IsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
