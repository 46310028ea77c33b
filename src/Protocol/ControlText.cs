using System.Text;

namespace DistNet.Protocol;

/// <summary>Text that comes from or goes to the wire and is shown to people: bounded, and without control characters, which a terminal would obey.</summary>
public static class ControlText
{
    private const char Cut = '…';

    /// <summary>A text as it may be sent or shown: control characters become spaces, and what is too long ends with an ellipsis.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="mostCharacters">The longest result, in UTF-16 units; at least 1.</param>
    public static string Shown(string text, int mostCharacters)
    {
        ArgumentNullException.ThrowIfNull(text);
        Invariant.Holds(mostCharacters >= 1);
        if (IsShowable(text, mostCharacters))
        {
            return text;
        }

        int room = text.Length <= mostCharacters ? mostCharacters : mostCharacters - 1;
        var shown = new StringBuilder(Math.Min(text.Length, mostCharacters));
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (shown.Length + rune.Utf16SequenceLength > room)
            {
                break;
            }

            shown.Append(IsControl(rune) ? " " : rune.ToString());
        }

        return text.Length <= mostCharacters ? shown.ToString() : shown.Append(Cut).ToString();
    }

    /// <summary>Whether a text can be shown as it is.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="mostCharacters">The longest that is accepted, in UTF-16 units.</param>
    public static bool IsShowable(string text, int mostCharacters)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > mostCharacters)
        {
            return false;
        }

        // A lone surrogate is read as the replacement character, whose length in UTF-16 is its own: it shows by what it is.
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune) || IsControl(rune))
            {
                return false;
            }

            i += rune.Utf16SequenceLength;
        }

        return true;
    }

    private static bool IsControl(Rune rune) => Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format or
        System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator;
}
