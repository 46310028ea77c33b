using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DistNet.Protocol.Security;

/// <summary>A small certificate authority for one cluster: whoever holds a certificate of it may take part, and nobody else.</summary>
/// <remarks>Keys are ECDSA over P-256. A host's certificate serves both sides of a connection, as every node calls and is called. Nothing is revoked: a
/// certificate that got lost means a new authority.</remarks>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long an authority is valid: longer than any of its certificates need be.</summary>
    public const int AuthorityDays = 3650;

    /// <summary>How long a host's certificate is valid where nothing else is asked.</summary>
    public const int DefaultHostDays = 365;

    // Clocks of a cluster's hosts may differ: a certificate is valid from a day before it was made.
    private static readonly TimeSpan ClockDifference = TimeSpan.FromDays(1);

    private readonly X509Certificate2 certificate;
    private readonly ECDsa key;

    private CertificateAuthority(X509Certificate2 certificate, ECDsa key)
    {
        this.certificate = certificate;
        this.key = key;
    }

    /// <summary>The authority's certificate, as PEM.</summary>
    public string CertificatePem => certificate.ExportCertificatePem() + "\n";

    /// <summary>The authority's private key, as PEM: whoever has it can let anyone in.</summary>
    public string KeyPem => key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>The last moment of its validity.</summary>
    public DateTimeOffset NotAfter => new(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);

    /// <summary>Makes an authority.</summary>
    public static CertificateAuthority Create()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string name = $"CN=DistNet CA {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new(request.CreateSelfSigned(now - ClockDifference, now.AddDays(AuthorityDays)), key);
    }

    /// <summary>An authority from its two files.</summary>
    /// <param name="certificatePem">The text of its certificate.</param>
    /// <param name="keyPem">The text of its key.</param>
    /// <exception cref="CryptographicException">The key is not the certificate's.</exception>
    /// <exception cref="ArgumentException">The text is no PEM.</exception>
    public static CertificateAuthority Load(string certificatePem, string keyPem)
    {
        X509Certificate2 certificate = X509Certificate2.CreateFromPem(certificatePem, keyPem);
        return new(certificate, certificate.GetECDsaPrivateKey() ?? throw new CryptographicException("the key is not an ECDSA key"));
    }

    /// <summary>Makes a host's certificate and key.</summary>
    /// <param name="names">The host's names and IP addresses, at least one; the first is its subject.</param>
    /// <param name="days">How long it is valid; never longer than the authority.</param>
    public HostCertificate Issue(IReadOnlyList<string> names, int days)
    {
        ArgumentNullException.ThrowIfNull(names);
        Invariant.Holds(names.Count >= 1 && days >= 1);
        using var hostKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(names[0]);
        var request = new CertificateRequest(subject.Build(), hostKey, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(PeerCheck.ServerUse), new Oid(PeerCheck.ClientUse)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset from = Later(now - ClockDifference, new(certificate.NotBefore.ToUniversalTime(), TimeSpan.Zero));
        DateTimeOffset until = now.AddDays(days) < NotAfter ? now.AddDays(days) : NotAfter;
        return Issue(request, hostKey, from, until);
    }

    /// <summary>Frees the key.</summary>
    public void Dispose()
    {
        certificate.Dispose();
        key.Dispose();
    }

    /// <summary>A certificate with any validity, for tests of expired ones.</summary>
    internal HostCertificate Issue(CertificateRequest request, ECDsa hostKey, DateTimeOffset from, DateTimeOffset until)
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F; // a serial number is positive
        var generator = X509SignatureGenerator.CreateForECDsa(key);
        using X509Certificate2 host = request.Create(certificate.SubjectName, generator, from, until, serial);
        return new(host.ExportCertificatePem() + "\n", hostKey.ExportPkcs8PrivateKeyPem() + "\n", new(host.NotAfter.ToUniversalTime(), TimeSpan.Zero));
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}

/// <summary>A host's certificate with its key, as PEM.</summary>
/// <param name="CertificatePem">The certificate.</param>
/// <param name="KeyPem">The private key.</param>
/// <param name="NotAfter">The last moment of its validity.</param>
public sealed record HostCertificate(string CertificatePem, string KeyPem, DateTimeOffset NotAfter)
{
    /// <summary>Never shows the key.</summary>
    public override string ToString() => $"a certificate until {NotAfter:u}";
}
