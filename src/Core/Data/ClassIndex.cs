using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Data;

/// <summary>Turns label texts into class indexes. The training file decides the classes: numeric names in numeric order, others in ordinal order;
/// further files must keep to them.</summary>
/// <remarks>If all names are numbers, equal numbers are one class however they are written (<c>1</c>, <c>1.0</c>), and the class bears the number's
/// shortest form.</remarks>
internal sealed class ClassIndex
{
    /// <summary>More distinct labels than this are taken for a mistake (a column of measurements, say).</summary>
    public const int MaximumClasses = 65_536;

    private readonly Dictionary<string, int> byText = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private readonly ImmutableArray<string> known;
    private readonly bool knownAreNumbers;
    private int[] labels;
    private int count;

    /// <param name="known">The classes that the training file decided; empty to decide them now.</param>
    /// <param name="samples">How many labels there will be; 0 where that is not known.</param>
    public ClassIndex(ImmutableArray<string> known, int samples = 0)
    {
        labels = new int[samples];
        lookup = byText.GetAlternateLookup<ReadOnlySpan<char>>();
        this.known = known;
        knownAreNumbers = known.All(name => TryNumber(name, out _));
        for (int i = 0; i < known.Length; i++)
        {
            byText.Add(known[i], i);
        }
    }

    /// <summary>Notes the next sample's label; false if it is not among the known classes or there are too many.</summary>
    public bool TryAdd(ReadOnlySpan<char> text)
    {
        if (!lookup.TryGetValue(text, out int label))
        {
            label = known.IsEmpty ? byText.Count : KnownNumber(text);
            if (label < 0 || byText.Count >= MaximumClasses)
            {
                return false;
            }

            byText.Add(text.ToString(), label);
        }

        if (count == labels.Length)
        {
            Array.Resize(ref labels, Math.Max(16, (int)Math.Min(2L * count, Array.MaxLength)));
        }

        labels[count++] = label;
        return true;
    }

    /// <summary>The labels of all samples.</summary>
    /// <param name="kind">What the loss takes.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="DistNetException">The loss needs another number of classes.</exception>
    public SampleLabels Finish(LabelKind kind, string path)
    {
        Array.Resize(ref labels, count);
        if (!known.IsEmpty)
        {
            return SampleLabels.Classes(labels, known);
        }

        string[] written = new string[byText.Count];
        foreach ((string text, int label) in byText)
        {
            written[label] = text;
        }

        string[] canonical = written.All(text => TryNumber(text, out _)) ? [.. written.Select(CanonicalNumber)] : written;
        ImmutableArray<string> names = [.. canonical.Distinct(StringComparer.Ordinal)];
        names = ReferenceEquals(canonical, written)
            ? names.Sort(StringComparer.Ordinal)
            : names.Sort((left, right) => Number(left).CompareTo(Number(right)));
        CheckNumber(names, kind, path);
        Dictionary<string, int> sorted = names.Select((name, index) => (name, index)).ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
        int[] remap = [.. canonical.Select(name => sorted[name])];
        foreach (ref int label in labels.AsSpan())
        {
            label = remap[label];
        }

        return SampleLabels.Classes(labels, names);
    }

    /// <summary>The known classes for a message, shortened.</summary>
    /// <param name="names">The classes.</param>
    /// <param name="what">What they are called.</param>
    public static string Shown(ImmutableArray<string> names, string what = "classes")
    {
        const int Most = 10;
        string list = string.Join(", ", names.Take(Most).Select(name => $"'{name}'"));
        return names.Length > Most ? $"{list} … ({DataFile.Shown(names.Length)} {what})" : list;
    }

    private static void CheckNumber(ImmutableArray<string> names, LabelKind kind, string path)
    {
        if (kind == LabelKind.TwoClasses && names.Length != 2)
        {
            throw DistNetException.BadInput(
                $"The labels in '{path}' have {DataFile.Shown(names.Length)} {(names.Length == 1 ? "class" : "classes")} ({Shown(names)}); binary cross-entropy expects exactly 2.");
        }

        if (names.Length < 2)
        {
            throw DistNetException.BadInput($"The labels in '{path}' have only one class ({Shown(names)}); cross-entropy expects at least 2.");
        }
    }

    private int KnownNumber(ReadOnlySpan<char> text) => knownAreNumbers && TryNumber(text, out _) ? known.IndexOf(CanonicalNumber(text.ToString())) : -1;

    private static bool TryNumber(ReadOnlySpan<char> text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static string CanonicalNumber(string text)
    {
        double number = Number(text);
        return Math.Abs(number) < 1L << 53 && Math.Truncate(number) == number
            ? ((long)number).ToString(CultureInfo.InvariantCulture)
            : number.ToString("R", CultureInfo.InvariantCulture);
    }
}
