namespace DistNet;

/// <summary>Patterns of names: <c>*</c> stands for any characters, also none; everything else for itself.</summary>
public static class NamePattern
{
    /// <summary>Whether a pattern matches a whole name.</summary>
    /// <param name="pattern">The pattern, <c>layer4.*</c>.</param>
    /// <param name="name">The name.</param>
    public static bool Matches(string pattern, string name)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(name);

        // Where a later part does not fit, the last star takes one character more.
        int at = 0;
        int star = -1;
        int resume = 0;
        for (int i = 0; i < name.Length;)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, resume) = (at++, i);
            }
            else if (at < pattern.Length && pattern[at] == name[i])
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                (at, i) = (star + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(at).TrimStart('*').IsEmpty;
    }
}
