using System.Collections.Immutable;

namespace DistNet;

/// <summary>Suggestions for a misspelt name.</summary>
public static class NearestName
{
    /// <summary>The candidate with the fewest edits (insertions, deletions, replacements, swaps of neighbours; case does not count), if that is few
    /// enough to be a slip; the first of several equals; null for none.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? nearest = null;
        int fewest = (name.Length / 3) + 2;
        foreach (string candidate in candidates)
        {
            int edits = Edits(name, candidate);
            if (edits < fewest && edits < candidate.Length)
            {
                (nearest, fewest) = (candidate, edits);
            }
        }

        return nearest;
    }

    /// <summary>A tail for an error sentence: <c>; did you mean 'label'?</c>, or the known names where none is near and they are few, or nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string Hint(string name, ImmutableArray<string> candidates) => Of(name, candidates) switch
    {
        { } nearest => $"; did you mean '{nearest}'?",
        null when candidates.Length is > 0 and <= 12 => $"; known: {string.Join(", ", candidates.Select(candidate => $"'{candidate}'"))}",
        null => "",
    };

    /// <summary>A tail for an error sentence: <c>; did you mean 'fc1'?</c>, or a full stop where none is near.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string Question(string name, IEnumerable<string> candidates) => Of(name, candidates) is { } nearest ? $"; did you mean '{nearest}'?" : ".";

    /// <summary>The candidate with the fewest edits, however many, the first of several equals; null where there are no candidates.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string? Closest(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        return candidates.MinBy(candidate => Edits(name, candidate));
    }

    /// <summary>The distance of Damerau and Levenshtein (optimal string alignment), case aside.</summary>
    public static int Edits(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        left = left.ToUpperInvariant();
        right = right.ToUpperInvariant();

        // Three rows of the table.
        int[] beforePrevious = new int[right.Length + 1];
        int[] previous = [.. Enumerable.Range(0, right.Length + 1)];
        int[] current = new int[right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
                }
            }

            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }

        return previous[right.Length];
    }
}
