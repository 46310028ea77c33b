using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>Mean and population deviation of the training split, in double by the canonical tree, rounded to float at the end.</summary>
/// <remarks>
/// Two passes over the samples in ascending index order: m = Σx / n, then σ = √(Σ(x − m)² / n) with the unrounded m. Each Σ is, per feature, a chain
/// of additions from +0 along every run of <see cref="LeafSamples"/> samples and the canonical tree over the runs; a channel's Σ is the chain of its
/// features' sums in index order.
/// </remarks>
/// <param name="Mode">Per feature or per channel.</param>
/// <param name="Mean">The means.</param>
/// <param name="Deviation">The population deviations, 0 for a constant feature; a model divides by max(σ, ε).</param>
public sealed record NormalizationStatistics(NormalizeMode Mode, ImmutableArray<float> Mean, ImmutableArray<float> Deviation)
{
    /// <summary>Samples of a run.</summary>
    public const int LeafSamples = 32;

    /// <summary>Whether both are of one mode and have the same bits.</summary>
    public bool Equals(NormalizationStatistics? other) => other is not null && Mode == other.Mode
        && Bits(Mean).SequenceEqual(Bits(other.Mean)) && Bits(Deviation).SequenceEqual(Bits(other.Deviation));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Mode, Mean.Length, Mean.FirstOrDefault(), Deviation.FirstOrDefault());

    /// <summary>Computes the statistics of a split.</summary>
    /// <param name="split">The training split, at least one sample.</param>
    /// <param name="mode">Per feature or per channel: the first of three dimensions; one channel where there are fewer.</param>
    /// <returns>The statistics; null for <see cref="NormalizeMode.None"/>.</returns>
    public static NormalizationStatistics? Of(DataSplit split, NormalizeMode mode)
    {
        ArgumentNullException.ThrowIfNull(split);
        if (mode == NormalizeMode.None)
        {
            return null;
        }

        int features = split.Data.InputShape.Length;
        int channels = mode == NormalizeMode.Feature ? features : split.Data.InputShape.Rank == 3 ? split.Data.InputShape[0] : 1;
        int perChannel = features / channels;
        double count = (double)split.Samples.Length * perChannel;
        double[] mean = Fold(new FeatureSums(split).Sums(), perChannel, count);
        double[] means = new double[features];
        for (int i = 0; i < features; i++)
        {
            means[i] = mean[i / perChannel];
        }

        double[] variance = Fold(new FeatureSums(split).SquaredDeviations(means), perChannel, count);
        return new NormalizationStatistics(mode, [.. mean.Select(value => (float)value)], [.. variance.Select(value => (float)Math.Sqrt(value))]);
    }

    /// <summary>The same where the features are categories as they are: 0 and 1, or codes, keep their values (m = 0, σ = 1).</summary>
    /// <param name="columns">The columns of a table; empty where none has a rule.</param>
    internal NormalizationStatistics KeepingCategories(ImmutableArray<FeatureColumn> columns)
    {
        if (columns.All(column => column.Categories.IsEmpty))
        {
            return this;
        }

        Invariant.Holds(Mode == NormalizeMode.Feature);
        bool[] keeps = [.. columns.SelectMany(column => Enumerable.Repeat(!column.Categories.IsEmpty, column.Width))];
        return new(Mode, [.. Mean.Select((value, index) => keeps[index] ? 0 : value)], [.. Deviation.Select((value, index) => keeps[index] ? 1 : value)]);
    }

    private static IEnumerable<int> Bits(ImmutableArray<float> values) => values.Select(BitConverter.SingleToInt32Bits);

    private static double[] Fold(double[] featureSums, int perChannel, double count)
    {
        double[] result = new double[featureSums.Length / perChannel];
        for (int channel = 0; channel < result.Length; channel++)
        {
            double sum = 0;
            for (int i = 0; i < perChannel; i++)
            {
                sum += featureSums[(channel * perChannel) + i];
            }

            result[channel] = sum / count;
        }

        return result;
    }
}
