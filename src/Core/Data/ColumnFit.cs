using System.Collections.Immutable;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>What the training samples decide about one column: what stands in for a missing value, and which categories there are.</summary>
/// <remarks>
/// A mean is Σx / n over the samples that have a value, in double, rounded to float at the end: Σ is a chain of additions from +0 along every run of
/// <see cref="NormalizationStatistics.LeafSamples"/> training samples (those without a value are passed over) and the canonical tree over the runs.
/// A median of an even number is (x₁ + x₂) / 2 in double. A zero is +0. So every machine that reads the same file finds the same bits.
/// </remarks>
internal static class ColumnFit
{
    /// <summary>Fits one column.</summary>
    /// <param name="column">The column.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="values">Gives its raw values of the training samples, NaN where missing.</param>
    public static FeatureColumn Of(Table.Column column, string path, Func<float[]> values)
    {
        ColumnRule rule = column.Rule ?? new ColumnRule();
        FeatureColumn fitted = new(column.Name, rule);
        return column.Texts is { } texts ? Categories(column, path, fitted, texts, values())
            : rule.Missing is { } missing ? fitted with { Fill = Fill(column, path, missing, values) }
            : fitted;
    }

    private static FeatureColumn Categories(Table.Column column, string path, FeatureColumn fitted, CategoryTexts texts, float[] values)
    {
        int[] counts = new int[texts.Texts.Count];
        foreach (float value in values)
        {
            if (!float.IsNaN(value))
            {
                counts[(int)value]++;
            }
        }

        Dictionary<string, int> seen = texts.Texts.Zip(counts).Where(pair => pair.Second > 0).ToDictionary(pair => pair.First.Text, pair => pair.Second, StringComparer.Ordinal);
        if (seen.Count == 0)
        {
            throw NoValue(column, path, "categories");
        }

        ImmutableArray<string> categories = CategoryTexts.Sort(seen.Keys);
        return fitted with
        {
            Categories = categories,
            FillCategory = fitted.Rule.Missing == ColumnRule.MostFrequent ? categories.MaxBy(category => seen[category]) : fitted.Rule.Missing,
        };
    }

    private static float Fill(Table.Column column, string path, string missing, Func<float[]> values)
    {
        if (missing == ColumnRule.Zero)
        {
            return 0;
        }

        if (missing is not (ColumnRule.Mean or ColumnRule.Median or ColumnRule.MostFrequent))
        {
            return float.Parse(missing, NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        float[] all = values();
        float[] present = [.. all.Where(value => !float.IsNaN(value))];
        if (present.Length == 0)
        {
            throw NoValue(column, path, missing);
        }

        if (missing == ColumnRule.Mean)
        {
            return (float)(Sum(all) / present.Length);
        }

        Array.Sort(present);
        return missing == ColumnRule.Median
            ? (float)((((double)present[(present.Length - 1) / 2] + present[present.Length / 2]) / 2) + 0.0)
            : present.GroupBy(value => value).MaxBy(group => group.Count())!.Key + 0f;
    }

    // A sample without a value adds +0, which changes no sum.
    private static double Sum(float[] values) =>
        new FeatureSums(DataSplit.All(new FloatDataset(new Shape(1), [.. values.Select(value => float.IsNaN(value) ? 0 : value)], SampleLabels.None))).Sums()[0];

    private static DistNetException NoValue(Table.Column column, string path, string what) =>
        DistNetException.BadInput($"The {column.Shown} of '{path}' has no value in any training sample, so that it has no {what}; expected at least one, or the column under data.ignore.");
}
