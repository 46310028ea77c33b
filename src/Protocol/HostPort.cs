using System.Globalization;

namespace DistNet.Protocol;

/// <summary>An address as users give it: <c>HOST:PORT</c>, an IPv6 address in brackets.</summary>
/// <param name="Host">A name or an IP address, without brackets.</param>
/// <param name="Port">0 to 65535; 0 lets the system choose, where that makes sense.</param>
public readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Reads an address.</summary>
    /// <param name="text"><c>HOST:PORT</c>.</param>
    /// <param name="name">What a refusal calls it: the option.</param>
    /// <exception cref="DistNetException">It is none.</exception>
    public static HostPort Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        bool isHost = HostText.IsHost(host) && (bracketed || !host.Contains(':', StringComparison.Ordinal));
        return isHost && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port <= 65535
            ? new HostPort(host.Trim('[', ']'), port)
            : throw DistNetException.Usage($"{name} is '{text}'; expected HOST:PORT, an IPv6 address in brackets, a port from 0 to 65535.");
    }

    /// <summary><c>HOST:PORT</c>.</summary>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? FormattableString.Invariant($"[{Host}]:{Port}") : FormattableString.Invariant($"{Host}:{Port}");
}
