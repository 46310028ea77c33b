using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>A table as read: columns with rules hold NaN where a value is missing and the file's own codes for categories, until the training data have decided what these become.</summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Raw">A feature for each column; where no column has a rule, what it will be.</param>
/// <param name="Labels">What is to be learnt of each sample.</param>
/// <param name="Columns">A column for each feature.</param>
internal sealed record Table(string Path, Dataset Raw, SampleLabels Labels, ImmutableArray<Table.Column> Columns)
{
    // Samples taken at a time, so that reading needs little memory besides the result.
    private const int BlockSamples = 1024;

    /// <summary>A column as read.</summary>
    /// <param name="Name">Its name; empty without a header.</param>
    /// <param name="Shown">It, for messages.</param>
    /// <param name="Rule">Its rule; null for none.</param>
    /// <param name="Texts">Its categories; null for numbers.</param>
    internal sealed record Column(string Name, string Shown, ColumnRule? Rule, CategoryTexts? Texts);

    /// <summary>Whether a column has a rule, so that the features are not yet what they will be.</summary>
    public bool HasRules => Columns.Any(column => column.Rule is not null);

    /// <summary>The columns' names; empty without a header.</summary>
    public ImmutableArray<string> Names => Columns[0].Name.Length == 0 ? [] : [.. Columns.Select(column => column.Name)];

    /// <summary>What the training samples decide; empty where no column has a rule.</summary>
    /// <param name="samples">The training samples, ascending.</param>
    /// <exception cref="DistNetException">A column has no value to take a mean of.</exception>
    public ImmutableArray<FeatureColumn> Fit(ReadOnlyMemory<int> samples) =>
        HasRules ? [.. Columns.Select((column, index) => ColumnFit.Of(column, Path, () => Values(index, samples.Span)))] : [];

    /// <summary>The features by what the training samples decided.</summary>
    /// <param name="fitted">What <see cref="Fit"/> gave, of this table or of that of the training data.</param>
    /// <param name="shape">The shape of one sample's input; null for [features].</param>
    /// <exception cref="DistNetException">A category is unknown.</exception>
    public Dataset Apply(ImmutableArray<FeatureColumn> fitted, Shape? shape = null)
    {
        if (fitted.IsEmpty)
        {
            return Raw;
        }

        int width = fitted.Sum(column => column.Width);
        if (width > Array.MaxLength || width < 1)
        {
            throw DistNetException.BadInput($"The columns of '{Path}' become {DataFile.Shown(width)} features; expected 1 to {DataFile.Shown(Array.MaxLength)}.");
        }

        float[]?[] codes = [.. Columns.Zip(fitted, (column, fit) => column.Texts is null ? null : Codes(column, fit))];
        InputBuffer inputs = new(Path);
        float[] row = new float[width];
        float[] raw = new float[BlockSamples * Columns.Length];
        int[] block = new int[BlockSamples];
        for (int first = 0; first < Raw.Count; first += BlockSamples)
        {
            int count = Math.Min(BlockSamples, Raw.Count - first);
            for (int i = 0; i < count; i++)
            {
                block[i] = first + i;
            }

            Raw.CopyInputs(block.AsSpan(0, count), raw);
            for (int i = 0; i < count; i++)
            {
                Encode(raw.AsSpan(i * Columns.Length, Columns.Length), fitted, codes, row);
                inputs.Add(row);
            }
        }

        return inputs.ToDataset(shape ?? new Shape(width), Labels);
    }

    private static void Encode(ReadOnlySpan<float> raw, ImmutableArray<FeatureColumn> fitted, float[]?[] codes, Span<float> row)
    {
        int place = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            FeatureColumn column = fitted[i];
            Span<float> features = row.Slice(place, column.Width);
            place += column.Width;
            if (codes[i] is not { } code)
            {
                features[0] = float.IsNaN(raw[i]) ? column.Fill!.Value : raw[i];
                continue;
            }

            // The last entry is that of a missing value.
            float value = float.IsNaN(raw[i]) ? code[^1] : code[(int)raw[i]];
            if (column.Rule.Categories == CategoryEncoding.Codes)
            {
                features[0] = value;
                continue;
            }

            features.Clear();
            if (value < features.Length)
            {
                features[(int)value] = 1;
            }
        }
    }

    // From this file's codes to the model's; the number of categories is the code of an unknown one.
    private static float[] Codes(Column column, FeatureColumn fitted)
    {
        Dictionary<string, int> known = fitted.Categories.Select((text, index) => (text, index)).ToDictionary(pair => pair.text, pair => pair.index, StringComparer.Ordinal);
        IReadOnlyList<(string Text, string Place)> texts = column.Texts!.Texts;
        float[] codes = new float[texts.Count + 1];
        for (int i = 0; i < texts.Count; i++)
        {
            (string text, string place) = texts[i];
            codes[i] = known.TryGetValue(text, out int code) ? code
                : fitted.Rule.Unknown == UnknownCategory.Own ? fitted.Categories.Length
                : throw DistNetException.BadInput(
                    $"{place} has the category '{DataFile.Shown(System.Text.Encoding.UTF8.GetBytes(text))}' in {column.Shown}, which no training sample has; expected one of {ClassIndex.Shown(fitted.Categories, "categories")} (data.columns, unknown: own takes others too).");
        }

        codes[^1] = fitted.FillCategory is { } fill ? known.GetValueOrDefault(fill, fitted.Categories.Length) : 0;
        return codes;
    }

    private float[] Values(int column, ReadOnlySpan<int> samples)
    {
        float[] values = new float[samples.Length];
        float[] raw = new float[BlockSamples * Columns.Length];
        for (int first = 0; first < samples.Length; first += BlockSamples)
        {
            ReadOnlySpan<int> block = samples.Slice(first, Math.Min(BlockSamples, samples.Length - first));
            Raw.CopyInputs(block, raw);
            for (int i = 0; i < block.Length; i++)
            {
                values[first + i] = raw[(i * Columns.Length) + column];
            }
        }

        return values;
    }
}
