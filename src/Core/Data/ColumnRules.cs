using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>What a column of texts becomes.</summary>
public enum CategoryEncoding
{
    /// <summary>The column holds numbers.</summary>
    None,

    /// <summary>Each category is a feature of its own, 1 where the sample has it and else 0.</summary>
    OneHot,

    /// <summary>One feature, the category's index from 0: for an <c>embedding</c>.</summary>
    Codes,
}

/// <summary>What a category that no training sample has becomes.</summary>
public enum UnknownCategory
{
    /// <summary>An error.</summary>
    Refuse,

    /// <summary>One-hot: 0 in every feature of the column. Codes: an index of its own, one beyond those of the training data.</summary>
    Own,
}

/// <summary>How one column of a table becomes features; without a rule it must hold a finite number in every row.</summary>
public sealed record ColumnRule
{
    /// <summary>The mean of the training samples that have a value.</summary>
    public const string Mean = "mean";

    /// <summary>Their median, of an even number the mean of the two in the middle.</summary>
    public const string Median = "median";

    /// <summary>The number 0.</summary>
    public const string Zero = "zero";

    /// <summary>The value that most of them have, of equals the first: the smallest number, the first category.</summary>
    public const string MostFrequent = "most-frequent";

    /// <summary>What stands in place of a missing value: <see cref="Mean"/>, <see cref="Median"/>, <see cref="Zero"/>, <see cref="MostFrequent"/>, or a number or category; null refuses missing values.</summary>
    public string? Missing { get; init; }

    /// <summary>Whether the values are categories, and what they become.</summary>
    public CategoryEncoding Categories { get; init; }

    /// <summary>What a category becomes that no training sample has.</summary>
    public UnknownCategory Unknown { get; init; }

    /// <summary>Whether the column holds numbers.</summary>
    internal bool IsNumber => Categories == CategoryEncoding.None;

    /// <summary>Whether a field says that there is no value: empty, or one of the words that pandas takes for it.</summary>
    /// <param name="text">The field, UTF-8.</param>
    internal static bool IsMissing(ReadOnlySpan<byte> text)
    {
        text = text.Trim((byte)' ');
        return text.Length switch
        {
            0 => true,
            1 => text[0] == (byte)'?',
            2 => text.SequenceEqual("NA"u8),
            3 => text.SequenceEqual("N/A"u8) || text.SequenceEqual("n/a"u8) || text.SequenceEqual("NaN"u8) || text.SequenceEqual("nan"u8),
            4 => text.SequenceEqual("NULL"u8) || text.SequenceEqual("null"u8) || text.SequenceEqual("None"u8) || text.SequenceEqual("<NA>"u8),
            _ => false,
        };
    }
}

/// <summary>The rules of a table's columns. Two with the same rules in the same order are equal.</summary>
/// <param name="Rules">Each column that has one: its name, or its number from 0, and its rule.</param>
/// <param name="Ignore">Columns that are neither features nor labels, by name or number.</param>
public sealed record ColumnRules(ImmutableArray<(string Column, ColumnRule Rule)> Rules, ImmutableArray<string> Ignore)
{
    /// <summary>No rule: every column but the label is a feature of finite numbers.</summary>
    public static ColumnRules None { get; } = new([], []);

    /// <summary>Whether both have the same rules.</summary>
    public bool Equals(ColumnRules? other) => other is not null && Rules.SequenceEqual(other.Rules) && Ignore.SequenceEqual(other.Ignore);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rules.Length, Ignore.Length, Rules.FirstOrDefault(), Ignore.FirstOrDefault());
}
