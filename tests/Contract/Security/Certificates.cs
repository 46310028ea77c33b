using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistNet.Protocol.Security;

namespace DistNet.Contract.Tests.Security;

/// <summary>Folders of certificates for one test, removed at its end.</summary>
internal sealed class Certificates : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("distnet-tls-").FullName;
    private readonly List<IDisposable> loaded = [];

    /// <summary>The folder of an authority's host; the authority is made where there is none.</summary>
    public string Folder(string authority, string host)
    {
        string folder = Path.Combine(root, authority);
        CertificateHost[] hosts = [.. CertificateHost.Parse(host)];
        if (!Directory.Exists(Path.Combine(folder, hosts[0].Folder)))
        {
            CertificateFolder.Write(folder, hosts, 10);
        }

        return Path.Combine(folder, hosts[0].Folder);
    }

    public TlsFiles Load(string authority, string host)
    {
        var tls = TlsFiles.Load(Folder(authority, host));
        loaded.Add(tls);
        return tls;
    }

    /// <summary>A certificate with any validity and use.</summary>
    public static X509Certificate2 Make(CertificateAuthority authority, string name, TimeSpan from, TimeSpan until, params string[] uses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], critical: false));
        HostCertificate made = authority.Issue(request, key, DateTimeOffset.UtcNow + from, DateTimeOffset.UtcNow + until);
        return X509Certificate2.CreateFromPem(made.CertificatePem, made.KeyPem);
    }

    public void Dispose()
    {
        loaded.ForEach(tls => tls.Dispose());
        Directory.Delete(root, recursive: true);
    }
}
