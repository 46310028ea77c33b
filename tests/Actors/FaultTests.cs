using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>One rule each: what a worker can do wrong, and that the digest does not see it.</summary>
public class FaultTests : RunTest
{
    [Fact]
    public async Task A_computation_that_throws_is_done_again_elsewhere()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Work(coordinator, "w1", _ => throw new InvalidOperationException("no such luck."));
        await Until(() => !Seen.Warnings.IsEmpty);
        Work(coordinator, "w2");
        await FinishesUndisturbed(run);
        Assert.Contains("Worker w1 failed at slices [0, 41) of step 0 (Training): no such luck. Its slices are computed again.", Seen.Warnings);
        Assert.True((await Seen.Finished).Counters.Failed > 0);
    }

    [Fact]
    public async Task A_job_that_fails_everywhere_ends_the_run_with_the_last_failure()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Work(coordinator, "w1", _ => throw new InvalidOperationException("the module is wrong"));
        await Until(() =>
        {
            // Its pauses pass.
            Time.Advance(RunLimits.FirstAsideMs);
            return Seen.Finished.IsCompleted;
        });
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal(RunOutcomeKind.Failed, outcome.Kind);
        Assert.Contains("the module is wrong", outcome.Sentence, StringComparison.Ordinal);
        Assert.Equal(RunLimits.FailuresBeforeGivingUp, outcome.Counters.Failed);
        Assert.True(outcome.Counters.SetAside > 0);
    }

    [Fact]
    public async Task A_worker_that_fails_repeatedly_gets_nothing_until_its_pause_is_over()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        for (int failure = 0; failure < RunLimits.FailuresBeforeAside; failure++)
        {
            puppet.Fail(puppet.Receive());
        }

        await Until(() => Seen.Warnings.Count == RunLimits.FailuresBeforeAside);
        puppet.Probe.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Time.Advance(RunLimits.FirstAsideMs);
        puppet.Send(puppet.Compute(puppet.Receive()));
        await Until(() => Seen.Steps.Count == 1);
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(1, (await Seen.Finished).Counters.SetAside);
    }

    [Fact]
    public async Task The_slices_of_a_worker_actor_that_dies_are_computed_by_another_at_once()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        var begun = new ManualResetEventSlim();
        var release = new ManualResetEventSlim();
        IActorRef dying = Work(coordinator, "w1", _ =>
        {
            begun.Set();
            release.Wait();
        });
        await Until(() => begun.IsSet);
        dying.Tell(Kill.Instance);
        await Until(() => Seen.Workers.Count == 2);
        Work(coordinator, "w2");
        await Until(() => Seen.Steps.Count >= 3);
        release.Set();
        await FinishesUndisturbed(run);
        Assert.Equal(1, (await Seen.Finished).Counters.Lost);
        Assert.Contains("Worker w1 left: it stops. No worker is left: the run waits for one.", Seen.Workers);
    }

    [Fact]
    public async Task A_worker_that_registers_anew_loses_its_shard_and_its_old_answer_is_dropped()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard old = puppet.Receive();
        puppet.Join();
        ComputeShard renewed = puppet.Receive();
        Assert.Equal(old.Work, renewed.Work);
        Assert.NotEqual(old.Fence.Session, renewed.Fence.Session);
        puppet.Send(puppet.Compute(old));
        puppet.Send(puppet.Compute(renewed));
        await Until(() => Seen.Steps.Count == 1);
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(1, (await Seen.Finished).Counters.EndedSession);
    }

    [Fact]
    public async Task A_registration_that_is_repeated_keeps_its_session()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Akka.TestKit.TestProbe probe = CreateTestProbe();
        var registration = new RegisterWorker(new WorkerId("w1"), Guid.NewGuid(), 1);
        coordinator.Tell(registration, probe.Ref);
        coordinator.Tell(registration, probe.Ref);
        Welcome first = probe.FishForMessage<Welcome>(_ => true, Patience);
        Assert.Equal(first, probe.FishForMessage<Welcome>(_ => true, Patience));
        Assert.Single(Seen.Workers);
        Sys.Stop(probe.Ref);
        Work(coordinator, "w2");
        await FinishesUndisturbed(run);
    }

    [Fact]
    public async Task An_answer_that_arrives_twice_counts_once()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet first = Register(coordinator, "first");
        ComputeShard whole = first.Receive();
        Puppet second = Register(coordinator, "second");
        ShardDone answer = first.Compute(whole);
        ShardDone again = first.Compute(whole);
        first.Send(answer);
        first.Send(answer);
        first.Send(again);
        await Until(() => Seen.Steps.Count == 1);
        ComputeShard left = first.Receive();
        ShardDone half = first.Compute(left);
        first.Send(half);
        first.Send(half);
        second.Send(second.Compute(second.Receive()));
        await Until(() => Seen.Steps.Count == 2);
        first.Leave();
        second.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        // The copies carry tickets that were taken already; the one that was computed again does not.
        Assert.Equal(1, (await Seen.Finished).Counters.Unasked);
    }

    [Fact]
    public async Task A_late_shard_is_computed_elsewhere_and_its_late_answer_is_dropped()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet late = Register(coordinator, "late");
        ShardDone answer = late.Compute(late.Receive());
        Puppet quick = Register(coordinator, "quick");
        Time.Advance(RunLimits.LateUnmeasuredMs);
        ComputeShard again = quick.Receive();
        Assert.Equal(answer.Slices, again.Work.Slices);
        quick.Send(quick.Compute(again));
        late.Probe.FishForMessage<WithdrawShard>(withdrawal => withdrawal.Slices == answer.Slices, Patience);
        await Until(() => Seen.Steps.Count == 1);
        quick.Send(quick.Compute(quick.Receive()));
        late.Send(answer);
        await Until(() => Seen.Steps.Count == 2);
        late.Leave();
        quick.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        RunCounters counters = (await Seen.Finished).Counters;
        Assert.Equal((1, 1), (counters.Late, counters.Stale));
        Assert.Contains(Seen.Warnings, warning => warning.StartsWith("Worker late is late with slices [0, 41) of step 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_late_shard_whose_own_answer_comes_first_counts_and_the_second_is_dropped()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet late = Register(coordinator, "late");
        ShardDone answer = late.Compute(late.Receive());
        Puppet quick = Register(coordinator, "quick");
        Time.Advance(RunLimits.LateUnmeasuredMs);
        ShardDone second = quick.Compute(quick.Receive());
        late.Send(answer);
        quick.Probe.FishForMessage<WithdrawShard>(withdrawal => withdrawal.Slices == second.Slices, Patience);
        await Until(() => Seen.Steps.Count == 1);
        quick.Send(second);
        late.Send(late.Compute(late.Receive()));
        await Until(() => Seen.Steps.Count == 2);
        late.Leave();
        quick.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(1, (await Seen.Finished).Counters.Stale);
    }

    [Fact]
    public async Task A_worker_that_is_silent_for_long_loses_its_session_and_may_come_back()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet silent = Register(coordinator, "silent");
        silent.Receive();
        Time.Advance(RunLimits.SilentMultiple * RunLimits.LateUnmeasuredMs);
        SessionEnded ended = silent.Probe.FishForMessage<SessionEnded>(_ => true, Patience);
        Assert.Equal(silent.Membership, ended.Membership);
        silent.Join();
        silent.Send(silent.Compute(silent.Receive()));
        await Until(() => Seen.Steps.Count == 1);
        silent.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }

    [Fact]
    public async Task Answers_for_another_run_term_step_phase_session_or_slices_are_counted_and_dropped()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard shard = puppet.Receive();
        Fence fence = shard.Fence;
        foreach (Fence wrong in new[]
        {
            fence with { Run = RunId.Create() },
            fence with { Term = 2 },
            fence with { Step = 1 },
            fence with { Phase = RunPhase.Validation },
            fence with { Session = 77 },
        })
        {
            puppet.Send(puppet.Compute(shard) with { Fence = wrong });
            puppet.Send(new ShardNotDone(new WorkerId("puppet"), wrong, shard.Work.Slices, ShardFailureKind.Failed, "stale"));
        }

        puppet.Send(puppet.Compute(shard with { Work = shard.Work with { Slices = new SliceRange(0, 8) } }));
        puppet.Send(puppet.Compute(shard) with { Worker = new WorkerId("stranger") });
        puppet.Send(puppet.Compute(shard));
        await Until(() => Seen.Steps.Count == 1);
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        RunCounters counters = (await Seen.Finished).Counters;
        Assert.Equal((4, 5, 3, 0), (counters.Foreign, counters.Unasked, counters.EndedSession, counters.Failed));
    }

    [Fact]
    public async Task An_answer_that_does_not_cover_its_slices_or_lacks_a_gradient_or_whose_gradient_never_came_is_a_failure()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard shard = puppet.Receive();
        ShardDone partial = puppet.Compute(shard with { Work = shard.Work with { Slices = new SliceRange(0, 40) } });
        puppet.Send(partial with { Slices = shard.Work.Slices });
        ShardDone bare = puppet.Compute(shard = puppet.Receive());
        puppet.Send(bare with { Nodes = [bare.Nodes[0] with { Ticket = 0 }] });
        ShardDone lost = puppet.Compute(puppet.Receive());
        puppet.Send(lost with { Nodes = [lost.Nodes[0] with { Ticket = 999 }] });
        puppet.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
        string[] warnings = [.. Seen.Warnings];
        Assert.Equal(3, warnings.Length);
        Assert.Contains("its nodes do not cover the slices [0, 41)", warnings[0], StringComparison.Ordinal);
        Assert.Contains("has no gradient", warnings[1], StringComparison.Ordinal);
        Assert.Contains("did not arrive", warnings[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_joins_during_a_step_gets_what_is_missing_or_a_part_of_the_next()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet first = Register(coordinator, "first");
        ComputeShard whole = first.Receive();
        Puppet second = Register(coordinator, "second");
        first.Send(first.Compute(whole));
        ComputeShard left = first.Receive();
        ComputeShard right = second.Receive();
        Assert.Equal((1, 1), (left.Work.Step, right.Work.Step));
        Assert.Equal((0, left.Work.Slices.End, 41), (left.Work.Slices.First, right.Work.Slices.First, right.Work.Slices.End));
        first.Leave();
        second.Send(second.Compute(right));
        ComputeShard rest = second.Receive();
        Assert.Equal(left.Work, rest.Work);
        Puppet third = Register(coordinator, "third");
        second.Leave();
        Assert.Equal(left.Work, third.Receive().Work);
        third.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }
}
