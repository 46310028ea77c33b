using System.Collections.Concurrent;
using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>The coordinator with workers elsewhere: who may register, whose silence means something, and what ends with a session.</summary>
public sealed class RemoteCoordinatorTests : RunTest
{
    private readonly RemotePlane plane;
    private readonly ConcurrentQueue<Address> gone = new();

    public RemoteCoordinatorTests() => plane = new RemotePlane(Plane);

    [Fact]
    public async Task A_broken_attendance_ends_the_session_at_once_and_its_slices_are_computed_elsewhere()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet cut = Register(coordinator, "cut");
        ComputeShard shard = cut.Receive();
        Puppet other = Register(coordinator, "other");
        coordinator.Tell(new AttendanceEnded(cut.Incarnation, "its stream broke"));
        ComputeShard again = other.Receive();
        Assert.Equal(shard.Work, again.Work);
        Assert.Equal([(cut.Incarnation, "its stream broke")], plane.Ends);
        // What it computed all the same belongs to no session, and the end told twice is no other end.
        cut.Send(cut.Compute(shard));
        coordinator.Tell(new AttendanceEnded(cut.Incarnation, "its stream broke"));
        coordinator.Tell(new WorkerHeard(cut.Incarnation, default));
        other.Send(other.Compute(again));
        await Until(() => Seen.Steps.Count == 1);
        Assert.Single(plane.Ends);
        other.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        RunCounters counters = (await Seen.Finished).Counters;
        // The second shard that is lost is the one that the other worker left behind.
        Assert.Equal((1, 2), (counters.EndedSession, counters.Lost));
        Assert.Contains("Worker cut left: its stream broke.", Seen.Workers);
    }

    [Fact]
    public async Task An_answer_whose_gradients_went_with_the_broken_link_is_no_failure_of_the_worker()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet cut = Register(coordinator, "cut");
        ComputeShard shard = cut.Receive();
        ShardDone answer = cut.Compute(shard);
        plane.Dead[cut.Incarnation] = true;
        cut.Send(answer with { Nodes = [.. answer.Nodes.Select(node => node with { Ticket = node.Ticket + 100 })] });
        coordinator.Tell(new AttendanceEnded(cut.Incarnation, "its stream broke"));
        Puppet other = Register(coordinator, "other");
        Assert.Equal(shard.Work, other.Receive().Work);
        Assert.Empty(Seen.Warnings);
        other.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(0, (await Seen.Finished).Counters.Failed);
    }

    [Fact]
    public async Task An_answer_beside_its_gradients_counts_for_the_session_in_whose_memory_it_stood_and_for_no_other()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet first = Register(coordinator, "first");
        ComputeShard shard = first.Receive();
        Puppet other = Register(coordinator, "other");
        ShardDone answer = first.Compute(shard);

        coordinator.Tell(new ShardAnswered(other.Incarnation, answer));
        coordinator.Tell(new ShardAnswered(Guid.NewGuid(), answer));
        coordinator.Tell(new ShardAnswered(first.Incarnation, answer with { Worker = new WorkerId("other") }));
        coordinator.Tell(new ShardAnswered(first.Incarnation, answer with { Fence = answer.Fence with { Session = other.Membership.Session } }));
        coordinator.Tell(new ShardAnswered(first.Incarnation, answer with { Fence = answer.Fence with { Term = answer.Fence.Term + 1 } }));
        await coordinator.Ask<ActorIdentity>(new Identify(1), Patience);
        Assert.Empty(Seen.Steps);

        coordinator.Tell(new ShardAnswered(first.Incarnation, answer));
        coordinator.Tell(new ShardAnswered(first.Incarnation, answer));
        await Until(() => Seen.Steps.Count == 1);
        first.Leave();
        other.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(0, (await Seen.Finished).Counters.Failed);
    }

    [Fact]
    public async Task A_worker_that_is_not_heard_loses_its_slices_then_its_session_and_its_member_is_downed()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        plane.Host = "hostA";
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        var far = new RemoteRef("akka.tcp://distnet@10.1.2.3:4711", probe.Ref);
        var incarnation = Guid.NewGuid();
        coordinator.Tell(new RegisterWorker(new WorkerId("far"), incarnation, 1), far);
        ComputeShard shard = probe.FishForMessage<ComputeShard>(_ => true, Patience);
        plane.Host = "";
        Puppet near = Register(coordinator, "near");
        await Until(() => Passes(() => Seen.Warnings.Any(warning => warning.Contains("has not been heard from", StringComparison.Ordinal))));
        ComputeShard again = near.Receive();
        Assert.Equal(shard.Work.Slices, again.Work.Slices);
        Assert.Contains(Seen.Warnings, warning => warning.StartsWith("Worker far (hostA) has not been heard from", StringComparison.Ordinal) && warning.Contains("by near", StringComparison.Ordinal));
        Assert.Empty(plane.Ends);
        await Until(() => Passes(() => !gone.IsEmpty));
        Assert.Equal(Address.Parse("akka.tcp://distnet@10.1.2.3:4711"), Assert.Single(gone));
        Assert.Equal(incarnation, Assert.Single(plane.Ends).Incarnation);
        probe.FishForMessage<SessionEnded>(ended => ended.Membership.Session == shard.Fence.Session, Patience);
        near.Send(near.Compute(again));
        await Until(() => Seen.Steps.Count == 1);
        near.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        RunCounters counters = (await Seen.Finished).Counters;
        Assert.Equal((1, 1), (counters.Suspected, counters.Unheard));
    }

    [Fact]
    public async Task A_worker_that_is_heard_in_time_is_not_suspected_and_its_activity_is_told_when_it_is_late()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        plane.Host = "hostA";
        Puppet slow = Register(coordinator, "slow");
        ComputeShard shard = slow.Receive();
        Akka.TestKit.TestProbe asking = CreateTestProbe();
        await Until(() =>
        {
            coordinator.Tell(new WorkerHeard(slow.Incarnation, new WorkerActivity(ActivityKind.Uploading, 0, shard.Work.Slices, 1.5)));
            // It is heard before time passes.
            coordinator.Tell(new Identify(1), asking.Ref);
            asking.ExpectMsg<ActorIdentity>(Patience);
            return Passes(() => !Seen.Warnings.IsEmpty);
        });
        Assert.Contains("late", Assert.Single(Seen.Warnings), StringComparison.Ordinal);
        Assert.Contains("slow (hostA)", Assert.Single(Seen.Warnings), StringComparison.Ordinal);
        Assert.Contains("uploading", Assert.Single(Seen.Warnings), StringComparison.Ordinal);
        slow.Send(slow.Compute(shard));
        await Until(() => Seen.Steps.Count == 1);
        slow.Leave();
        plane.Host = "";
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(0, (await Seen.Finished).Counters.Suspected);
    }

    [Fact]
    public async Task A_registration_without_a_live_attendance_for_another_run_or_term_or_with_anothers_attendance_is_refused_with_a_sentence()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet present = Register(coordinator, "present");
        var here = new Membership(run.Definition.Run, 1, 0);
        var dead = Guid.NewGuid();
        plane.Dead[dead] = true;
        Refused(new RegisterWorker(new WorkerId("w"), dead, 1), "no live attendance");
        Refused(new RegisterWorker(new WorkerId("w"), Guid.NewGuid(), 1, here with { Term = 2 }), "term 2");
        Refused(new RegisterWorker(new WorkerId("w"), Guid.NewGuid(), 1, here with { Run = RunId.Create() }), "but this is term 1 of run");
        Refused(new RegisterWorker(new WorkerId("w"), present.Incarnation, 1, here), "the attendance of worker present");
        Assert.Single(Seen.Workers);
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        coordinator.Tell(new RegisterWorker(new WorkerId("w"), Guid.NewGuid(), 1, here), probe.Ref);
        probe.FishForMessage<Welcome>(_ => true, Patience);
        Sys.Stop(probe.Ref);
        present.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);

        void Refused(RegisterWorker registration, string why)
        {
            Akka.TestKit.TestProbe asking = CreateTestProbe();
            coordinator.Tell(registration, asking.Ref);
            SessionEnded refusal = asking.ExpectMsg<SessionEnded>(Patience);
            Assert.Equal(here, refusal.Membership);
            Assert.Contains(why, refusal.Sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_worker_that_attends_anew_from_another_address_has_its_old_member_downed_and_one_that_says_goodbye_has_not()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        Join("akka.tcp://distnet@10.1.2.3:1");
        Membership second = Join("akka.tcp://distnet@10.1.2.3:2");
        Assert.Equal(Address.Parse("akka.tcp://distnet@10.1.2.3:1"), Assert.Single(gone));
        coordinator.Tell(new Goodbye(new WorkerId("far"), second, "it was asked to"), new RemoteRef("akka.tcp://distnet@10.1.2.3:2", probe.Ref));
        await Until(() => Seen.Workers.Any(sentence => sentence.Contains("it was asked to", StringComparison.Ordinal)));
        Assert.Single(gone);
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);

        Membership Join(string address)
        {
            coordinator.Tell(new RegisterWorker(new WorkerId("far"), Guid.NewGuid(), 1), new RemoteRef(address, probe.Ref));
            return probe.FishForMessage<Welcome>(_ => true, Patience).Membership;
        }
    }

    [Fact]
    public async Task A_shard_tells_its_worker_which_tickets_are_still_held_and_which_version_it_is_computed_with()
    {
        var run = new ExactRun(Definition());
        plane.Holds = [3, 5];
        IActorRef coordinator = Lead(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard first = puppet.Receive();
        Assert.Equal([3, 5], first.Held);
        Assert.Equal([VersionedParameters.First(1)], plane.Published);
        plane.Holds = [];
        puppet.Send(puppet.Compute(first));
        ComputeShard second = puppet.Receive();
        Assert.Equal(first.Version + 1, second.Version);
        Assert.Empty(second.Held);
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        // 10 steps, 2 validations and the end of the training each overwrite the stand-in's parameters, an epoch's last step twice: what only the first of the two
        // wrote, versions 5 and 12, nobody is to read.
        Assert.Equal(Enumerable.Range(0, 16).Except([5, 12]).Select(version => VersionedParameters.First(1) + version), plane.Published);
    }

    [Fact]
    public async Task Parameters_that_cannot_be_published_end_the_run_with_a_sentence()
    {
        plane.Full = DistNetException.Failed("The shared memory is full.");
        Lead(new ExactRun(Definition()));
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal((RunOutcomeKind.Failed, "The shared memory is full."), (outcome.Kind, outcome.Sentence));
    }

    [Fact]
    public async Task An_answer_a_failure_and_a_goodbye_in_anothers_name_are_dropped()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard shard = puppet.Receive();
        ShardDone answer = puppet.Compute(shard);
        Akka.TestKit.TestProbe impostor = CreateTestProbe();
        coordinator.Tell(answer, impostor.Ref);
        coordinator.Tell(new ShardNotDone(answer.Worker, shard.Fence, shard.Work.Slices, ShardFailureKind.Failed, "it lies"), impostor.Ref);
        coordinator.Tell(new Goodbye(answer.Worker, puppet.Membership, "it lies"), impostor.Ref);
        puppet.Send(answer);
        await Until(() => Seen.Steps.Count == 1);
        Assert.Single(Seen.Workers);
        Assert.Empty(Seen.Warnings);
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }

    [Theory]
    [InlineData("loss or counts")]
    [InlineData("gradient")]
    public async Task A_second_answer_that_differs_is_told_with_the_names_of_both_workers(string what)
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet late = Register(coordinator, "late");
        ShardDone answer = late.Compute(late.Receive(), spoil: values => ExactSum.Write(ExactSum.Read(values.Span) ^ (what == "gradient" ? 4u : 0), values.Span));
        Puppet quick = Register(coordinator, "quick");
        Time.Advance(RunLimits.LateUnmeasuredMs);
        quick.Send(quick.Compute(quick.Receive()));
        await Until(() => Seen.Steps.Count == 1);
        late.Send(answer with { Nodes = [.. answer.Nodes.Select(node => node with { Metrics = node.Metrics with { Correct = node.Metrics.Correct + (what == "gradient" ? 0 : 1) } })] });
        await Until(() => Seen.Warnings.Any(warning => warning.Contains("differ", StringComparison.Ordinal)));
        string told = Seen.Warnings.Single(warning => warning.Contains("differ", StringComparison.Ordinal));
        Assert.Contains("quick", told, StringComparison.Ordinal);
        Assert.Contains("late", told, StringComparison.Ordinal);
        Assert.Contains($"and the {what} differ", told, StringComparison.Ordinal);
        late.Leave();
        quick.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(1, (await Seen.Finished).Counters.Differed);
    }

    [Fact]
    public async Task Siblings_are_merged_while_another_worker_still_computes_and_the_digest_is_the_same()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet first = Register(coordinator, "p1");
        // Before the others come: the first step is its alone.
        ComputeShard whole = first.Receive();
        Puppet[] puppets = [first, .. Enumerable.Range(2, 3).Select(number => Register(coordinator, $"p{number}"))];
        first.Send(first.Compute(whole));
        await Until(() => Seen.Steps.Count == 1);
        (Puppet Puppet, ComputeShard Shard)[] shards = [.. puppets.Select(puppet => (puppet, puppet.Receive())).OrderBy(one => one.Item2.Work.Slices.First)];
        foreach ((Puppet puppet, ComputeShard shard) in shards[..^1])
        {
            puppet.Send(puppet.Compute(shard));
        }

        await Until(() => run.Merges > 0);
        Assert.Single(Seen.Steps);
        shards[^1].Puppet.Send(shards[^1].Puppet.Compute(shards[^1].Shard));
        await Until(() => Seen.Steps.Count == 2);
        // Merged and then given up: the run is stopped without the last answer.
        foreach (Puppet puppet in puppets)
        {
            puppet.Leave();
        }

        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }

    [Fact]
    public async Task A_phase_that_is_abandoned_after_merges_returns_all_leases()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet first = Register(coordinator, "p1");
        // Before the others come: the first step is its alone.
        ComputeShard whole = first.Receive();
        Puppet[] puppets = [first, .. Enumerable.Range(2, 3).Select(number => Register(coordinator, $"p{number}"))];
        first.Send(first.Compute(whole));
        (Puppet Puppet, ComputeShard Shard)[] shards = [.. puppets.Select(puppet => (puppet, puppet.Receive())).OrderBy(one => one.Item2.Work.Slices.First)];
        foreach ((Puppet puppet, ComputeShard shard) in shards[..^1])
        {
            puppet.Send(puppet.Compute(shard));
        }

        await Until(() => run.Merges > 0);
        coordinator.Tell(new StopRun(StopSignal.Terminate));
        foreach (Puppet puppet in puppets)
        {
            puppet.Leave();
        }

        Assert.Equal(RunOutcomeKind.Interrupted, (await Seen.Finished.WaitAsync(Patience)).Kind);
        Assert.Equal(0, Pool.Outstanding);
        Assert.Equal(1, run.Checkpoint!.State.Step);
    }

    [Fact]
    public async Task Workers_of_a_run_that_is_interrupted_are_told_to_seek_the_next_coordinator()
    {
        plane.Host = "far";
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Puppet puppet = Register(coordinator, "w1");
        ComputeShard shard = puppet.Receive();
        coordinator.Tell(new StopRun(StopSignal.Terminate));
        puppet.Send(puppet.Compute(shard));
        Assert.Contains("goes on when it is started again", puppet.Probe.FishForMessage<SessionEnded>(_ => true, Patience).Sentence, StringComparison.Ordinal);
        Assert.Equal(RunOutcomeKind.Interrupted, (await Seen.Finished.WaitAsync(Patience)).Kind);
    }

    [Fact]
    public async Task Who_registers_when_the_run_is_over_is_told_so()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Lead(run);
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        coordinator.Tell(new RegisterWorker(new WorkerId("w2"), Guid.NewGuid(), 1), probe.Ref);
        Assert.Equal(new Membership(run.Definition.Run, 1, 0), probe.ExpectMsg<RunEnded>(Patience).Membership);
    }

    private IActorRef Lead(ExactRun run) => Coordinate(run, plane, gone.Enqueue);

    // Time passes with each look.
    private bool Passes(Func<bool> state)
    {
        Time.Advance(200);
        return state();
    }
}
