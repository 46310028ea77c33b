using System.Collections.Immutable;
using System.Numerics;
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
    /// <exception cref="DistNetException">A category is unknown, or the features are too many.</exception>
    public Dataset Apply(ImmutableArray<FeatureColumn> fitted, Shape? shape = null)
    {
        if (fitted.IsEmpty)
        {
            return Raw;
        }

        long values = fitted.Sum(column => (long)column.Width) * Raw.Count;
        if (values > Array.MaxLength || values < 1)
        {
            throw DistNetException.BadInput(
                $"The columns of '{Path}' become {DataFile.Shown(values / Raw.Count)} features of {DataFile.Shown(Raw.Count)} samples; expected 1 to {DataFile.Shown(Array.MaxLength)} values in all (categories: codes makes one feature of a column).");
        }

        int width = (int)(values / Raw.Count);
        float[]?[] codes = [.. Columns.Zip(fitted, (column, fit) => column.Texts is null ? null : Codes(column, fit))];
        InputBuffer inputs = new(Path);
        float[] row = new float[width];
        int[] block = new int[Math.Min(BlockSamples, Raw.Count)];
        float[] raw = new float[block.Length * Columns.Length];
        for (int first = 0; first < Raw.Count; first += block.Length)
        {
            int count = Math.Min(block.Length, Raw.Count - first);
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

    private float[] Values(int column, ReadOnlySpan<int> samples) => Raw switch
    {
        ByteDataset bytes => Values(bytes.Inputs, column, samples),
        FloatDataset floats => Values(floats.Inputs, column, samples),
        _ => throw new InvalidOperationException($"A table is kept in memory, not as {Raw.GetType().Name}."),
    };

    private float[] Values<T>(ReadOnlySpan<T> inputs, int column, ReadOnlySpan<int> samples)
        where T : INumberBase<T>
    {
        float[] values = new float[samples.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = float.CreateChecked(inputs[(samples[i] * Columns.Length) + column]);
        }

        return values;
    }
}
