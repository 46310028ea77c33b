using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Data;

/// <summary>Which columns of a table are features and which are labels, and what they are called.</summary>
/// <param name="Width">All columns.</param>
/// <param name="Names">The columns' names; empty without a header.</param>
/// <param name="Features">The indexes of the feature columns, ascending.</param>
/// <param name="Labels">The indexes of the label columns, in the order asked for.</param>
/// <param name="Rules">The rule of each feature; null for none.</param>
internal sealed record TableColumns(int Width, ImmutableArray<string> Names, ImmutableArray<int> Features, ImmutableArray<int> Labels, ImmutableArray<ColumnRule?> Rules)
{
    private const string LabelKey = "data.label";

    /// <summary>Whether the columns have names: by the first record, or by the file itself.</summary>
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
    /// <param name="expected">What the training data decided, for a further file: it says which rule each feature has, and columns to ignore may be missing; null for the training data themselves.</param>
    /// <exception cref="DistNetException">There is no record, or no column that the options name.</exception>
    public static TableColumns Find(TableRecords records, TableOptions options, LabelKind kind, DataExpectation? expected)
    {
        string[] first = records.Peek(0) ?? throw DistNetException.BadInput($"{records.Subject} has no rows; expected at least one sample.");
        ImmutableArray<string> trimmed = [.. first.Select(name => name.Trim())];
        bool hasHeader = records.HasNames || (options.Header ?? (expected is { Columns.IsEmpty: false }
            ? trimmed.Any(expected.ColumnNames.Contains)
            : LooksLikeHeader(records, trimmed, options, kind)));
        ImmutableArray<string> names = hasHeader ? trimmed : [];
        ImmutableArray<int> labels = kind == LabelKind.None ? [] : FindLabels(records.Subject, names, first.Length, options.Label, kind);
        ImmutableArray<int> ignored = [.. options.Columns.Ignore
            .Where(name => expected is null || !hasHeader || names.Contains(name) || IsPlace(name))
            .Select(name => FindColumn(records.Subject, names, first.Length, name, "data.ignore"))];
        if (expected is null && options.Columns.Ignore.Zip(ignored).FirstOrDefault(pair => labels.Contains(pair.Second)).First is { } both)
        {
            throw DistNetException.BadInput($"data.ignore has '{both}', which is a label in the {records.Subject[4..]}; expected columns that are no labels.");
        }

        ImmutableArray<int> features = [.. Enumerable.Range(0, first.Length).Except(labels).Except(ignored)];
        if (features.IsEmpty)
        {
            throw DistNetException.BadInput($"{records.Subject} has no feature columns besides the label (it has {first.Length}{(records.HasNames ? "" : $" with the delimiter '{options.Delimiter}'")}); expected at least one.");
        }

        ImmutableArray<ColumnRule?> rules = expected is null
            ? FindRules(records.Subject, names, first.Length, features, options.Columns)
            : expected.Columns.IsEmpty ? [.. features.Select(_ => (ColumnRule?)null)] : [.. expected.Columns.Select(column => (ColumnRule?)column.Rule)];
        return new TableColumns(first.Length, names, features, labels, rules);
    }

    private static ImmutableArray<ColumnRule?> FindRules(string subject, ImmutableArray<string> names, int width, ImmutableArray<int> features, ColumnRules rules)
    {
        Dictionary<int, (string Name, ColumnRule Rule)> byColumn = [];
        foreach ((string name, ColumnRule rule) in rules.Rules)
        {
            int column = FindColumn(subject, names, width, name, "data.columns");
            if (!features.Contains(column))
            {
                throw DistNetException.BadInput($"data.columns has a rule for '{name}', which is a label or ignored in the {subject[4..]}; expected features.");
            }

            if (!byColumn.TryAdd(column, (name, rule)))
            {
                throw DistNetException.BadInput($"data.columns has two rules for one column of the {subject[4..]}, '{byColumn[column].Name}' and '{name}'; expected one.");
            }
        }

        return [.. features.Select(column => byColumn.TryGetValue(column, out (string, ColumnRule Rule) found) ? found.Rule : null)];
    }

    private static bool LooksLikeHeader(TableRecords records, ImmutableArray<string> first, TableOptions options, LabelKind kind)
    {
        string[] labelNames = kind == LabelKind.None ? [] : LabelNames(first, options.Label);
        if (labelNames.Length > 0 && labelNames.All(IsName))
        {
            return true;
        }

        string[] others = [.. options.Columns.Ignore, .. options.Columns.Rules.Select(rule => rule.Column)];
        if (others.Any(IsName))
        {
            return true;
        }

        // Labels given by name without such a column: report the missing name against the header, if there is one.
        HashSet<int> texts = [.. labelNames.Concat(others).Select(name => Position(name, first.Length) ?? -1)];
        if (first.Where((text, column) => !texts.Contains(column) && text.Length > 0 && !IsNumber(text)).Any())
        {
            return true;
        }

        // A class may be a text; but a text over a column of numbers is a name.
        return records.Peek(1) is { } second && texts.Any(column =>
            column >= 0 && column < second.Length && first[column].Length > 0 && !IsNumber(first[column]) && IsNumber(second[column]));

        bool IsName(string name) => first.Contains(name) && !IsPosition(name) && !IsNumber(name);
    }

    private static ImmutableArray<int> FindLabels(string subject, ImmutableArray<string> names, int width, string label, LabelKind kind)
    {
        string[] wanted = LabelNames(names, label);
        ImmutableArray<int> labels = [.. wanted.Select(name => FindColumn(subject, names, width, name, LabelKey))];
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

    private static int FindColumn(string subject, ImmutableArray<string> names, int width, string name, string key)
    {
        bool isLabel = key == LabelKey;
        if (!IsPosition(name) && names.IndexOf(name) is >= 0 and int index)
        {
            return names.LastIndexOf(name) == index
                ? index
                : throw DistNetException.BadInput($"{subject} has several columns named '{name}'; expected the {(isLabel ? "label's name" : $"one that {key} names")} once, or its number.");
        }

        if (Position(name, width) is { } position)
        {
            return position >= 0 && position < width
                ? position
                : throw DistNetException.BadInput($"{subject} has no column {name}: it has {width} columns, numbered 0 to {width - 1}.");
        }

        throw DistNetException.BadInput(names.IsEmpty
            ? $"{subject} has no header, so the {(isLabel ? "label " : "")}column '{name}'{(isLabel ? "" : $" of {key}")} cannot be found; expected first, last or a number from 0 to {width - 1}."
            : $"{subject} has no column '{name}'{(isLabel ? " for the label" : $", which {key} names")}{NearestName.Hint(name, names)}{(NearestName.Of(name, names) is null ? "." : "")}");
    }

    // A name may hold commas itself.
    private static string[] LabelNames(ImmutableArray<string> names, string label) =>
        names.Contains(label.Trim()) ? [label.Trim()] : label.Split(',', StringSplitOptions.TrimEntries);

    private static bool IsPlace(string name) => IsPosition(name) || IsNumber(name);

    private static bool IsPosition(string label) => label is "first" or "last";

    private static int? Position(string label, int width) => label switch
    {
        "first" => 0,
        "last" => width - 1,
        _ => int.TryParse(label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null,
    };

    private static bool IsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
