using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using DistNet.Protocol.Security;
using Xunit;

namespace DistNet.Contract.Tests.Security;

/// <summary>The folder of <c>--tls</c>, and the handshake of the tensor plane.</summary>
public sealed class TlsFilesTests : IDisposable
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);

    private readonly Certificates certificates = new();

    [Theory]
    [InlineData("ca.pem")]
    [InlineData("host.pem")]
    [InlineData("host.key")]
    public void A_missing_file_is_named(string file)
    {
        string folder = certificates.Folder("a", "h1");
        File.Delete(Path.Combine(folder, file));
        var error = Assert.Throws<DistNetException>(() => TlsFiles.Load(folder));
        Assert.Equal(FailureKind.Usage, error.Kind);
        Assert.StartsWith($"--tls {folder}: {file} cannot be read (", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ca.pem")]
    [InlineData("host.pem")]
    [InlineData("host.key")]
    public void A_file_with_something_else_is_named(string file)
    {
        string folder = certificates.Folder("a", "h1");
        File.WriteAllText(Path.Combine(folder, file), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        string sentence = Assert.Throws<DistNetException>(() => TlsFiles.Load(folder)).Message;
        Assert.Contains("does not hold what is expected", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_of_another_host_is_refused()
    {
        string folder = certificates.Folder("a", "h1");
        File.Copy(Path.Combine(certificates.Folder("a", "h2"), "host.key"), Path.Combine(folder, "host.key"), overwrite: true);
        Assert.Contains("whose key is in host.key", Assert.Throws<DistNetException>(() => TlsFiles.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_authority_of_another_cluster_is_refused()
    {
        string folder = certificates.Folder("a", "h1");
        File.Copy(Path.Combine(certificates.Folder("b", "h1"), "ca.pem"), Path.Combine(folder, "ca.pem"), overwrite: true);
        Assert.Contains("is of another authority", Assert.Throws<DistNetException>(() => TlsFiles.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hosts_of_one_authority_shake_hands()
    {
        (Exception? client, Exception? server, string[] refusals) = await ShakeAsync(certificates.Load("a", "localhost"), certificates.Load("a", "h2").ClientOptions("localhost"));
        Assert.Null(client);
        Assert.Null(server);
        Assert.Empty(refusals);
    }

    [Fact]
    public async Task A_client_of_another_authority_is_turned_away_with_a_sentence()
    {
        TlsFiles theirs = certificates.Load("b", "h2");
        SslClientAuthenticationOptions options = theirs.ClientOptions("localhost");
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        (_, Exception? server, string[] refusals) = await ShakeAsync(certificates.Load("a", "localhost"), options);
        Assert.IsType<AuthenticationException>(server);
        Assert.Contains("is of another authority", Assert.Single(refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_turned_away_with_a_sentence()
    {
        var options = new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null };
        (_, Exception? server, string[] refusals) = await ShakeAsync(certificates.Load("a", "localhost"), options);
        Assert.IsType<AuthenticationException>(server);
        Assert.Contains("showed no certificate", Assert.Single(refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_another_authority_or_for_another_host_is_not_talked_to()
    {
        foreach ((string authority, string host, string expected) in new[] { ("b", "localhost", "is of another authority"), ("a", "h9", "is not for 'localhost', which was called") })
        {
            TlsFiles ours = certificates.Load("a", "h2");
            var refusals = new List<string>();
            ours.Refused = refusals.Add;
            (Exception? client, _, _) = await ShakeAsync(certificates.Load(authority, host), ours.ClientOptions("localhost"));
            Assert.IsType<AuthenticationException>(client);
            Assert.Contains(expected, Assert.Single(refusals), StringComparison.Ordinal);
        }
    }

    public void Dispose() => certificates.Dispose();

    private static async Task<(Exception? Client, Exception? Server, string[] Refusals)> ShakeAsync(TlsFiles server, SslClientAuthenticationOptions options)
    {
        var refusals = new List<string>();
        server.Refused = refusals.Add;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var calling = new TcpClient();
        await calling.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using TcpClient called = await listener.AcceptTcpClientAsync();
        await using var clientStream = new SslStream(calling.GetStream());
        await using var serverStream = new SslStream(called.GetStream());
        options.ApplicationProtocols = [SslApplicationProtocol.Http2];

        // The side that refuses ends the connection, else the other would wait for it.
        Task<Exception?> serverSide = OutcomeAsync(serverStream.AuthenticateAsServerAsync(server.ServerOptions()), called);
        Task<Exception?> clientSide = OutcomeAsync(clientStream.AuthenticateAsClientAsync(options), calling);
        return (await clientSide.WaitAsync(Most), await serverSide.WaitAsync(Most), [.. refusals]);
    }

    private static async Task<Exception?> OutcomeAsync(Task handshake, TcpClient connection)
    {
        try
        {
            await handshake;
            return null;
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            connection.Close();
            return error;
        }
    }
}
