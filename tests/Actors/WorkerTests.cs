using Akka.Actor;
using Akka.TestKit;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Worker;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>The worker's side, with the coordinator in the hands of the test.</summary>
public sealed class WorkerTests : RunTest
{
    private readonly VersionedParameters parameters = new(new float[ExactSum.Floats]);
    private readonly Membership membership = new(RunId.Create(), 1, 7);

    [Fact]
    public void It_registers_again_until_it_is_answered_and_computes_then()
    {
        TestProbe coordinator = CreateTestProbe();
        IActorRef worker = Work(coordinator.Ref, "w1");
        RegisterWorker first = coordinator.ExpectMsg<RegisterWorker>(Patience);
        Assert.Equal(first, coordinator.ExpectMsg<RegisterWorker>(Patience));
        worker.Tell(Shard(0, 4), coordinator.Ref);
        worker.Tell(new Welcome(membership, Guid.NewGuid()), coordinator.Ref);
        Welcome(worker, first);
        worker.Tell(Shard(4, 8), coordinator.Ref);
        ShardDone done = coordinator.FishForMessage<ShardDone>(_ => true, Patience);
        Assert.Equal(new SliceRange(4, 4), done.Slices);
        Assert.True(done.Seconds > 0);
        Take(done);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public void A_result_computed_from_overwritten_parameters_is_dropped_and_said_so()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(_ =>
        {
            parameters.BeginOverwrite();
            parameters.EndOverwrite();
        });
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.Equal(ShardFailureKind.Overwritten, coordinator.FishForMessage<ShardNotDone>(_ => true, Patience).Kind);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public void A_shard_whose_parameters_are_old_is_not_begun()
    {
        int begun = 0;
        (TestProbe coordinator, IActorRef worker) = Ready(_ => begun++);
        ComputeShard old = Shard(0, 4);
        parameters.BeginOverwrite();
        worker.Tell(old, coordinator.Ref);
        Assert.Equal(ShardFailureKind.Overwritten, coordinator.FishForMessage<ShardNotDone>(_ => true, Patience).Kind);
        parameters.EndOverwrite();
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
        Assert.Equal(1, begun);
    }

    [Fact]
    public void A_withdrawn_shard_is_answered_without_a_result()
    {
        var begun = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        (TestProbe coordinator, IActorRef worker) = Ready(_ =>
        {
            begun.Set();
            release.Wait();
        });
        ComputeShard shard = Shard(0, 4);
        worker.Tell(shard, coordinator.Ref);
        Assert.True(begun.Wait(Patience));
        worker.Tell(new WithdrawShard(shard.Fence, shard.Work.Slices), coordinator.Ref);
        // The withdrawal is handled before what the same sender sends next.
        worker.Tell(new Identify(1), coordinator.Ref);
        coordinator.FishForMessage<ActorIdentity>(_ => true, Patience);
        release.Set();
        ShardNotDone answer = coordinator.FishForMessage<ShardNotDone>(_ => true, Patience);
        Assert.Equal((ShardFailureKind.Withdrawn, shard.Fence), (answer.Kind, answer.Fence));
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public void Its_order_stands_for_the_next_step_where_the_plane_says_so_and_lapses_where_not()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(null);
        ComputeShard order = Shard(0, 4);
        worker.Tell(order, coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
        for (int step = 1; step < 4; step++)
        {
            Plane.LetStand(order.Version + step);
            Publish();
            ShardDone done = coordinator.ExpectMsg<ShardDone>(Patience);
            Assert.Equal((order.Fence with { Step = step }, order.Work.Slices), (done.Fence, done.Slices));
            Take(done);
        }

        Publish();
        ComputeShard other = Shard(4, 8);
        worker.Tell(other, coordinator.Ref);
        ShardDone last = coordinator.ExpectMsg<ShardDone>(Patience);
        Assert.Equal((other.Fence, other.Work.Slices), (last.Fence, last.Slices));
        Take(last);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public void The_order_that_stands_is_the_last_that_came()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(null);
        ComputeShard order = Shard(0, 4);
        worker.Tell(order, coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
        worker.Tell(Shard(4, 8), coordinator.Ref);
        Take(coordinator.ExpectMsg<ShardDone>(Patience));
        Plane.LetStand(order.Version + 1);
        Publish();
        ShardDone done = coordinator.ExpectMsg<ShardDone>(Patience);
        Assert.Equal((1, new SliceRange(4, 4)), (done.Fence.Step, done.Slices));
        Take(done);
    }

    [Fact]
    public void An_order_that_stands_and_is_withdrawn_is_answered()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(null);
        ComputeShard order = Shard(0, 4);
        worker.Tell(order, coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
        Plane.LetStand(order.Version + 1);
        worker.Tell(new WithdrawShard(order.Next.Fence, order.Work.Slices), coordinator.Ref);
        ShardNotDone answer = coordinator.ExpectMsg<ShardNotDone>(Patience);
        Assert.Equal((ShardFailureKind.Withdrawn, order.Next.Fence, order.Work.Slices), (answer.Kind, answer.Fence, answer.Slices));

        // What was not done does not stand.
        Plane.LetStand(order.Version + 2);
        Publish();
        Publish();
        worker.Tell(Shard(4, 8), coordinator.Ref);
        Take(coordinator.ExpectMsg<ShardDone>(Patience));
    }

    [Fact]
    public void A_computation_that_throws_is_reported_and_the_next_one_is_done()
    {
        int calls = 0;
        (TestProbe coordinator, IActorRef worker) = Ready(_ => Invariant.Holds(calls++ > 0));
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.Contains("calls++ > 0", coordinator.FishForMessage<ShardNotDone>(_ => true, Patience).Reason, StringComparison.Ordinal);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
    }

    [Fact]
    public void An_actor_that_throws_starts_again_and_registers_anew()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(null);
        RegisterWorker first = last!;
        // No shard has no work: the actor breaks on it.
        worker.Tell(Shard(0, 4) with { Work = null! }, coordinator.Ref);
        RegisterWorker second = coordinator.FishForMessage<RegisterWorker>(register => register.Incarnation != first.Incarnation, Patience);
        Welcome(worker, second);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Take(coordinator.FishForMessage<ShardDone>(_ => true, Patience));
    }

    [Fact]
    public void Its_session_ended_it_registers_anew_and_drops_what_it_still_computes()
    {
        var begun = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        (TestProbe coordinator, IActorRef worker) = Ready(_ =>
        {
            begun.Set();
            release.Wait();
        });
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.True(begun.Wait(Patience));
        worker.Tell(new SessionEnded(membership, "The worker was silent."), coordinator.Ref);
        RegisterWorker again = coordinator.FishForMessage<RegisterWorker>(register => register.Incarnation != last!.Incarnation, Patience);
        last = again;
        release.Set();
        worker.Tell(new Welcome(membership with { Session = 8 }, again.Incarnation), coordinator.Ref);
        ComputeShard next = Shard(4, 8);
        worker.Tell(next with { Fence = next.Fence with { Session = 8 } }, coordinator.Ref);
        ShardDone done = coordinator.FishForMessage<ShardDone>(_ => true, Patience);
        Assert.Equal(8, done.Fence.Session);
        Take(done);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public void A_coordinator_that_is_gone_is_sought_and_another_joined()
    {
        (TestProbe coordinator, IActorRef worker) = Ready(null);
        Sys.Stop(coordinator.Ref);
        TestProbe other = CreateTestProbe();
        worker.Tell(new CoordinatorFound(other.Ref));
        Welcome(worker, other.ExpectMsg<RegisterWorker>(Patience));
        worker.Tell(Shard(0, 4), other.Ref);
        Take(other.FishForMessage<ShardDone>(_ => true, Patience));
    }

    [Fact]
    public void It_says_goodbye_when_it_is_stopped_and_its_compute_thread_outlives_it()
    {
        TestProbe coordinator = CreateTestProbe();
        var disposed = new ManualResetEventSlim();
        WorkerCompute compute = ComputeWith("w1", () => new Disposing(disposed));
        WorkerSettings settings = Settings("w1") with { Compute = compute };
        IActorRef worker = Sys.ActorOf(WorkerActor.Props(settings, coordinator.Ref));
        Welcome(worker, coordinator.ExpectMsg<RegisterWorker>(Patience));
        worker.Tell(Shard(0, 4), coordinator.Ref);
        coordinator.FishForMessage<ShardDone>(_ => true, Patience);
        Sys.Stop(worker);
        Goodbye goodbye = coordinator.FishForMessage<Goodbye>(_ => true, Patience);
        Assert.Equal(membership, goodbye.Membership);
        Assert.False(disposed.IsSet);
        compute.Dispose();
        Assert.True(disposed.Wait(Patience));
    }

    private RegisterWorker? last;

    private (TestProbe Coordinator, IActorRef Worker) Ready(Action<ShardWork>? before)
    {
        TestProbe coordinator = CreateTestProbe();
        IActorRef worker = Work(coordinator.Ref, "w1", before);
        Welcome(worker, coordinator.ExpectMsg<RegisterWorker>(Patience));
        return (coordinator, worker);
    }

    private void Welcome(IActorRef worker, RegisterWorker register)
    {
        last = register;
        worker.Tell(new Welcome(membership, register.Incarnation));
    }

    // As the coordinator does: every gradient can be taken, once.
    private void Take(ShardDone done)
    {
        Assert.NotEmpty(done.Nodes);
        foreach (AnsweredNode node in done.Nodes)
        {
            Assert.True(Plane.TryTake(last!.Incarnation, node.Ticket, out GradientLease? lease));
            Assert.False(Plane.TryTake(last.Incarnation, node.Ticket, out _));
            lease.Return();
        }
    }

    private void Publish()
    {
        parameters.BeginOverwrite();
        parameters.EndOverwrite();
        Plane.Publish(parameters.Handle);
    }

    private ComputeShard Shard(int first, int end)
    {
        var work = new ShardWork(RunPhase.Training, 0, 0, 0, new SliceRange(first, end - first), 41, 328);
        Plane.Publish(parameters.Handle);
        return new ComputeShard(new Fence(membership.Run, membership.Term, RunPhase.Training, 0, membership.Session), work, parameters.Handle.Version, []);
    }

    private sealed class Disposing(ManualResetEventSlim disposed) : IShardComputer
    {
        public ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients) => new([]);

        public void Dispose() => disposed.Set();
    }
}
