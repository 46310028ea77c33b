using System.Net;
using System.Security.Cryptography;

namespace DistNet.Protocol.Security;

/// <summary>A host that gets a certificate: its names and addresses, the first of which names its folder.</summary>
/// <param name="Names">At least one.</param>
public sealed record CertificateHost(IReadOnlyList<string> Names)
{
    /// <summary>The host's folder: its first name; colons and stars, which not every file system takes, are hyphens and underscores there.</summary>
    public string Folder => Names[0].Replace(':', '-').Replace('*', '_');

    /// <summary>The hosts of <c>h1,h2+10.0.0.2,10.0.0.3</c>: commas between hosts, a plus between the names of one host.</summary>
    /// <param name="text">The list.</param>
    /// <exception cref="DistNetException">A host is none, or is there twice.</exception>
    public static IReadOnlyList<CertificateHost> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var hosts = new List<CertificateHost>();
        var folders = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string one in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] names = [.. one.Split('+', StringSplitOptions.TrimEntries).Select(Canonical)];
            var host = new CertificateHost(names);
            if (!folders.Add(host.Folder))
            {
                throw DistNetException.Usage($"--hosts names '{names[0]}' twice.");
            }

            hosts.Add(host);
        }

        return hosts;
    }

    private static string Canonical(string name)
    {
        if (IPAddress.TryParse(name.Trim('[', ']'), out IPAddress? address))
        {
            return address.ToString();
        }

        bool isWildcard = name.StartsWith("*.", StringComparison.Ordinal);
        return HostText.IsHost(isWildcard ? name[2..] : name)
            ? name
            : throw DistNetException.Usage($"--hosts holds '{name}', which is no host; expected names or IP addresses with commas between, as in h1,h2,10.0.0.3, and with a plus between the names of one host, as in h1+10.0.0.1.");
    }
}

/// <summary>The folder that <c>distnet certs</c> makes: the authority's <c>ca.pem</c> and <c>ca.key</c>, and for each host a folder with all that <c>--tls</c> wants.</summary>
/// <remarks>Nothing is written over, and nothing is written before everything was checked. Keys are readable by their owner alone.</remarks>
public static class CertificateFolder
{
    /// <summary>The authority's key.</summary>
    public const string AuthorityKeyFile = "ca.key";

    /// <summary>Makes certificates for hosts, and the authority where the folder has none.</summary>
    /// <param name="folder">The folder; made where there is none.</param>
    /// <param name="hosts">The hosts.</param>
    /// <param name="days">How long the certificates are valid; never longer than the authority.</param>
    /// <returns>Whether the authority is new, and when the first of the certificates ends.</returns>
    /// <exception cref="DistNetException">A host has a folder already, or the authority's files cannot be read.</exception>
    public static (bool NewAuthority, DateTimeOffset NotAfter) Write(string folder, IReadOnlyList<CertificateHost> hosts, int days)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(hosts);
        foreach (CertificateHost host in hosts)
        {
            string path = Path.Combine(folder, host.Folder);
            if (Path.Exists(path))
            {
                throw DistNetException.Usage($"{path} exists already; nothing is written over, so remove it first where that host is to have a new certificate.");
            }
        }

        string certificateFile = Path.Combine(folder, TlsFiles.AuthorityFile);
        string keyFile = Path.Combine(folder, AuthorityKeyFile);
        bool isNew = !Path.Exists(certificateFile) && !Path.Exists(keyFile);
        using CertificateAuthority authority = isNew ? CertificateAuthority.Create() : Load(certificateFile, keyFile);
        if (authority.NotAfter <= DateTimeOffset.UtcNow)
        {
            throw DistNetException.Usage($"the authority {certificateFile} expired at {authority.NotAfter:u}; make a new one in another folder.");
        }

        var issued = hosts.Select(host => (Host: host, Certificate: authority.Issue(host.Names, days))).ToArray();
        try
        {
            Directory.CreateDirectory(folder);
            if (isNew)
            {
                WriteNew(keyFile, authority.KeyPem, isSecret: true);
                WriteNew(certificateFile, authority.CertificatePem, isSecret: false);
            }

            foreach ((CertificateHost host, HostCertificate certificate) in issued)
            {
                string path = Path.Combine(folder, host.Folder);
                Directory.CreateDirectory(path);
                WriteNew(Path.Combine(path, TlsFiles.KeyFile), certificate.KeyPem, isSecret: true);
                WriteNew(Path.Combine(path, TlsFiles.CertificateFile), certificate.CertificatePem, isSecret: false);
                WriteNew(Path.Combine(path, TlsFiles.AuthorityFile), authority.CertificatePem, isSecret: false);
            }
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            throw DistNetException.Failed($"the certificates cannot be written to {folder}: {WriteFailure.Words(error)}.", error);
        }

        return (isNew, issued.Min(each => each.Certificate.NotAfter));
    }

    private static CertificateAuthority Load(string certificateFile, string keyFile)
    {
        try
        {
            return CertificateAuthority.Load(File.ReadAllText(certificateFile), File.ReadAllText(keyFile));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw DistNetException.Usage($"the authority cannot be read from {certificateFile} and {keyFile} ({error.Message.TrimEnd('.')}); expected both, as `distnet certs` wrote them, or neither.", error);
        }
    }

    private static void WriteNew(string path, string text, bool isSecret)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (isSecret && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }
}
