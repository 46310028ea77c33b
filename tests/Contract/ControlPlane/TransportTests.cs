using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;
using DistNet.Cluster.Tests;
using DistNet.Protocol;
using DistNet.Protocol.Transport;
using Google.Protobuf;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>The control plane's transport by itself: frames in, frames out, and connections that end.</summary>
public sealed class TransportTests : IDisposable
{
    private readonly ActorSystem system = ActorSystem.Create("distnet", ConfigurationFactory.ParseString(ControlConfiguration.Hocon));
    private readonly List<ControlTransport> transports = [];

    [Fact]
    public async Task Payloads_of_all_sizes_arrive_in_order_on_both_ends()
    {
        (End there, _) = await ListenAsync();
        (_, ControlTransport caller) = await ListenAsync();
        AssociationHandle here = await caller.Associate(there.Address);
        var back = new Received();
        here.ReadHandlerSource.SetResult(back);
        await Poll.Until(() => there.Handles.Count == 1, () => "the connection is there");
        int[] sizes = [1, 2, 100, 8_191, 8_192, 8_193, 20_000, ClusterConfiguration.FrameBytes, 1];
        foreach (int size in sizes)
        {
            ByteString payload = Payload(size);
            await Poll.Until(() => here.Write(payload), () => $"{size} bytes are written");
            await Poll.Until(() => there.Handles.First().Write(payload), () => $"{size} bytes are written back");
        }

        foreach (Received received in new[] { there.Inbox, back })
        {
            await Poll.Until(() => received.Payloads.Count == sizes.Length, () => "all have arrived");
            Assert.Equal(sizes.Select(Payload), received.Payloads);
        }
    }

    [Fact]
    public async Task A_frame_that_comes_in_pieces_is_one_payload()
    {
        (End end, _) = await ListenAsync();
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        caller.NoDelay = true;
        byte[] bytes = [3, 0, 0, 0, 7, 8, 9, 1, 0, 0, 0, 5];
        foreach (byte one in bytes)
        {
            await caller.GetStream().WriteAsync(new[] { one });
        }

        await Poll.Until(() => end.Inbox.Payloads.Count == 2, () => "both have arrived");
        Assert.Equal([ByteString.CopyFrom(7, 8, 9), ByteString.CopyFrom(5)], end.Inbox.Payloads);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x01, 0xF4, 0x01, 0x00 })] // FrameBytes + 1
    public async Task A_frame_of_a_length_that_none_has_ends_its_connection(byte[] length)
    {
        (End end, _) = await ListenAsync();
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await caller.GetStream().WriteAsync(length);
        await EndsAsync(caller);
        await Poll.Until(() => end.Inbox.Ends == 1, () => "the end is told");
        Assert.Empty(end.Inbox.Payloads);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_stops_nobody_and_gets_everything_later()
    {
        (End end, ControlTransport transport) = await ListenAsync();
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await Poll.Until(() => end.Handles.Count == 1, () => "the connection is there");
        AssociationHandle handle = end.Handles.First();
        ByteString payload = Payload(ClusterConfiguration.FrameBytes);
        long written = 0;
        while (handle.Write(payload))
        {
            written += sizeof(int) + payload.Length;
        }

        Assert.True(written > 0);
        byte[] all = new byte[written];
        await caller.GetStream().ReadExactlyAsync(all).AsTask().WaitAsync(ClusterNode.Most);
        Assert.Equal(payload, ByteString.CopyFrom(all, all.Length - payload.Length, payload.Length));
        Assert.True(handle.Write(payload));
        await transport.Shutdown();
        Assert.False(handle.Write(payload));
    }

    [Fact]
    public async Task Both_ends_hear_of_the_end_whoever_ends_it()
    {
        foreach (bool callerEnds in new[] { true, false })
        {
            (End there, ControlTransport called) = await ListenAsync();
            (_, ControlTransport caller) = await ListenAsync();
            AssociationHandle here = await caller.Associate(there.Address);
            var back = new Received();
            here.ReadHandlerSource.SetResult(back);
            await Poll.Until(() => there.Handles.Count == 1, () => "the connection is there");
            if (callerEnds)
            {
                here.Disassociate("the test", system.Log);
            }
            else
            {
                await called.Shutdown();
            }

            await Poll.Until(() => there.Inbox.Ends == 1 && back.Ends == 1, () => "both have heard");
        }
    }

    [Fact]
    public async Task Nobody_there_is_a_failed_association()
    {
        (End end, ControlTransport gone) = await ListenAsync();
        await gone.Shutdown();
        (_, ControlTransport caller) = await ListenAsync();
        var refused = await Assert.ThrowsAsync<InvalidAssociationException>(() => caller.Associate(end.Address).WaitAsync(ClusterNode.Most));
        Assert.Contains(end.Address.ToString(), refused.Message, StringComparison.Ordinal);
        await caller.Shutdown();
        await Assert.ThrowsAsync<InvalidAssociationException>(() => caller.Associate(end.Address).WaitAsync(ClusterNode.Most));
    }

    [Fact]
    public async Task Connections_beyond_the_most_are_closed_and_those_that_end_make_room()
    {
        (End end, _) = await ListenAsync("connections = 2");
        using var first = new TcpClient();
        using var second = new TcpClient();
        await first.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await second.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await Poll.Until(() => end.Handles.Count == 2, () => "both are taken");
        using var third = new TcpClient();
        await third.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await EndsAsync(third);
        first.Close();
        await Poll.Until(() => end.Inbox.Ends == 1, () => "the first has ended");
        var later = new List<TcpClient>();
        await Poll.Until(
            () =>
            {
                later.Add(new TcpClient("127.0.0.1", end.Address.Port!.Value));
                return end.Handles.Count == 3;
            },
            () => "there is room again");
        later.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Whoever_never_shakes_hands_is_closed_in_time()
    {
        using var certificates = new Security.Certificates();
        using ActorSystem secure = ActorSystem.Create("distnet", ActorSystemSetup(certificates.Load("a", "127.0.0.1")));
        (End end, _) = await ListenAsync("open-within = 100ms", secure);
        Assert.Equal("ssl.tcp", end.Address.Protocol);
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, end.Address.Port!.Value);
        await EndsAsync(silent);
        Assert.Empty(end.Handles);
    }

    public void Dispose()
    {
        foreach (ControlTransport transport in transports)
        {
            transport.Dispose();
        }

        system.Dispose();
    }

    private static Akka.Actor.Setup.ActorSystemSetup ActorSystemSetup(DistNet.Protocol.Security.TlsFiles files) =>
        Akka.Actor.Setup.ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(ControlConfiguration.Hocon)), new ControlTls(files, seedHost: null));

    private static async Task EndsAsync(TcpClient caller)
    {
        byte[] one = new byte[1];
        try
        {
            Assert.Equal(0, await caller.GetStream().ReadAsync(one).AsTask().WaitAsync(ClusterNode.Most));
        }
        catch (IOException)
        {
            // Reset: the other end had not read everything.
        }
    }

    private static ByteString Payload(int size) => ByteString.CopyFrom([.. Enumerable.Range(0, size).Select(i => (byte)((i * 7) + size))]);

    private async Task<(End End, ControlTransport Transport)> ListenAsync(string more = "", ActorSystem? on = null)
    {
        Config config = ConfigurationFactory.ParseString(
            $"{{ hostname = 127.0.0.1, port = 0, public-hostname = 127.0.0.1, public-port = 0, connections = 16, open-within = 5s\n{more} }}");
        var transport = new ControlTransport(on ?? system, config);
        transports.Add(transport);
        (Address address, TaskCompletionSource<IAssociationEventListener> listener) = await transport.Listen();
        var end = new End(address);
        listener.SetResult(end);
        return (end, transport);
    }

    private sealed class End(Address address) : IAssociationEventListener
    {
        public Address Address => address;

        public ConcurrentQueue<AssociationHandle> Handles { get; } = new();

        public Received Inbox { get; } = new();

        public void Notify(IAssociationEvent ev)
        {
            AssociationHandle handle = ((InboundAssociation)ev).Association;
            handle.ReadHandlerSource.TrySetResult(Inbox);
            Handles.Enqueue(handle);
        }
    }

    private sealed class Received : IHandleEventListener
    {
        private int ends;

        public ConcurrentQueue<ByteString> Payloads { get; } = new();

        public int Ends => Volatile.Read(ref ends);

        public void Notify(IHandleEvent ev)
        {
            switch (ev)
            {
                case InboundPayload payload:
                    Payloads.Enqueue(payload.Payload);
                    break;
                case Disassociated:
                    Interlocked.Increment(ref ends);
                    break;
            }
        }
    }
}
