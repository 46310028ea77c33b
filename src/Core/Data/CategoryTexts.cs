using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace DistNet.Data;

/// <summary>The categories of one column of a file, in the order in which they appear, with the place of each one's first.</summary>
internal sealed class CategoryTexts
{
    /// <summary>More than this many are taken for a mistake (a column of identifiers or free text, say).</summary>
    public const int MaximumCategories = 65_536;

    /// <summary>The longest text of a category, in bytes.</summary>
    public const int LongestText = 256;

    private readonly Dictionary<string, int> byText = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private readonly List<(string Text, string Place)> texts = [];

    public CategoryTexts() => lookup = byText.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The texts, by the codes that <see cref="TryAdd"/> gave.</summary>
    public IReadOnlyList<(string Text, string Place)> Texts => texts;

    /// <summary>The code of a text in this file; false where it is too long or there are too many.</summary>
    /// <param name="text">UTF-8; spaces at its ends do not count.</param>
    /// <param name="records">Where it stands.</param>
    /// <param name="code">The code.</param>
    public bool TryAdd(ReadOnlySpan<byte> text, TableRecords records, out int code)
    {
        code = 0;
        Span<char> chars = stackalloc char[LongestText];
        if (text.Length > LongestText)
        {
            return false;
        }

        ReadOnlySpan<char> trimmed = chars[..Encoding.UTF8.GetChars(text, chars)].Trim();
        if (lookup.TryGetValue(trimmed, out code))
        {
            return true;
        }

        code = texts.Count;
        if (code == MaximumCategories)
        {
            return false;
        }

        string added = trimmed.ToString();
        byText.Add(added, code);
        texts.Add((added, records.Place));
        return true;
    }

    /// <summary>Categories in the order of their codes: numeric where all are numbers, else ordinal.</summary>
    public static ImmutableArray<string> Sort(IEnumerable<string> categories)
    {
        ImmutableArray<string> all = [.. categories.Order(StringComparer.Ordinal)];
        return all.All(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            ? [.. all.OrderBy(text => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture))]
            : all;
    }
}
