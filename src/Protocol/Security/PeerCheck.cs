using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace DistNet.Protocol.Security;

/// <summary>Whether a peer's certificate lets it in: issued by our authority (and no other: the system's store is not asked), valid now, meant for its side of the
/// connection, and, where we called a host, made for that host.</summary>
public static class PeerCheck
{
    /// <summary>The extended key usage of whoever is called.</summary>
    internal const string ServerUse = "1.3.6.1.5.5.7.3.1";

    /// <summary>The extended key usage of whoever calls.</summary>
    internal const string ClientUse = "1.3.6.1.5.5.7.3.2";

    /// <summary>Why a peer that called us is refused; null when it may come in.</summary>
    /// <param name="authority">Our authority.</param>
    /// <param name="certificate">What the peer showed; null when it showed nothing.</param>
    public static string? RefuseCaller(X509Certificate2 authority, X509Certificate2? certificate) => Refuse(authority, certificate, ClientUse, host: null);

    /// <summary>Why a peer that we called is refused; null when it is the right one.</summary>
    /// <param name="authority">Our authority.</param>
    /// <param name="certificate">What the peer showed; null when it showed nothing.</param>
    /// <param name="host">The name or address that we called; null where any host of the cluster will do.</param>
    public static string? RefuseCalled(X509Certificate2 authority, X509Certificate2? certificate, string? host) => Refuse(authority, certificate, ServerUse, host);

    private static string? Refuse(X509Certificate2 authority, X509Certificate2? certificate, string use, string? host)
    {
        ArgumentNullException.ThrowIfNull(authority);
        if (certificate is null)
        {
            return $"the peer showed no certificate; expected one of '{Name(authority)}'";
        }

        string its = $"the certificate of '{Name(certificate)}'";
        using X509Chain chain = ChainTo(authority, use);
        if (!chain.Build(certificate))
        {
            X509ChainStatusFlags flags = X509ChainStatusFlags.NoError;
            foreach (X509ChainStatus status in chain.ChainStatus)
            {
                flags |= status.Status;
            }

            return Explain(flags, its, certificate, authority);
        }

        return host is not null && !IsFor(certificate, host) ? $"{its} is not for '{host}', which was called; it is for {Hosts(certificate)}" : null;
    }

    private static X509Chain ChainTo(X509Certificate2 authority, string use)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new(use));
        return chain;
    }

    private static string Explain(X509ChainStatusFlags flags, string its, X509Certificate2 certificate, X509Certificate2 authority)
    {
        const X509ChainStatusFlags Foreign = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid;
        if ((flags & Foreign) != 0)
        {
            return $"{its} is of another authority ('{certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true)}'); expected '{Name(authority)}'";
        }

        if ((flags & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            DateTime now = DateTime.UtcNow;
            DateTime from = certificate.NotBefore.ToUniversalTime();
            DateTime until = certificate.NotAfter.ToUniversalTime();
            return now < from ? $"{its} is valid from {from:u} only"
                : now > until ? $"{its} expired at {until:u}"
                : $"the authority '{Name(authority)}' is valid from {authority.NotBefore.ToUniversalTime():u} to {authority.NotAfter.ToUniversalTime():u} only";
        }

        return (flags & X509ChainStatusFlags.NotValidForUsage) != 0 ? $"{its} is not made for both sides of a connection" : $"{its} does not hold ({flags})";
    }

    private static bool IsFor(X509Certificate2 certificate, string host) => certificate.MatchesHostname(host.Trim('[', ']'), allowWildcards: true, allowCommonName: false);

    private static string Hosts(X509Certificate2 certificate)
    {
        var hosts = new List<string>();
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension is X509SubjectAlternativeNameExtension names)
            {
                foreach (string name in names.EnumerateDnsNames())
                {
                    hosts.Add($"'{name}'");
                }

                foreach (IPAddress address in names.EnumerateIPAddresses())
                {
                    hosts.Add($"'{address}'");
                }
            }
        }

        return hosts.Count == 0 ? "no host" : string.Join(", ", hosts);
    }

    // A name from the wire is shown to people: no control characters, and not without end.
    private static string Name(X509Certificate2 certificate) => ControlText.Shown(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), 100);
}
