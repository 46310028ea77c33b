namespace DistNet.Graphs;

/// <summary>Suggests what a misspelt name may have meant.</summary>
public static class NearestName
{
    /// <summary>The candidate with the smallest edit distance, the first of several; null where none is near (more than a third of the letters, at least 2, differ).</summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? nearest = null;
        int least = Math.Max(2, name.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(name, candidate);
            if (distance < least)
            {
                (nearest, least) = (candidate, distance);
            }
        }

        return nearest;
    }

    /// <summary>The end of a sentence: <c>; did you mean 'fc1'?</c>, or a full stop.</summary>
    public static string Question(string name, IEnumerable<string> candidates) => Of(name, candidates) is { } nearest ? $"; did you mean '{nearest}'?" : ".";

    // Levenshtein's distance, row by row.
    private static int Distance(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int replace = diagonal + (char.ToLowerInvariant(from[i - 1]) == char.ToLowerInvariant(to[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j - 1], row[j]) + 1);
            }
        }

        return row[to.Length];
    }
}
