using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Worker;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>A worker that serves one attendance, with the coordinator and the plane in the hands of the test: how its session can end, and what it tells of itself.</summary>
public class AttendanceTests : RunTest
{
    private readonly VersionedParameters parameters = new(new float[ExactSum.Floats]);
    private readonly Membership membership = new(RunId.Create(), 1, 7);
    private readonly Guid attendance = Guid.NewGuid();
    private readonly TaskCompletionSource<SessionOutcome> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ActivityReport activity = new();

    [Fact]
    public async Task It_registers_with_its_attendance_until_it_is_answered()
    {
        (TestProbe coordinator, IActorRef worker) = Start();
        var expected = new RegisterWorker(new WorkerId("w1"), attendance, 1, membership with { Session = 0 });
        Assert.Equal(expected, coordinator.ExpectMsg<RegisterWorker>(Patience));
        Assert.Equal(expected, coordinator.ExpectMsg<RegisterWorker>(Patience));
        worker.Tell(new Welcome(membership, attendance), coordinator.Ref);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.Equal(new SliceRange(0, 4), coordinator.FishForMessage<ShardDone>(_ => true, Patience).Slices);
        Sys.Stop(worker);
        Assert.Equal(SessionOutcomeKind.Stopped, (await Ended()).Kind);
        Assert.Equal(membership, coordinator.FishForMessage<Goodbye>(_ => true, Patience).Membership);
    }

    [Fact]
    public async Task A_refused_registration_ends_it_with_the_coordinators_sentence()
    {
        (TestProbe coordinator, IActorRef worker) = Start();
        worker.Tell(new SessionEnded(membership with { Session = 0 }, "It has no live attendance."), coordinator.Ref);
        Assert.Equal(new SessionOutcome(SessionOutcomeKind.Ended, "It has no live attendance."), await Ended());
    }

    [Fact]
    public async Task A_session_that_the_coordinator_ends_is_over_without_a_goodbye()
    {
        (TestProbe coordinator, IActorRef worker) = Ready();
        worker.Tell(new SessionEnded(membership with { Session = 6 }, "Another session."), coordinator.Ref);
        worker.Tell(new SessionEnded(membership, "It was silent."), coordinator.Ref);
        Assert.Equal(new SessionOutcome(SessionOutcomeKind.Ended, "It was silent."), await Ended());
        SaysNothingMore(coordinator);
    }

    [Fact]
    public async Task A_coordinator_that_is_gone_ends_it()
    {
        (TestProbe coordinator, _) = Ready();
        Sys.Stop(coordinator.Ref);
        Assert.Equal(SessionOutcomeKind.CoordinatorGone, (await Ended()).Kind);
    }

    [Fact]
    public async Task Another_coordinator_ends_a_session_and_is_joined_where_there_is_none_yet()
    {
        IActorRef worker = Sys.ActorOf(WorkerActor.Props(Attending()));
        TestProbe first = CreateTestProbe();
        worker.Tell(new CoordinatorFound(first.Ref));
        Assert.Equal(attendance, first.ExpectMsg<RegisterWorker>(Patience).Incarnation);
        worker.Tell(new Welcome(membership, attendance), first.Ref);
        worker.Tell(new CoordinatorFound(CreateTestProbe().Ref));
        Assert.Equal(SessionOutcomeKind.CoordinatorGone, (await Ended()).Kind);
    }

    [Fact]
    public async Task The_end_of_the_run_ends_it_before_and_after_it_is_welcome()
    {
        (TestProbe coordinator, IActorRef worker) = Ready();
        worker.Tell(new RunEnded(membership with { Session = 6 }), coordinator.Ref);
        worker.Tell(new RunEnded(membership), coordinator.Ref);
        Assert.Equal(SessionOutcomeKind.RunOver, (await Ended()).Kind);
        SaysNothingMore(coordinator);
        var seeking = new TaskCompletionSource<SessionOutcome>();
        IActorRef late = Sys.ActorOf(WorkerActor.Props(Attending() with { Ended = seeking.SetResult }, coordinator.Ref));
        late.Tell(new RunEnded(membership with { Session = 0 }), coordinator.Ref);
        Assert.Equal(SessionOutcomeKind.RunOver, (await seeking.Task.WaitAsync(Patience)).Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_plane_that_breaks_while_it_fetches_or_delivers_ends_it_with_a_goodbye(bool fetches)
    {
        static void Break() => throw new PlaneBrokenException("the stream broke.");
        (TestProbe coordinator, IActorRef worker) = Ready(plane => new HookedPlane(plane) { OnFetch = fetches ? Break : null, OnDeliver = fetches ? null : Break });
        worker.Tell(Shard(0, 4), coordinator.Ref);
        SessionOutcome outcome = await Ended();
        Assert.Equal(new SessionOutcome(SessionOutcomeKind.PlaneBroken, "its tensor plane broke: the stream broke"), outcome);
        Assert.Equal(outcome.Reason, coordinator.FishForMessage<Goodbye>(_ => true, Patience).Reason);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public async Task An_answer_that_the_plane_takes_is_no_message_and_one_that_breaks_it_ends_the_session()
    {
        var answers = new ConcurrentQueue<ShardDone>();
        (TestProbe coordinator, IActorRef worker) = Ready(plane => new HookedPlane(plane)
        {
            OnAnswer = answer =>
            {
                answers.Enqueue(answer);
                return answers.Count < 3 ? true : throw new PlaneBrokenException("nobody reads.");
            },
        });
        ComputeShard order = Shard(0, 4);
        worker.Tell(order, coordinator.Ref);
        Assert.True(SpinWait.SpinUntil(() => answers.Count == 1, Patience));
        Plane.LetStand(order.Version + 1);
        Publish();
        Assert.True(SpinWait.SpinUntil(() => answers.Count == 2, Patience));
        Assert.Equal([order.Fence, order.Next.Fence], answers.Select(answer => answer.Fence));
        worker.Tell(new Identify(1), coordinator.Ref);
        coordinator.ExpectMsg<ActorIdentity>(Patience);

        worker.Tell(Shard(4, 8, step: 2), coordinator.Ref);
        Assert.Equal(new SessionOutcome(SessionOutcomeKind.PlaneBroken, "its tensor plane broke: nobody reads"), await Ended());
        coordinator.ExpectMsg<Goodbye>(Patience);
        SaysNothingMore(coordinator);
    }

    [Fact]
    public void Inside_one_process_a_plane_that_breaks_sends_it_back_to_seeking_with_a_new_plane()
    {
        TestProbe coordinator = CreateTestProbe();
        bool broken = false;
        IActorRef worker = Sys.ActorOf(WorkerActor.Props(
            Settings("w1") with
            {
                CreatePlane = incarnation => new HookedPlane(Plane.CreateWorkerPlane(incarnation))
                {
                    OnFetch = broken ? null : () =>
                    {
                        broken = true;
                        throw new PlaneBrokenException("it broke");
                    },
                },
            },
            coordinator.Ref));
        RegisterWorker first = coordinator.ExpectMsg<RegisterWorker>(Patience);
        worker.Tell(new Welcome(membership, first.Incarnation), coordinator.Ref);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        RegisterWorker second = coordinator.FishForMessage<RegisterWorker>(register => register.Incarnation != first.Incarnation, Patience);
        worker.Tell(new Welcome(membership, second.Incarnation), coordinator.Ref);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        coordinator.FishForMessage<ShardDone>(_ => true, Patience);
    }

    [Fact]
    public async Task Asked_to_leave_without_a_shard_it_says_goodbye_and_stops()
    {
        (TestProbe coordinator, IActorRef worker) = Ready();
        worker.Tell(new LeaveRun("it was asked to end"));
        Assert.Equal(new SessionOutcome(SessionOutcomeKind.Left, "it was asked to end"), await Ended());
        Assert.Equal("it was asked to end", coordinator.FishForMessage<Goodbye>(_ => true, Patience).Reason);
    }

    [Fact]
    public async Task Asked_to_leave_before_it_is_welcome_it_stops()
    {
        (_, IActorRef worker) = Start();
        worker.Tell(new LeaveRun("it was asked to end"));
        Assert.Equal(SessionOutcomeKind.Left, (await Ended()).Kind);
    }

    [Fact]
    public async Task Asked_to_leave_while_it_computes_it_finishes_hands_back_what_it_is_given_and_says_goodbye()
    {
        var begun = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        (TestProbe coordinator, IActorRef worker) = Ready(before: _ =>
        {
            begun.Set();
            release.Wait();
        });
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.True(begun.Wait(Patience));
        worker.Tell(new LeaveRun("it was asked to end"));
        worker.Tell(new LeaveRun("it was asked again"));
        worker.Tell(Shard(0, 4), coordinator.Ref);
        worker.Tell(Shard(8, 12), coordinator.Ref);
        ShardNotDone handedBack = coordinator.FishForMessage<ShardNotDone>(_ => true, Patience);
        Assert.Equal((ShardFailureKind.Withdrawn, new SliceRange(8, 4)), (handedBack.Kind, handedBack.Slices));
        Assert.Equal(ActivityKind.Leaving, activity.Current.Kind);
        release.Set();
        Assert.Equal(new SliceRange(0, 4), coordinator.ExpectMsg<ShardDone>(Patience).Slices);
        Assert.Equal("it was asked to end", coordinator.ExpectMsg<Goodbye>(Patience).Reason);
        Assert.Equal(SessionOutcomeKind.Left, (await Ended()).Kind);
    }

    [Fact]
    public async Task Asked_to_leave_while_it_waits_for_parameters_it_hands_its_shard_back()
    {
        var fetching = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        int computed = 0;
        (TestProbe coordinator, IActorRef worker) = Ready(
            plane => new HookedPlane(plane)
            {
                OnFetch = () =>
                {
                    fetching.Set();
                    release.Wait();
                },
            },
            _ => computed++);
        worker.Tell(Shard(0, 4), coordinator.Ref);
        Assert.True(fetching.Wait(Patience));
        worker.Tell(new LeaveRun("it was asked to end"));
        worker.Tell(new Identify(1), coordinator.Ref);
        coordinator.FishForMessage<ActorIdentity>(_ => true, Patience);
        release.Set();
        Assert.Equal(ShardFailureKind.Withdrawn, coordinator.ExpectMsg<ShardNotDone>(Patience).Kind);
        coordinator.ExpectMsg<Goodbye>(Patience);
        Assert.Equal(SessionOutcomeKind.Left, (await Ended()).Kind);
        Assert.Equal(0, computed);
    }

    [Fact]
    public async Task A_session_that_ends_while_it_leaves_is_left_all_the_same()
    {
        var computing = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        (TestProbe coordinator, IActorRef worker) = Ready(before: _ =>
        {
            computing.Set();
            release.Wait();
        });
        worker.Tell(Shard(0, 4), coordinator.Ref);
        // Before that it would hand its shard back.
        Assert.True(computing.Wait(Patience));
        worker.Tell(new LeaveRun("it was asked to end"));
        worker.Tell(new SessionEnded(membership, "It was silent."), coordinator.Ref);
        Assert.Equal(SessionOutcomeKind.Left, (await Ended()).Kind);
        release.Set();
        SaysNothingMore(coordinator);
    }

    [Fact]
    public async Task An_actor_that_throws_stops_and_says_so()
    {
        (TestProbe coordinator, IActorRef worker) = Ready();
        // No coordinator was found: the actor breaks on it.
        worker.Tell(new CoordinatorFound(null!));
        worker.Tell(new CoordinatorFound(null!));
        SessionOutcome outcome = await Ended();
        Assert.Equal(SessionOutcomeKind.Failed, outcome.Kind);
        Assert.StartsWith("it failed", coordinator.FishForMessage<Goodbye>(_ => true, Patience).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void It_tells_what_it_does()
    {
        var told = new ConcurrentQueue<WorkerActivity>();
        (TestProbe coordinator, IActorRef worker) = Ready(
            plane => new HookedPlane(plane) { OnFetch = () => told.Enqueue(activity.Current), OnDeliver = () => told.Enqueue(activity.Current) },
            _ => told.Enqueue(activity.Current));
        Assert.Equal((ActivityKind.Idle, 0, default), (activity.Current.Kind, activity.Current.Step, activity.Current.Slices));
        worker.Tell(Shard(4, 8, step: 3), coordinator.Ref);
        coordinator.FishForMessage<ShardDone>(_ => true, Patience);
        // Then it goes to wait whether its order stands.
        Assert.True(SpinWait.SpinUntil(() => told.Count == 4, Patience));
        Assert.Equal([ActivityKind.WaitingForParameters, ActivityKind.Computing, ActivityKind.Uploading, ActivityKind.Idle], told.Select(one => one.Kind));
        Assert.Equal([3, 3, 3, 4], told.Select(one => one.Step));
        Assert.All(told, one => Assert.Equal(new SliceRange(4, 4), one.Slices));
        Assert.All(told, one => Assert.True(one.Seconds >= 0));
        Assert.Equal(ActivityKind.Idle, activity.Current.Kind);
    }

    [Fact]
    public void A_second_copy_of_a_shard_is_not_computed_and_what_the_coordinator_holds_is_told_to_the_plane()
    {
        var release = new ManualResetEventSlim();
        var held = new List<ImmutableArray<long>>();
        int computed = 0;
        (TestProbe coordinator, IActorRef worker) = Ready(
            plane => new HookedPlane(plane) { OnRelease = held.Add },
            _ =>
            {
                computed++;
                release.Wait();
            });
        worker.Tell(Shard(0, 4) with { Held = [2, 3] }, coordinator.Ref);
        worker.Tell(Shard(0, 4) with { Held = [2, 3] }, coordinator.Ref);
        worker.Tell(new Identify(1), coordinator.Ref);
        coordinator.FishForMessage<ActorIdentity>(_ => true, Patience);
        release.Set();
        coordinator.FishForMessage<ShardDone>(_ => true, Patience);
        worker.Tell(Shard(4, 8), coordinator.Ref);
        Assert.Equal(new SliceRange(4, 4), coordinator.ExpectMsg<ShardDone>(Patience).Slices);
        Assert.Equal(2, computed);
        Assert.Equal([2L, 3L], held[0]);
        Assert.Equal(2, held.Count);
    }

    [Fact]
    public async Task The_next_session_goes_on_with_the_same_engine_after_what_the_last_one_still_computes()
    {
        var begun = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        var disposed = new List<string>();
        int made = 0;
        WorkerCompute compute = ComputeWith("w1", () =>
        {
            made++;
            return new ExactComputer(null, _ =>
            {
                begun.Set();
                release.Wait();
            });
        });
        (TestProbe first, IActorRef worker) = Ready(plane => new HookedPlane(plane) { OnDispose = () => disposed.Add("first") }, compute: compute);
        worker.Tell(Shard(0, 4), first.Ref);
        Assert.True(begun.Wait(Patience));
        worker.Tell(new SessionEnded(membership, "It was silent."), first.Ref);
        Assert.Equal(SessionOutcomeKind.Ended, (await Ended()).Kind);
        // It still computes with the plane of its session.
        Assert.Empty(disposed);

        TestProbe second = CreateTestProbe();
        var anew = Guid.NewGuid();
        IActorRef next = Sys.ActorOf(WorkerActor.Props(
            Attending() with { Compute = compute, Incarnation = anew, Ended = null, CreatePlane = incarnation => new HookedPlane(Plane.CreateWorkerPlane(incarnation)) { OnFetch = () => disposed.Add("second begins") } },
            second.Ref));
        second.ExpectMsg<RegisterWorker>(Patience);
        next.Tell(new Welcome(membership with { Session = 8 }, anew), second.Ref);
        ComputeShard shard = Shard(4, 8);
        next.Tell(shard with { Fence = shard.Fence with { Session = 8 } }, second.Ref);
        release.Set();
        Assert.Equal(8, second.FishForMessage<ShardDone>(_ => true, Patience).Fence.Session);
        // Once more to wait whether its order stands.
        Assert.True(SpinWait.SpinUntil(() => disposed.Count == 3, Patience));
        Assert.Equal(["first", "second begins", "second begins"], disposed);
        Assert.Equal(1, made);
    }

    private Task<SessionOutcome> Ended() => ended.Task.WaitAsync(Patience);

    private WorkerSettings Attending(Action<ShardWork>? before = null) => Settings("w1", before) with
    {
        Incarnation = attendance,
        Membership = membership with { Session = 0 },
        Activity = activity,
        Ended = ended.SetResult,
    };

    private (TestProbe Coordinator, IActorRef Worker) Start(Func<IWorkerPlane, IWorkerPlane>? plane = null, Action<ShardWork>? before = null, WorkerCompute? compute = null)
    {
        TestProbe coordinator = CreateTestProbe();
        WorkerSettings settings = Attending(before);
        settings = settings with
        {
            Compute = compute ?? settings.Compute,
            CreatePlane = incarnation => plane is null ? Plane.CreateWorkerPlane(incarnation) : plane(Plane.CreateWorkerPlane(incarnation)),
        };
        return (coordinator, Sys.ActorOf(WorkerActor.Props(settings, coordinator.Ref)));
    }

    private (TestProbe Coordinator, IActorRef Worker) Ready(Func<IWorkerPlane, IWorkerPlane>? plane = null, Action<ShardWork>? before = null, WorkerCompute? compute = null)
    {
        (TestProbe coordinator, IActorRef worker) = Start(plane, before, compute);
        coordinator.ExpectMsg<RegisterWorker>(Patience);
        worker.Tell(new Welcome(membership, attendance), coordinator.Ref);
        // A registration that was repeated meanwhile is out of the way.
        worker.Tell(new Identify(0), coordinator.Ref);
        coordinator.FishForMessage<ActorIdentity>(_ => true, Patience);
        return (coordinator, worker);
    }

    private void Publish()
    {
        parameters.BeginOverwrite();
        parameters.EndOverwrite();
        Plane.Publish(parameters.Handle);
    }

    // The actor has ended, so whatever it had to say has been said.
    private static void SaysNothingMore(TestProbe coordinator) => Assert.False(coordinator.HasMessages);

    private ComputeShard Shard(int first, int end, long step = 0)
    {
        var work = new ShardWork(RunPhase.Training, 0, step, 0, new SliceRange(first, end - first), 41, 328);
        Plane.Publish(parameters.Handle);
        return new ComputeShard(new Fence(membership.Run, membership.Term, RunPhase.Training, step, membership.Session), work, parameters.Handle.Version, []);
    }
}
