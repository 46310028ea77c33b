using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistNet.Protocol.Security;
using Xunit;

namespace DistNet.Contract.Tests.Security;

/// <summary>Who may come in, and the sentence for who may not.</summary>
public sealed class PeerCheckTests : IDisposable
{
    private const string Server = PeerCheck.ServerUse;
    private const string Client = PeerCheck.ClientUse;

    private readonly Certificates certificates = new();
    private readonly CertificateAuthority authority = CertificateAuthority.Create();

    private X509Certificate2 Authority => X509Certificate2.CreateFromPem(authority.CertificatePem);

    [Fact]
    public void A_certificate_of_the_authority_serves_both_sides()
    {
        TlsFiles tls = certificates.Load("a", "h1+10.0.0.1");
        Assert.Null(PeerCheck.RefuseCaller(tls.Authority, tls.Certificate));
        Assert.Null(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "h1"));
        Assert.Null(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "10.0.0.1"));
        Assert.Null(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, host: null));
    }

    [Fact]
    public void Another_authority_is_named()
    {
        TlsFiles ours = certificates.Load("a", "h1");
        TlsFiles theirs = certificates.Load("b", "h1");
        string? sentence = PeerCheck.RefuseCaller(ours.Authority, theirs.Certificate);
        Assert.NotNull(sentence);
        Assert.StartsWith("the certificate of 'h1' is of another authority ('DistNet CA ", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_authority_of_the_same_name_is_another()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Authority.SubjectName, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 forged = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using CertificateAuthority forger = CertificateAuthority.Load(forged.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        using X509Certificate2 host = Certificates.Make(forger, "h1", TimeSpan.FromHours(-1), TimeSpan.FromHours(1), Server, Client);
        Assert.Contains("another authority", PeerCheck.RefuseCaller(Authority, host), StringComparison.Ordinal);
    }

    [Fact]
    public void A_hosts_certificate_is_no_authority()
    {
        TlsFiles tls = certificates.Load("a", "h1");
        using CertificateAuthority presumed = CertificateAuthority.Load(tls.Certificate.ExportCertificatePem(), tls.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        using X509Certificate2 host = Certificates.Make(presumed, "h2", TimeSpan.FromHours(-1), TimeSpan.FromHours(1), Server, Client);
        Assert.NotNull(PeerCheck.RefuseCaller(tls.Authority, host));
    }

    [Fact]
    public void An_expired_certificate_is_refused_with_the_moment()
    {
        using X509Certificate2 expired = Certificates.Make(authority, "h1", TimeSpan.FromHours(-5), TimeSpan.FromHours(-4), Server, Client);
        Assert.Equal($"the certificate of 'h1' expired at {expired.NotAfter.ToUniversalTime():u}", PeerCheck.RefuseCaller(Authority, expired));
    }

    [Fact]
    public void A_certificate_of_the_future_is_refused()
    {
        using X509Certificate2 early = Certificates.Make(authority, "h1", TimeSpan.FromHours(4), TimeSpan.FromHours(5), Server, Client);
        Assert.Equal($"the certificate of 'h1' is valid from {early.NotBefore.ToUniversalTime():u} only", PeerCheck.RefuseCaller(Authority, early));
    }

    [Fact]
    public void A_certificate_for_one_side_alone_is_refused_on_the_other()
    {
        using X509Certificate2 client = Certificates.Make(authority, "h1", TimeSpan.FromHours(-1), TimeSpan.FromHours(1), Client);
        Assert.Null(PeerCheck.RefuseCaller(Authority, client));
        Assert.Equal("the certificate of 'h1' is not made for both sides of a connection", PeerCheck.RefuseCalled(Authority, client, "h1"));
    }

    [Fact]
    public void Another_host_is_refused_with_those_that_it_is_for()
    {
        TlsFiles tls = certificates.Load("a", "h1+10.0.0.1");
        Assert.Equal("the certificate of 'h1' is not for 'h2', which was called; it is for 'h1', '10.0.0.1'", PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "h2"));
        Assert.NotNull(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "10.0.0.2"));
    }

    [Fact]
    public void No_certificate_is_refused()
    {
        TlsFiles tls = certificates.Load("a", "h1");
        Assert.StartsWith("the peer showed no certificate; expected one of 'DistNet CA ", PeerCheck.RefuseCaller(tls.Authority, null), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_from_the_wire_cannot_command_a_terminal()
    {
        using X509Certificate2 host = Certificates.Make(authority, "h1", TimeSpan.FromHours(-1), TimeSpan.FromHours(1), Server, Client);
        using var other = CertificateAuthority.Create();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        HostCertificate made = other.Issue(new CertificateRequest(new X500DistinguishedName("CN=\"x\u001b[2J\""), key, HashAlgorithmName.SHA256), key, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using X509Certificate2 hostile = X509Certificate2.CreateFromPem(made.CertificatePem);
        string? sentence = PeerCheck.RefuseCaller(Authority, hostile);
        Assert.NotNull(sentence);
        Assert.DoesNotContain(sentence, char.IsControl);
    }

    public void Dispose()
    {
        certificates.Dispose();
        authority.Dispose();
    }
}
