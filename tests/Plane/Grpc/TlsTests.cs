using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using DistNet.Protocol.Security;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Mutual TLS: who has no certificate of the cluster is turned away with one sentence on both sides.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("distnet-tls-").FullName;
    private readonly CertificateAuthority ours = CertificateAuthority.Create();
    private readonly CertificateAuthority theirs = CertificateAuthority.Create();
    private readonly List<TlsFiles> files = [];

    [Fact]
    public async Task Workers_with_certificates_of_the_cluster_exchange_tensors()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 100_000, tls: Files(ours, "127.0.0.1"));
        using PlaneClient client = bed.Client(Files(ours, "127.0.0.1"));
        await using WorkerAttendance attendance = await client.AttendAsync(PlaneBed.Hello(), () => default);
        var worker = new TestWorker(bed, client, attendance, new GradientPool(100_000));
        ParameterHandle handle = await worker.FetchAsync(bed.Parameters.Handle.Version);
        Assert.True(handle.Values.Span.SequenceEqual(bed.Parameters.Values.Span));
        await worker.DeliverAsync(worker.Fence(), 3);
        worker.Take(1, 3);
    }

    [Fact]
    public async Task A_worker_of_another_authority_is_told_on_both_sides()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(tls: Files(ours, "127.0.0.1"));
        PlaneRefusedException refused = await RefusedAsync(bed, Files(theirs, "127.0.0.1"));
        Assert.Contains("of another authority", refused.Message, StringComparison.Ordinal);
        await PlaneBed.UntilAsync(() => !bed.Refusals.IsEmpty, "the coordinator has told");
        Assert.Contains("of another authority", Assert.Single(bed.Refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_coordinator_whose_certificate_is_for_another_host_is_refused()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(tls: Files(ours, "other.example"));
        Assert.Contains("is not for '127.0.0.1'", (await RefusedAsync(bed, Files(ours, "127.0.0.1"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "showed no certificate")]
    [InlineData(true, "of another authority")]
    public async Task A_caller_that_takes_any_coordinator_is_turned_away_without_a_certificate_of_ours(bool shows, string sentence)
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(tls: Files(ours, "127.0.0.1"));
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", bed.Server.Endpoint.Port);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };
        if (shows)
        {
            X509Certificate2 foreign = Files(theirs, "127.0.0.1").Certificate;
            options.LocalCertificateSelectionCallback = (_, _, _, _, _) => foreign;
        }

        await using var stream = new SslStream(socket.GetStream());
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            // With TLS 1.3 the refusal comes after the caller's handshake.
            await stream.AuthenticateAsClientAsync(options);
            await stream.ReadExactlyAsync(new byte[1 << 20]);
        });
        await PlaneBed.UntilAsync(() => !bed.Refusals.IsEmpty, "the coordinator has told");
        Assert.Contains(sentence, Assert.Single(bed.Refusals), StringComparison.Ordinal);
        Assert.Equal(1, bed.Count("connections refused: certificate"));
        Assert.Equal(0, bed.Count("calls"));
    }

    [Fact]
    public async Task Plaintext_and_TLS_do_not_meet()
    {
        await using PlaneBed secure = await PlaneBed.StartAsync(tls: Files(ours, "127.0.0.1"));
        using (PlaneClient plain = secure.Client())
        {
            PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => plain.AttendAsync(PlaneBed.Hello(), () => default));
            Assert.Equal(PlaneRefusalKind.Unreachable, refused.Kind);
            Assert.EndsWith("a coordinator that has certificates takes callers with one of its authority alone (--tls).", refused.Message, StringComparison.Ordinal);
            await PlaneBed.UntilAsync(() => !secure.Refusals.IsEmpty, "the coordinator has told");
            Assert.Contains("broke off the TLS handshake", Assert.Single(secure.Refusals), StringComparison.Ordinal);
        }

        await using PlaneBed open = await PlaneBed.StartAsync();
        PlaneRefusedException insecure = await RefusedAsync(open, Files(ours, "127.0.0.1"));
        Assert.Contains("certificates", insecure.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        files.ForEach(one => one.Dispose());
        ours.Dispose();
        theirs.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<PlaneRefusedException> RefusedAsync(PlaneBed bed, TlsFiles tls)
    {
        using PlaneClient client = bed.Client(tls);
        PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello(), () => default));
        Assert.True(refused.Kind == PlaneRefusalKind.ForGood, $"{refused.Kind}: {refused}");
        Assert.Empty(bed.AttendedWorkers);
        return refused;
    }

    private TlsFiles Files(CertificateAuthority issuer, string host)
    {
        string own = Path.Combine(folder, files.Count.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(own);
        HostCertificate certificate = issuer.Issue([host], days: 1);
        File.WriteAllText(Path.Combine(own, TlsFiles.AuthorityFile), issuer.CertificatePem);
        File.WriteAllText(Path.Combine(own, TlsFiles.CertificateFile), certificate.CertificatePem);
        File.WriteAllText(Path.Combine(own, TlsFiles.KeyFile), certificate.KeyPem);
        files.Add(TlsFiles.Load(own));
        return files[^1];
    }
}
