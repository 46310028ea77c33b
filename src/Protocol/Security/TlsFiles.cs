using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DistNet.Protocol.Security;

/// <summary>A node's certificate, its key and the cluster's authority, as <c>distnet certs</c> writes them, with what both planes need of them: mutual
/// authentication, against our authority alone.</summary>
public sealed class TlsFiles : IDisposable
{
    /// <summary>The authority's certificate.</summary>
    public const string AuthorityFile = "ca.pem";

    /// <summary>The host's certificate.</summary>
    public const string CertificateFile = "host.pem";

    /// <summary>The host's private key.</summary>
    public const string KeyFile = "host.key";

    private TlsFiles(X509Certificate2 certificate, X509Certificate2 authority)
    {
        Certificate = certificate;
        Authority = authority;
    }

    /// <summary>This host's certificate with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The cluster's authority.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>When this host's certificate ends.</summary>
    public DateTimeOffset NotAfter => new(Certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);

    /// <summary>Takes each refusal of a peer, as one sentence without a stop; null for nowhere. Called from the ThreadPool.</summary>
    public Action<string>? Refused { get; set; }

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">It holds <see cref="AuthorityFile"/>, <see cref="CertificateFile"/> and <see cref="KeyFile"/>.</param>
    /// <exception cref="DistNetException">A file is missing or wrong, or the certificate is not the authority's or has expired.</exception>
    public static TlsFiles Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string authorityText = Read(folder, AuthorityFile);
        string certificateText = Read(folder, CertificateFile);
        string keyText = Read(folder, KeyFile);
        X509Certificate2 authority = Parse(folder, AuthorityFile, "a certificate in PEM", () => X509Certificate2.CreateFromPem(authorityText));
        X509Certificate2 certificate = Parse(folder, CertificateFile, $"a certificate in PEM whose key is in {KeyFile}", () => WithKey(certificateText, keyText));
        string? refusal = PeerCheck.RefuseCalled(authority, certificate, host: null) ?? PeerCheck.RefuseCaller(authority, certificate);
        return refusal is null ? new(certificate, authority) : throw DistNetException.Usage($"--tls {folder}: {refusal}.");
    }

    /// <summary>Whether a client may call the tensor plane: for Kestrel's <c>ClientCertificateValidation</c>, where a client certificate is required.</summary>
    public bool AcceptsClient(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors) => Accept(PeerCheck.RefuseCaller(Authority, certificate), "a client");

    /// <summary>A client's side, of either plane. The server's certificate must be for the host that is called.</summary>
    /// <param name="host">The host of the address that is called.</param>
    public SslClientAuthenticationOptions ClientOptions(string host) => ClientOptions(host, host);

    internal SslClientAuthenticationOptions ClientOptions(string host, string? mustBeFor) => new()
    {
        TargetHost = host,
        ClientCertificates = [Certificate],
        LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => Accept(PeerCheck.RefuseCalled(Authority, certificate as X509Certificate2, mustBeFor), host),
    };

    /// <summary>A server's side, of either plane.</summary>
    public SslServerAuthenticationOptions ServerOptions() => new()
    {
        ServerCertificate = Certificate,
        ClientCertificateRequired = true,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => AcceptsClient(certificate as X509Certificate2, null, errors),
    };

    /// <summary>Frees the key.</summary>
    public void Dispose()
    {
        Certificate.Dispose();
        Authority.Dispose();
    }

    private bool Accept(string? refusal, string peer)
    {
        if (refusal is not null)
        {
            Refused?.Invoke($"{peer} is turned away: {refusal}");
        }

        return refusal is null;
    }

    private static X509Certificate2 WithKey(string certificateText, string keyText)
    {
        X509Certificate2 certificate = X509Certificate2.CreateFromPem(certificateText, keyText);
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        // Windows' TLS takes no key that is in memory alone.
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }

    private static X509Certificate2 Parse(string folder, string name, string expected, Func<X509Certificate2> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw DistNetException.Usage($"--tls {folder}: {name} does not hold what is expected, {expected}; `distnet certs` writes such files.", error);
        }
    }

    private static string Read(string folder, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, name));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.Usage($"--tls {folder}: {name} cannot be read ({error.Message.TrimEnd('.')}); expected a folder with {AuthorityFile}, {CertificateFile} and {KeyFile}, as `distnet certs` writes them.", error);
        }
    }
}
