using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Akka.Actor;
using DistNet.Contract.Tests.ControlPlane;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using Xunit;

namespace DistNet.Contract.Tests.Security;

/// <summary>The control plane with mutual TLS, in real actor systems on loopback.</summary>
public sealed class TlsClusterTests : IDisposable
{
    private readonly Certificates certificates = new();

    [Fact]
    public async Task Hosts_of_one_authority_form_a_cluster_though_only_the_coordinators_address_is_certified()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "c+127.0.0.1"));
        Assert.StartsWith("akka.ssl.tcp://distnet@127.0.0.1:", coordinator.Address, StringComparison.Ordinal);
        await using ClusterNode first = await ClusterNode.WorkerAsync(coordinator.Address, certificates.Load("a", "w1"));
        await using ClusterNode second = await ClusterNode.WorkerAsync(coordinator.Address, certificates.Load("a", "w2"));
        await coordinator.UpAsync(3);
        await first.UpAsync(3);
    }

    [Fact]
    public async Task A_worker_of_another_authority_is_turned_away_with_a_sentence_and_costs_nothing()
    {
        TlsFiles ours = certificates.Load("a", "127.0.0.1");
        TlsFiles theirs = certificates.Load("b", "w1");
        var refused = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        ours.Refused = sentence => refused.TrySetResult(sentence);
        theirs.Refused = ours.Refused;
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(ours);
        await using ClusterNode joining = await ClusterNode.WorkerAsync(coordinator.Address, theirs);
        Assert.Contains("is of another authority", await refused.Task.WaitAsync(ClusterNode.Most), StringComparison.Ordinal);
        await RemainsAsync(coordinator);
    }

    [Fact]
    public async Task A_worker_without_certificates_is_told_that_it_needs_them()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "127.0.0.1"));
        var error = await Assert.ThrowsAsync<DistNetException>(() => ClusterNode.WorkerAsync(coordinator.Address));
        Assert.Contains("this worker has no certificates (--tls)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_with_certificates_does_not_join_a_coordinator_without()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        var error = await Assert.ThrowsAsync<DistNetException>(() => ClusterNode.WorkerAsync(coordinator.Address, certificates.Load("a", "w1")));
        Assert.Contains("the coordinator has none", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_coordinator_whose_certificate_is_for_another_host_is_not_joined()
    {
        TlsFiles worker = certificates.Load("a", "w1");
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "elsewhere"));
        var refused = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Refused = sentence => refused.TrySetResult(sentence);
        await using ClusterNode joining = await ClusterNode.WorkerAsync(coordinator.Address, worker);
        Assert.Contains("is not for '127.0.0.1', which was called", await refused.Task.WaitAsync(ClusterNode.Most), StringComparison.Ordinal);
        await RemainsAsync(coordinator);
    }

    [Fact]
    public async Task A_caller_without_a_certificate_is_turned_away_in_the_handshake()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "127.0.0.1"));
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, coordinator.Cluster.SelfAddress.Port!.Value);
        await using var stream = new SslStream(stranger.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
        await stream.AuthenticateAsClientAsync("127.0.0.1");
        await coordinator.LoggedAsync("The remote certificate was rejected");
        await RemainsAsync(coordinator);
    }

    [Fact]
    public async Task A_handshake_that_comes_while_the_certificates_are_given_back_ends_that_connection_alone()
    {
        TlsFiles ours = certificates.Load("a", "127.0.0.1"), theirs = certificates.Load("a", "w1");
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(ours);
        ours.Authority.Dispose();
        using var late = new TcpClient();
        await late.ConnectAsync(IPAddress.Loopback, coordinator.Cluster.SelfAddress.Port!.Value);
        await using var stream = new SslStream(late.GetStream());
        await stream.AuthenticateAsClientAsync(theirs.ClientOptions("127.0.0.1"));
        await coordinator.LoggedAsync("disposed certificate");
        await RemainsAsync(coordinator);
    }

    [Fact]
    public async Task Strangers_on_the_port_cost_the_coordinator_nothing()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "127.0.0.1"));
        foreach (byte[] greeting in new byte[][] { [], "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), [0x16, 3, 1, 0xFF, 0xFF, 1], [0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3] })
        {
            using var stranger = new TcpClient();
            await stranger.ConnectAsync(IPAddress.Loopback, coordinator.Cluster.SelfAddress.Port!.Value);
            await stranger.GetStream().WriteAsync(greeting);
            stranger.Close();
        }

        await RemainsAsync(coordinator);
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address, certificates.Load("a", "w1"));
        await coordinator.UpAsync(2);
    }

    [Fact]
    public async Task A_peer_that_breaks_a_handshake_that_the_coordinator_began_does_not_end_it()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync(certificates.Load("a", "127.0.0.1"));
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        coordinator.System.ActorSelection($"akka.ssl.tcp://distnet@{stranger.LocalEndpoint}/user/worker").Tell(new RunEnded(default));
        using (TcpClient connection = await stranger.AcceptTcpClientAsync().WaitAsync(ClusterNode.Most))
        {
            await connection.GetStream().WriteAsync("no TLS here\n"u8.ToArray());
        }

        await coordinator.LoggedAsync("Tried to associate with unreachable remote address");
        await RemainsAsync(coordinator);
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address, certificates.Load("a", "w1"));
        await coordinator.UpAsync(2);
    }

    public void Dispose() => certificates.Dispose();

    private static async Task RemainsAsync(ClusterNode coordinator)
    {
        await coordinator.UpAsync(1);
        Assert.False(coordinator.System.WhenTerminated.IsCompleted);
    }
}
