using DistNet.Protocol.Security;
using Xunit;

namespace DistNet.Cli.Tests;

/// <summary><c>distnet certs</c>.</summary>
public sealed class CertsTests
{
    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public void Makes_an_authority_and_a_folder_for_each_host_that_tls_takes()
    {
        using var scratch = new Scratch();
        CliCall call = CliCall.Run("certs", "--hosts", "h1,h2+10.0.0.2,10.0.0.3,fd00::1", "--out", scratch["certs"]);
        Assert.Equal((0, ""), (call.Code, call.Errors));
        Assert.StartsWith("a new authority and 4 certificates, valid until ", call.Output, StringComparison.Ordinal);
        Assert.Equal(["10.0.0.3", "ca.key", "ca.pem", "fd00--1", "h1", "h2"], Directory.GetFileSystemEntries(scratch["certs"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach ((string folder, string[] names) in new[] { ("h1", (string[])["h1"]), ("h2", ["h2", "10.0.0.2"]), ("10.0.0.3", ["10.0.0.3"]), ("fd00--1", ["fd00::1"]) })
        {
            using TlsFiles tls = TlsFiles.Load(Path.Combine(scratch["certs"], folder));
            Assert.All(names, name => Assert.Null(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, name)));
            Assert.NotNull(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "other"));
        }
    }

    [Fact]
    public void Keys_are_readable_by_their_owner_alone()
    {
        using var scratch = new Scratch();
        Assert.Equal(0, CliCall.Run("certs", "--hosts", "h1", "--out", scratch["certs"]).Code);
        foreach (string key in new[] { "ca.key", "h1/host.key" })
        {
            string path = Path.Combine(scratch["certs"], key);
            Assert.Contains("PRIVATE KEY", File.ReadAllText(path), StringComparison.Ordinal);
            Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == OwnerAlone);
        }
    }

    [Fact]
    public void Hosts_are_added_later_with_the_same_authority()
    {
        using var scratch = new Scratch();
        Assert.Equal(0, CliCall.Run("certs", "--hosts", "h1", "--out", scratch["certs"]).Code);
        CliCall second = CliCall.Run("certs", "--hosts", "h2", "--out", scratch["certs"], "--days", "3");
        Assert.StartsWith("with the authority that was there, a certificate, valid until ", second.Output, StringComparison.Ordinal);
        using TlsFiles first = TlsFiles.Load(Path.Combine(scratch["certs"], "h1"));
        using TlsFiles added = TlsFiles.Load(Path.Combine(scratch["certs"], "h2"));
        Assert.Null(PeerCheck.RefuseCaller(first.Authority, added.Certificate));
        Assert.InRange(added.NotAfter, DateTimeOffset.UtcNow.AddDays(2.9), DateTimeOffset.UtcNow.AddDays(3.1));
        Assert.InRange(first.NotAfter, DateTimeOffset.UtcNow.AddDays(364), DateTimeOffset.UtcNow.AddDays(366));
    }

    [Fact]
    public void Nothing_is_written_over_and_nothing_is_written_in_part()
    {
        using var scratch = new Scratch();
        Assert.Equal(0, CliCall.Run("certs", "--hosts", "h1", "--out", scratch["certs"]).Code);
        string before = File.ReadAllText(Path.Combine(scratch["certs"], "h1", "host.pem"));
        Assert.Contains("exists already", CliCall.Refused(2, "certs", "--hosts", "h2,h1", "--out", scratch["certs"]), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path.Combine(scratch["certs"], "h1", "host.pem")));
        Assert.False(Directory.Exists(Path.Combine(scratch["certs"], "h2")));
    }

    [Theory]
    [InlineData("h 1", "'h 1', which is no host")]
    [InlineData("h1,,h2", "'', which is no host")]
    [InlineData("../etc", "'../etc', which is no host")]
    [InlineData("h1,H1", "'H1' twice")]
    [InlineData("h1+", "'', which is no host")]
    public void A_host_that_is_none_is_refused(string hosts, string expected)
    {
        using var scratch = new Scratch();
        Assert.Contains(expected, CliCall.Refused(2, "certs", "--hosts", hosts, "--out", scratch["certs"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["certs"]));
    }

    [Fact]
    public void An_authority_without_its_key_is_refused()
    {
        using var scratch = new Scratch();
        Assert.Equal(0, CliCall.Run("certs", "--hosts", "h1", "--out", scratch["certs"]).Code);
        File.Delete(Path.Combine(scratch["certs"], "ca.key"));
        Assert.Contains("expected both", CliCall.Refused(2, "certs", "--hosts", "h2", "--out", scratch["certs"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wildcard_is_a_name()
    {
        using var scratch = new Scratch();
        Assert.Equal(0, CliCall.Run("certs", "--hosts", "workers+*.workers.svc", "--out", scratch["certs"]).Code);
        using TlsFiles tls = TlsFiles.Load(Path.Combine(scratch["certs"], "workers"));
        Assert.Null(PeerCheck.RefuseCalled(tls.Authority, tls.Certificate, "w-3.workers.svc"));
        Assert.Equal("CN=workers", tls.Certificate.SubjectName.Format(false));
    }
}
