using System.Net;
using System.Net.Sockets;

namespace DistNet.Protocol.Security;

/// <summary>Off loopback a run needs a join token and TLS on both planes; who wants neither says so aloud.</summary>
public static class ExposurePolicy
{
    /// <summary>Checks an address that a node listens on or calls.</summary>
    /// <param name="host">A name or an IP address; <c>0.0.0.0</c> and <c>::</c> mean all interfaces.</param>
    /// <param name="token">The join token, if any.</param>
    /// <param name="tls">The certificates, if any.</param>
    /// <param name="insecure">Whether <c>--insecure</c> was given.</param>
    /// <returns>A warning to be shown, or null.</returns>
    /// <exception cref="DistNetException">The address is off loopback, something is missing, and <c>--insecure</c> was not given.</exception>
    public static string? Check(string host, JoinToken? token, TlsFiles? tls, bool insecure)
    {
        ArgumentNullException.ThrowIfNull(host);
        string? missing = (token, tls) switch
        {
            (null, null) => "a join token (--token-file or DISTNET_TOKEN) and certificates (--tls)",
            (null, _) => "a join token (--token-file or DISTNET_TOKEN)",
            (_, null) => "certificates (--tls)",
            _ => null,
        };
        if (missing is null || IsLoopback(host))
        {
            return null;
        }

        return insecure
            ? $"INSECURE: '{host}' can be reached from other machines without {missing}: anyone on the network can read and change this run."
            : throw DistNetException.Usage($"'{host}' is not loopback, so this needs {missing}; `distnet certs` makes certificates, and --insecure does without.");
    }

    /// <summary>Whether nobody but this machine can reach a host: an IP address of loopback, or a name all of whose addresses are.</summary>
    /// <param name="host">A name or an IP address. A name that cannot be resolved is not loopback.</param>
    public static bool IsLoopback(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address))
        {
            return IPAddress.IsLoopback(address);
        }

        try
        {
            IPAddress[] addresses = Dns.GetHostAddresses(host);
            return addresses.Length > 0 && Array.TrueForAll(addresses, IPAddress.IsLoopback);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            return false;
        }
    }
}
