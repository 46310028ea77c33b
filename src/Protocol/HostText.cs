using System.Net;

namespace DistNet.Protocol;

/// <summary>Hosts as text: names by the rules of DNS, and IP addresses.</summary>
public static class HostText
{
    /// <summary>The longest name that DNS knows.</summary>
    public const int MostCharacters = 253;

    /// <summary>Whether a text is an IP address or may be a name: labels of letters, digits, hyphens and underscores, with dots between.</summary>
    /// <param name="text">Any text; null is no host. An IPv6 address may stand in brackets.</param>
    public static bool IsHost(string? text)
    {
        if (text is null || text.Length is 0 or > MostCharacters)
        {
            return false;
        }

        if (IPAddress.TryParse(text.Trim('[', ']'), out _))
        {
            return true;
        }

        foreach (string label in text.Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-' || !label.All(IsLabelCharacter))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsLabelCharacter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';
}
