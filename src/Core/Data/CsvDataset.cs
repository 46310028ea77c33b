using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Datasets from CSV files, gzip or not (found out from the content): one sample a line, numbers in the invariant culture, UTF-8.</summary>
/// <remarks>If every feature is a whole number in 0…255, the inputs are kept as bytes, else as floats.</remarks>
public static class CsvDataset
{
    /// <summary>Reads features and labels.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Label column, header and delimiter.</param>
    /// <param name="loss">The loss; decides what labels are: classes (two for binary cross-entropy), or float targets for mean squared error.</param>
    /// <param name="expected">What the training data decided, for a further file; null for the training data themselves.</param>
    /// <exception cref="DistNetException">The file is missing, damaged or does not fit; the sentence tells the line, what was found and what was expected.</exception>
    public static Dataset Load(string path, CsvOptions options, LossKind loss, DataExpectation? expected = null) =>
        Read(path, options, LabelKinds.Of(loss), expected, out _);

    /// <summary>Reads inputs alone, to predict for: of a file with as many columns as there are features, all; of one that has the label columns too, the features.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Label column (passed over if it is there), header and delimiter.</param>
    /// <param name="expected">What the training data decided.</param>
    /// <exception cref="DistNetException">The file is missing, damaged or does not fit.</exception>
    public static Dataset LoadInputs(string path, CsvOptions options, DataExpectation expected)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(expected);
        return Read(path, options, LabelKind.None, expected, out _);
    }

    internal static Dataset Read(string path, CsvOptions options, LabelKind kind, DataExpectation? expected, out ImmutableArray<string> featureNames)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        using CsvRecords records = new(path, options.Delimiter);
        CsvColumns columns = FindColumns(records, options, kind, expected);
        CheckFeatures(path, columns, expected);
        featureNames = columns.FeatureNames;
        Rows rows = new(records, columns, kind, expected);
        if (columns.HasHeader)
        {
            records.Read();
        }

        bool any = false;
        while (records.Read())
        {
            rows.Add();
            any = true;
        }

        if (!any)
        {
            throw DistNetException.BadInput($"The CSV file '{path}' has a header but no rows; expected at least one sample.");
        }

        return rows.ToDataset(expected?.InputShape ?? new Shape(columns.Features.Length));
    }

    private static CsvColumns FindColumns(CsvRecords records, CsvOptions options, LabelKind kind, DataExpectation? expected)
    {
        if (kind == LabelKind.None && expected is not null && records.Peek(0) is { } first && first.Length != expected.InputShape.Length)
        {
            // Not the features alone: with the labels, then, which are not read.
            LabelKind trained = expected.TargetWidth > 0 ? LabelKind.Numbers : LabelKind.Classes;
            if (first.Length == expected.InputShape.Length + Math.Max(expected.TargetWidth, 1))
            {
                return CsvColumns.Find(records, options, trained) with { Labels = [] };
            }
        }

        return CsvColumns.Find(records, options, kind);
    }

    private static void CheckFeatures(string path, CsvColumns columns, DataExpectation? expected)
    {
        if (expected is null)
        {
            return;
        }

        if (columns.Features.Length != expected.InputShape.Length)
        {
            throw DistNetException.BadInput(
                $"The CSV file '{path}' has {DataFile.Shown(columns.Features.Length)} feature columns; expected {DataFile.Shown(expected.InputShape.Length)}, as in the training data.");
        }

        if (!columns.Labels.IsEmpty && columns.Labels.Length != Math.Max(expected.TargetWidth, 1))
        {
            throw DistNetException.BadInput(
                $"The CSV file '{path}' has {columns.Labels.Length} label columns; expected {expected.TargetWidth}, as in the training data.");
        }

        ImmutableArray<string> names = columns.FeatureNames;
        for (int i = 0; i < names.Length && i < expected.FeatureNames.Length; i++)
        {
            if (names[i] != expected.FeatureNames[i])
            {
                throw DistNetException.BadInput(
                    $"The CSV file '{path}' has '{names[i]}' as feature {i}; expected '{expected.FeatureNames[i]}', as in the training data.");
            }
        }
    }

    // Takes the records one by one.
    private sealed class Rows(CsvRecords records, CsvColumns columns, LabelKind kind, DataExpectation? expected)
    {
        private readonly InputBuffer inputs = new(records.Path);
        private readonly float[] row = new float[columns.Features.Length];
        private readonly ClassIndex classes = new(expected?.ClassNames ?? []);
        private readonly List<float> targets = [];

        private string Place => $"Line {DataFile.Shown(records.Line)} of '{records.Path}'";

        public void Add()
        {
            if (records.FieldCount != columns.Width)
            {
                throw DistNetException.BadInput(
                    $"{Place} has {DataFile.Shown(records.FieldCount)} {(records.FieldCount == 1 ? "field" : "fields")}; expected {DataFile.Shown(columns.Width)}, as on the first line.");
            }

            ImmutableArray<int> features = columns.Features;
            for (int i = 0; i < features.Length; i++)
            {
                row[i] = Number(features[i]);
            }

            inputs.Add(row);
            if (kind == LabelKind.Numbers)
            {
                foreach (int column in columns.Labels)
                {
                    targets.Add(Number(column));
                }
            }
            else if (kind != LabelKind.None)
            {
                AddClass(columns.Labels[0]);
            }
        }

        public Dataset ToDataset(Shape shape) => inputs.ToDataset(shape, kind switch
        {
            LabelKind.None => SampleLabels.None,
            LabelKind.Numbers => SampleLabels.Numbers([.. targets], columns.Labels.Length),
            _ => classes.Finish(kind, records.Path),
        });

        private float Number(int column)
        {
            ReadOnlySpan<byte> text = records[column];
            if (text.Length is 1 or 2 && IsDigit(text[0]) && IsDigit(text[^1]))
            {
                return text.Length == 1 ? text[0] - '0' : ((text[0] - '0') * 10) + (text[1] - '0');
            }

            if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value))
            {
                return value;
            }

            string found = text.Trim((byte)' ').IsEmpty ? "nothing" : $"'{DataFile.Shown(text)}'";
            throw DistNetException.BadInput(
                $"{Place} has {found} in {columns.Shown(column)}; expected a finite number.");
        }

        private void AddClass(int column)
        {
            ReadOnlySpan<byte> text = records[column];
            const int LongestLabel = 256;
            Span<char> label = stackalloc char[LongestLabel];
            if (text.Length > LongestLabel)
            {
                throw DistNetException.BadInput($"{Place} has the label '{DataFile.Shown(text)}' of {DataFile.Shown(text.Length)} bytes in {columns.Shown(column)}; expected at most {LongestLabel}.");
            }

            ReadOnlySpan<char> trimmed = label[..Encoding.UTF8.GetChars(text, label)].Trim();
            if (trimmed.IsEmpty)
            {
                throw DistNetException.BadInput($"{Place} has no label in {columns.Shown(column)}; expected a class.");
            }

            if (!classes.TryAdd(trimmed))
            {
                string expectation = expected is null
                    ? $"expected at most {DataFile.Shown(ClassIndex.MaximumClasses)} classes"
                    : $"expected one of the classes of the training data: {ClassIndex.Shown(expected.ClassNames)}";
                throw DistNetException.BadInput($"{Place} has the label '{DataFile.Shown(text)}' in {columns.Shown(column)}; {expectation}.");
            }
        }

        private static bool IsDigit(byte symbol) => symbol is >= (byte)'0' and <= (byte)'9';
    }
}
