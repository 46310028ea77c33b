using System.Diagnostics;
using System.Globalization;
using System.Runtime.Serialization;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Cluster;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>Real actor systems with the real configuration, on loopback.</summary>
public sealed class ClusterTests(ITestOutputHelper output)
{
    private static readonly Fence Fence = new(new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")), 1, RunPhase.Training, 7, 3);
    private static readonly ComputeShard Compute = new(Fence, new(RunPhase.Training, 0, 7, 7, new(8, 16), 41, 328), (1L << 40) + 8, [4, 5]);
    private static readonly ShardDone Done = new(new("w1"), Fence, new(8, 16), [new(new(3, 1), new NodeMetrics(2.5, 64, 64, 60), 6)], null, 0.005);

    [Fact]
    public async Task Two_processes_form_a_cluster_and_exchange_a_shard_and_its_answer()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
        Channel<object> answers = Channel.CreateUnbounded<object>();
        coordinator.Echo("coordinator", (message, sender) =>
        {
            if (message is RegisterWorker)
            {
                sender.Tell(Compute);
            }
            else
            {
                answers.Writer.TryWrite(message);
            }
        });
        IActorRef remote = await SelectAsync(worker, coordinator.Address);
        IActorRef computing = worker.Echo("worker", (message, sender) => sender.Tell(message is ComputeShard compute && SameShard(compute) ? Done : new Goodbye(new("w1"), default, "not the shard")));
        remote.Tell(new RegisterWorker(new("w1"), Guid.NewGuid(), 1), computing);
        object answer = await answers.Reader.ReadAsync().AsTask().WaitAsync(ClusterNode.Most);
        ShardDone done = Assert.IsType<ShardDone>(answer);
        Assert.Equal(Done with { Nodes = done.Nodes }, done);
        Assert.Equal(Done.Nodes, done.Nodes);
    }

    [Fact]
    public async Task A_round_trip_is_measured_and_printed()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
        const int Trips = 500;
        var times = new List<double>(Trips);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long started = 0;
        IActorRef echo = worker.Echo("worker", (_, sender) => sender.Tell(Done));
        IActorRef coordinating = coordinator.Echo("coordinator", (_, sender) =>
        {
            times.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            if (times.Count == Trips)
            {
                end.TrySetResult();
                return;
            }

            started = Stopwatch.GetTimestamp();
            sender.Tell(Compute);
        });
        IActorRef remote = await SelectAsync(worker, coordinator.Address);
        started = Stopwatch.GetTimestamp();
        remote.Tell(Done, echo);
        await end.Task.WaitAsync(ClusterNode.Most);
        times.Sort();
        Assert.NotNull(coordinating);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ComputeShard and ShardDone over loopback: p50 {times[Trips / 2]:0} us, p95 {times[Trips * 95 / 100]:0} us, p99 {times[Trips * 99 / 100]:0} us"));
    }

    [Theory]
    [InlineData("a text")]
    [InlineData(17)]
    [InlineData(new byte[] { 1, 2, 3 })]
    public async Task A_message_that_is_not_ours_does_not_leave_the_process_and_the_association_goes_on(object message)
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
        Channel<object> received = Channel.CreateUnbounded<object>();
        coordinator.Echo("coordinator", (got, _) => received.Writer.TryWrite(got));
        IActorRef remote = await SelectAsync(worker, coordinator.Address);
        remote.Tell(message);
        remote.Tell(new StopRun(StopSignal.Interrupt));
        remote.Tell(PoisonPill.Instance);
        remote.Tell(Done);
        Assert.IsType<ShardDone>(await received.Reader.ReadAsync().AsTask().WaitAsync(ClusterNode.Most));
        await worker.LoggedAsync("may not leave the process");
        await worker.LoggedAsync("No serializer binding found for type StopRun");
    }

    [Fact]
    public async Task No_serializer_that_loads_types_reads_what_comes_from_outside()
    {
        await using ClusterNode node = await ClusterNode.CoordinatorAsync();
        Akka.Serialization.Serialization serialization = node.System.Serialization;
        string type = typeof(System.Text.StringBuilder).AssemblyQualifiedName!;
        foreach (int identifier in new[] { 1, 2, 3, 4, 17, 36 })
        {
            var error = Assert.Throws<SerializationException>(() => serialization.Deserialize([1, 2, 3], identifier, type));
            Assert.Contains("is not accepted from other processes", error.Message, StringComparison.Ordinal);
        }

        foreach ((int identifier, string manifest) in new[] { (16, "STF"), (16, "PP"), (16, "K"), (16, "CF"), (22, "Akka.Dispatch.SysMsg.Create, Akka"), (5, "Akka.Cluster.ClusterUserAction+Down, Akka.Cluster"), (5, "Akka.Cluster.ClusterUserAction+Leave, Akka.Cluster") })
        {
            Assert.Contains("is not accepted", Assert.Throws<SerializationException>(() => serialization.Deserialize([], identifier, manifest)).Message, StringComparison.Ordinal);
        }

        Assert.Throws<SerializationException>(() => serialization.Deserialize([], 4711, "x"));
    }

    [Fact]
    public async Task Messages_nested_without_end_are_refused_before_the_stack_is()
    {
        await using ClusterNode node = await ClusterNode.CoordinatorAsync();
        byte[] nested = [];
        int levels = 0;
        while (nested.Length < ClusterConfiguration.FrameBytes / 4)
        {
            nested = Identify(nested, levels == 0 ? 0 : 16);
            levels++;
        }

        Assert.True(levels > 3);
        Assert.Contains("nested", Assert.Throws<SerializationException>(() => node.System.Serialization.Deserialize(nested, 16, "ID")).Message, StringComparison.Ordinal);

        // Identify { Payload messageId = 1 { bytes message = 1, int32 serializerId = 2, bytes messageManifest = 3 } }
        static byte[] Identify(byte[] inner, int serializer)
        {
            var payload = new MemoryStream();
            using (var writer = new Google.Protobuf.CodedOutputStream(payload, leaveOpen: true))
            {
                writer.WriteTag(1, Google.Protobuf.WireFormat.WireType.LengthDelimited);
                writer.WriteBytes(Google.Protobuf.ByteString.CopyFrom(inner));
                writer.WriteTag(2, Google.Protobuf.WireFormat.WireType.Varint);
                writer.WriteInt32(serializer);
                writer.WriteTag(3, Google.Protobuf.WireFormat.WireType.LengthDelimited);
                writer.WriteString(serializer == 0 ? "" : "ID");
            }

            var whole = new MemoryStream();
            using (var writer = new Google.Protobuf.CodedOutputStream(whole, leaveOpen: true))
            {
                writer.WriteTag(1, Google.Protobuf.WireFormat.WireType.LengthDelimited);
                writer.WriteBytes(Google.Protobuf.ByteString.CopyFrom(payload.ToArray()));
            }

            return whole.ToArray();
        }
    }

    [Fact]
    public async Task When_four_of_five_end_abruptly_the_coordinator_stays_up_and_takes_the_others_out()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        var workers = new List<ClusterNode>();
        for (int i = 0; i < 4; i++)
        {
            workers.Add(await ClusterNode.WorkerAsync(coordinator.Address));
        }

        await coordinator.UpAsync(5);
        bool removed = false;
        coordinator.Cluster.RegisterOnMemberRemoved(() => removed = true);
        await Task.WhenAll(workers.Select(worker => worker.System.Terminate()));
        Assert.All(workers, worker => Assert.True(worker.System.WhenTerminated.IsCompleted));
        await coordinator.UntilAsync(() => coordinator.Cluster.State.Members.Count == 1, "the coordinator is alone");
        Assert.Equal(MemberStatus.Up, coordinator.Cluster.SelfMember.Status);
        await using ClusterNode late = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
        Assert.False(removed);
        Assert.False(coordinator.System.WhenTerminated.IsCompleted);
        foreach (ClusterNode worker in workers)
        {
            await worker.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_worker_that_was_taken_out_learns_it_and_comes_back_on_the_same_port_with_a_new_actor_system()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        Address address = worker.Cluster.SelfAddress;
        try
        {
            await coordinator.UpAsync(2);
            ClusterConfiguration.Down(coordinator.System, address);
            await ClusterConfiguration.WhenRemoved(worker.System).WaitAsync(ClusterNode.Most);
            await coordinator.UpAsync(1);
        }
        finally
        {
            await worker.DisposeAsync();
        }

        await using ClusterNode again = await ClusterNode.StartAsync(new ClusterNodeOptions { Role = ClusterRole.Worker, BindHost = "127.0.0.1", BindPort = address.Port!.Value, Seed = coordinator.Address });
        await coordinator.UpAsync(2);
    }

    [Fact]
    public async Task The_coordinator_never_takes_itself_out()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        await coordinator.UpAsync(1);
        ClusterConfiguration.Down(coordinator.System, coordinator.Cluster.SelfAddress);
        await using ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        await coordinator.UpAsync(2);
    }

    [Fact]
    public async Task A_worker_that_leaves_is_gone_from_the_cluster()
    {
        await using ClusterNode coordinator = await ClusterNode.CoordinatorAsync();
        ClusterNode worker = await ClusterNode.WorkerAsync(coordinator.Address);
        Address address = worker.Cluster.SelfAddress;
        await coordinator.UpAsync(2);
        await ClusterConfiguration.LeaveAsync(worker.System, ClusterNode.Most);
        Assert.Contains(worker.Cluster.SelfMember.Status, new[] { MemberStatus.Exiting, MemberStatus.Removed });
        await worker.DisposeAsync();
        ClusterConfiguration.Down(coordinator.System, address);
        await coordinator.UntilAsync(() => coordinator.Cluster.State.Members.Count == 1, "the worker is gone");
    }

    [Fact]
    public async Task A_port_in_use_is_one_exception_and_nothing_on_the_console()
    {
        await using ClusterNode first = await ClusterNode.CoordinatorAsync();
        int port = first.Cluster.SelfAddress.Port!.Value;
        var error = await Assert.ThrowsAsync<DistNetException>(() => ClusterNode.StartAsync(new ClusterNodeOptions { Role = ClusterRole.Coordinator, BindHost = "127.0.0.1", BindPort = port }));
        Assert.Equal(FailureKind.Failed, error.Kind);
        Assert.StartsWith($"the control plane cannot listen on 127.0.0.1:{port}: ", error.Message, StringComparison.Ordinal);
    }

    private static bool SameShard(ComputeShard shard) => shard with { Held = Compute.Held } == Compute && shard.Held.SequenceEqual(Compute.Held);

    private static Task<IActorRef> SelectAsync(ClusterNode from, string address) => from.System.ActorSelection($"{address}/user/coordinator").ResolveOne(ClusterNode.Most);
}
