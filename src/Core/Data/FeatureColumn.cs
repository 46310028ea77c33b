using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>How one column of a table becomes features, as the training data decided it: travels with the model, so that further files are read alike.</summary>
/// <param name="Name">The column's name; empty without a header.</param>
/// <param name="Rule">What the job says of it.</param>
public sealed record FeatureColumn(string Name, ColumnRule Rule)
{
    /// <summary>Numbers: what stands in place of a missing one; null where they are refused.</summary>
    public float? Fill { get; init; }

    /// <summary>The categories in the order of their codes: numeric order where all are numbers, else ordinal; empty for a column of numbers.</summary>
    public ImmutableArray<string> Categories { get; init; } = [];

    /// <summary>Categories: the one that stands in place of a missing one; null where they are refused.</summary>
    public string? FillCategory { get; init; }

    /// <summary>The features that the column becomes.</summary>
    internal int Width => Rule.Categories == CategoryEncoding.OneHot ? Categories.Length : 1;

    /// <summary>The features' names, as pandas has them: <c>colour_red</c> for a category that is one; empty without a header.</summary>
    internal IEnumerable<string> FeatureNames => Name.Length == 0 ? [] : Rule.Categories == CategoryEncoding.OneHot ? Categories.Select(category => $"{Name}_{category}") : [Name];

    /// <summary>Whether the column means the same.</summary>
    public bool Equals(FeatureColumn? other) => other is not null && Name == other.Name && Rule == other.Rule && Nullable.Equals(Fill, other.Fill)
        && Categories.SequenceEqual(other.Categories) && FillCategory == other.FillCategory;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Rule, Fill, Categories.Length, FillCategory);
}
