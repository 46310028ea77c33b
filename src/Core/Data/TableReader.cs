using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>Reads the rows of a table into features and labels.</summary>
internal static class TableReader
{
    /// <summary>Reads a whole table.</summary>
    /// <param name="records">The file, before its first read.</param>
    /// <param name="options">What the user said.</param>
    /// <param name="kind">What labels are.</param>
    /// <param name="expected">What the training data decided; null for the training data themselves.</param>
    /// <exception cref="DistNetException">The file is damaged or does not fit.</exception>
    public static Table Read(TableRecords records, TableOptions options, LabelKind kind, DataExpectation? expected)
    {
        TableColumns columns = FindColumns(records, options, kind, expected);
        CheckFeatures(records.Subject, columns, expected);
        Rows rows = new(records, columns, kind, expected);
        if (columns.HasHeader && !records.HasNames)
        {
            records.Read();
        }

        bool any = false;
        while (records.Read())
        {
            rows.Add();
            any = true;
        }

        return any ? rows.ToTable() : throw DistNetException.BadInput($"{records.Subject} has {(records.HasNames ? "" : "a header but ")}no rows; expected at least one sample.");
    }

    // A file to predict for may have the features alone, or stand as the training file did, with labels and ignored columns, which are not read.
    private static TableColumns FindColumns(TableRecords records, TableOptions options, LabelKind kind, DataExpectation? expected)
    {
        TableColumns columns = TableColumns.Find(records, options, kind, expected);
        if (kind != LabelKind.None || expected is null || columns.Features.Length == expected.TableWidth)
        {
            return columns;
        }

        if (columns.Features.Length == expected.TableWidth + Math.Max(expected.TargetWidth, 1))
        {
            LabelKind trained = expected.TargetWidth > 0 ? LabelKind.Numbers : LabelKind.Classes;
            return TableColumns.Find(records, options, trained, expected) with { Labels = [] };
        }

        return columns.Width == expected.TableWidth ? TableColumns.Find(records, options with { Columns = options.Columns with { Ignore = [] } }, kind, expected) : columns;
    }

    private static void CheckFeatures(string subject, TableColumns columns, DataExpectation? expected)
    {
        if (expected is null)
        {
            return;
        }

        if (columns.Features.Length != expected.TableWidth)
        {
            throw DistNetException.BadInput(
                $"{subject} has {DataFile.Shown(columns.Features.Length)} feature columns; expected {DataFile.Shown(expected.TableWidth)}, as in the training data.");
        }

        if (!columns.Labels.IsEmpty && columns.Labels.Length != Math.Max(expected.TargetWidth, 1))
        {
            throw DistNetException.BadInput($"{subject} has {columns.Labels.Length} label columns; expected {expected.TargetWidth}, as in the training data.");
        }

        ImmutableArray<string> names = columns.FeatureNames;
        ImmutableArray<string> known = expected.ColumnNames;
        for (int i = 0; i < names.Length && i < known.Length; i++)
        {
            if (names[i] != known[i])
            {
                throw DistNetException.BadInput($"{subject} has '{names[i]}' as feature {i}; expected '{known[i]}', as in the training data.");
            }
        }
    }

    // Takes the records one by one.
    private sealed class Rows(TableRecords records, TableColumns columns, LabelKind kind, DataExpectation? expected)
    {
        private readonly InputBuffer inputs = new(records.Path);
        private readonly float[] row = new float[columns.Features.Length];
        private readonly CategoryTexts?[] texts = [.. columns.Rules.Select(rule => rule is { IsNumber: false } ? new CategoryTexts() : null)];
        private readonly ClassIndex classes = new(expected?.ClassNames ?? []);
        private readonly List<float> targets = [];

        public void Add()
        {
            if (records.FieldCount != columns.Width)
            {
                throw DistNetException.BadInput(
                    $"{records.Place} has {DataFile.Shown(records.FieldCount)} {(records.FieldCount == 1 ? "field" : "fields")}; expected {DataFile.Shown(columns.Width)}, as on the first line.");
            }

            ImmutableArray<int> features = columns.Features;
            for (int i = 0; i < features.Length; i++)
            {
                row[i] = texts[i] is { } known ? Category(features[i], columns.Rules[i]!, known) : Number(features[i], columns.Rules[i]?.Missing is not null);
            }

            inputs.Add(row);
            if (kind == LabelKind.Numbers)
            {
                foreach (int column in columns.Labels)
                {
                    targets.Add(Number(column, mayBeMissing: false));
                }
            }
            else if (kind != LabelKind.None)
            {
                AddClass(columns.Labels[0]);
            }
        }

        public Table ToTable()
        {
            SampleLabels labels = kind switch
            {
                LabelKind.None => SampleLabels.None,
                LabelKind.Numbers => SampleLabels.Numbers([.. targets], columns.Labels.Length),
                _ => classes.Finish(kind, records.Path),
            };
            bool hasRules = columns.Rules.Any(rule => rule is not null);
            return new Table(
                records.Path,
                inputs.ToDataset(!hasRules && expected is not null ? expected.InputShape : new Tensors.Shape(row.Length), labels),
                labels,
                [.. columns.Features.Select((column, index) => new Table.Column(columns.HasHeader ? columns.Names[column] : "", columns.Shown(column), columns.Rules[index], texts[index]))]);
        }

        // NaN for a value that is missing and may be.
        private float Number(int column, bool mayBeMissing)
        {
            if (records.TryNumber(column, out float value))
            {
                return value;
            }

            ReadOnlySpan<byte> text = records[column];
            if (mayBeMissing && ColumnRule.IsMissing(text))
            {
                return float.NaN;
            }

            throw DistNetException.BadInput($"{records.Place} has {Found(text)} in {columns.Shown(column)}; expected a finite number.");
        }

        private float Category(int column, ColumnRule rule, CategoryTexts known)
        {
            ReadOnlySpan<byte> text = records[column];
            if (ColumnRule.IsMissing(text))
            {
                switch (rule.Missing)
                {
                    case null:
                        throw DistNetException.BadInput($"{records.Place} has {Found(text)} in {columns.Shown(column)}; expected a category (data.columns, missing: says what stands in its place).");
                    case ColumnRule.MostFrequent:
                        return float.NaN;
                    default:
                        text = System.Text.Encoding.UTF8.GetBytes(rule.Missing);
                        break;
                }
            }

            return known.TryAdd(text, records, out int code) ? code : throw DistNetException.BadInput(
                $"{records.Place} has the category '{DataFile.Shown(text)}' in {columns.Shown(column)}; expected at most {DataFile.Shown(CategoryTexts.MaximumCategories)} categories of at most {CategoryTexts.LongestText} bytes each.");
        }

        private void AddClass(int column)
        {
            ReadOnlySpan<byte> text = records[column];
            const int LongestLabel = 256;
            Span<char> label = stackalloc char[LongestLabel];
            if (text.Length > LongestLabel)
            {
                throw DistNetException.BadInput($"{records.Place} has the label '{DataFile.Shown(text)}' of {DataFile.Shown(text.Length)} bytes in {columns.Shown(column)}; expected at most {LongestLabel}.");
            }

            ReadOnlySpan<char> trimmed = label[..System.Text.Encoding.UTF8.GetChars(text, label)].Trim();
            if (trimmed.IsEmpty)
            {
                throw DistNetException.BadInput($"{records.Place} has no label in {columns.Shown(column)}; expected a class.");
            }

            if (!classes.TryAdd(trimmed))
            {
                string expectation = expected is null
                    ? $"expected at most {DataFile.Shown(ClassIndex.MaximumClasses)} classes"
                    : $"expected one of the classes of the training data: {ClassIndex.Shown(expected.ClassNames)}";
                throw DistNetException.BadInput($"{records.Place} has the label '{DataFile.Shown(text)}' in {columns.Shown(column)}; {expectation}.");
            }
        }

        private static string Found(ReadOnlySpan<byte> text) => text.Trim((byte)' ').IsEmpty ? "nothing" : $"'{DataFile.Shown(text)}'";
    }
}
