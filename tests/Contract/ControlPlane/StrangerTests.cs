using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>What strangers send to the control plane's port, without TLS: the node goes on, and so does whoever belongs to it.</summary>
public sealed class StrangerTests
{
    private const int Connections = 400;

    private static readonly byte[][] Greetings =
    [
        [],
        [1],
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(),
        [0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3],       // a frame of 2 GiB
        [0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3],       // of a negative length
        [0, 0, 0, 0],                            // empty
        [4, 0, 0, 0, 0x0A, 0xFF, 0xFF, 0xFF],    // a message that ends too early
        [3, 0, 0, 0, 0xFF, 0xFF, 0xFF],
        [2, 0, 0, 0, 0x12, 0x00],
    ];

    [Fact]
    public async Task Garbage_on_hundreds_of_connections_costs_the_node_and_its_worker_nothing()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
        int received = 0;
        coordinator.Echo("coordinator", (_, _) => Interlocked.Increment(ref received));
        IActorRef remote = await worker.System.ActorSelection($"{coordinator.Address}/user/coordinator").ResolveOne(ClusterNode.Most);
        for (int i = 0; i < Connections; i++)
        {
            using var stranger = new TcpClient();
            await stranger.ConnectAsync(IPAddress.Loopback, coordinator.Cluster.SelfAddress.Port!.Value);
            await stranger.GetStream().WriteAsync(Greetings[i % Greetings.Length]);
            remote.Tell(new RunEnded(default));
        }

        await coordinator.UntilAsync(() => Volatile.Read(ref received) == Connections, "every message of the worker came through");
        Assert.Equal(2, coordinator.Cluster.State.Members.Count);
        Assert.Empty(coordinator.Cluster.State.Unreachable);
    }
}
