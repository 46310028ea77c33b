using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Who is late, silent or idle, what happens to the slices, and what the user is told.</summary>
public sealed class SilenceTests : MachineTest
{
    [Fact]
    public void A_silent_worker_loses_its_slices_and_is_named_with_what_it_did()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        Answer(shards[1]);
        Beat("a", Computing(shards[0], 0.3));
        NowMs += 900;
        Beat("b");
        Tick(100);
        Assert.Empty(Sent());
        Tick(100);
        string told = Assert.Single(Warnings);
        Assert.Equal($"Worker a (a-host) has not been heard from for 1.1 s; it has slices {shards[0].Work.Slices} of step 0, computing for 1.4 s; they are computed a second time by b, and the first answer counts.", told);
        RunEffect.SendShard again = Assert.Single(Sent());
        Assert.Equal(("b", shards[0].Work.Slices), (again.Worker.Name, again.Work.Slices));
        Assert.Equal(1, State.Counters.Suspected);
    }

    [Fact]
    public void A_suspected_worker_gets_no_work_until_it_is_heard_and_no_second_line()
    {
        Begin("a");
        Silence("a");
        Assert.Contains("there is no other worker, so the run waits", Assert.Single(Warnings), StringComparison.Ordinal);
        Effects.Clear();
        Tick(1_000);
        Tick(1_000);
        Assert.Empty(Effects);
        Beat("a", new WorkerActivity(ActivityKind.Computing, 0, State.Workers[0].Work!.Slices, 3));
        Assert.Equal((1, false), (State.Counters.HeardAgain, State.Workers[0].Suspected));
        // Nobody else took its slices, so they are its own again.
        Assert.False(State.Workers[0].Work!.Late);
        Silence("a");
        Assert.Empty(Warnings);
    }

    [Fact]
    public void A_worker_silent_for_five_seconds_has_its_session_ended()
    {
        Begin("a");
        Silence("a");
        Effects.Clear();
        Tick(RunLimits.SessionEndsAfterMs - RunLimits.SuspectAfterMs);
        Assert.Equal("a", Assert.Single(Effects.OfType<RunEffect.EndSession>()).Worker.Name);
        Assert.Equal((0, 1), (State.Workers.Length, State.Counters.Unheard));
    }

    [Fact]
    public void A_coordinator_that_was_itself_stopped_blames_nobody()
    {
        Begin("a", "b");
        Tick(60_000);
        Beat("a", Computing(State.Workers[0]));
        Beat("b", Computing(State.Workers[1]));
        Tick(100);
        Tick(100);
        Assert.Equal((0, 2), (State.Counters.Suspected, State.Workers.Length));
    }

    [Fact]
    public void The_silence_of_a_worker_that_does_not_beat_means_nothing()
    {
        Take(new RunInput.Begin());
        Join("a");
        Tick(10_000);
        Tick(10_000);
        Assert.Empty(Effects.OfType<RunEffect.Warn>());
        Assert.Null(RunMachine.Describe(State, NowMs).Workers[0].SilentMs);
    }

    [Fact]
    public void A_late_worker_is_named_once_with_what_it_does()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        Answer(shards[1]);
        Effects.Clear();
        while (State.Counters.Late == 0)
        {
            Beat("a", new WorkerActivity(ActivityKind.WaitingForParameters, 0, shards[0].Work.Slices, NowMs / 1000.0));
            Beat("b");
            Tick(100);
        }

        Assert.Equal(
            $"Worker a (a-host) is late with slices {shards[0].Work.Slices} of step 0 (30.0 s, waiting for parameters for 30.0 s); they are computed a second time by b, and the first answer counts.",
            Assert.Single(Warnings));
        Assert.Equal(shards[0].Work.Slices, Assert.Single(Sent()).Work.Slices);
    }

    [Fact]
    public void A_worker_that_is_idle_though_it_was_given_a_shard_is_given_it_again()
    {
        RunEffect.SendShard shard = Assert.Single(Begin("a"));
        for (int i = 0; i <= 8; i++)
        {
            NowMs += 250;
            Beat("a");
        }

        Tick(0);
        Assert.Contains("is idle though it was given slices [0, 8) of step 0", Assert.Single(Warnings), StringComparison.Ordinal);
        RunEffect.SendShard again = Assert.Single(Sent());
        Assert.Equal(shard, again);
        Answer(shard);
        Assert.Equal((0L, 1L), (State.Completing!.Whole.Step, State.Counters.Undelivered));
    }

    [Fact]
    public void Two_late_shards_are_given_out_again_in_their_own_cuts()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        Silence("a", "b");
        Effects.Clear();
        Join("c", beats: true);
        Assert.Equal(shards[0].Work.Slices, Assert.Single(Sent()).Work.Slices);
    }

    [Fact]
    public void The_first_shard_of_a_term_waits_for_the_minimum_of_workers_and_later_ones_do_not()
    {
        State = RunState.Start(Defined(minimumWorkers: 2), new());
        Take(new RunInput.Begin());
        Join("a");
        Assert.Empty(Sent());
        Assert.Equal(2, RunMachine.Describe(State, NowMs).WorkersAwaited);
        Join("b");
        Assert.Equal(2, Sent().Length);
        Take(new RunInput.WorkerLeft(new WorkerId("b"), 2, "gone"));
        Assert.Equal(0, RunMachine.Describe(State, NowMs).WorkersAwaited);
        Take(new RunInput.ShardFailed(new Fence(State.Definition.Run, 1, RunPhase.Training, 0, 1), new WorkerId("a"), State.Workers[0].Work!.Slices, ShardFailureKind.Withdrawn, ""));
        Assert.Single(Sent());
    }

    [Fact]
    public void The_run_folder_is_looked_at_from_time_to_time_also_while_nobody_works()
    {
        Take(new RunInput.Begin());
        for (int tick = 0; tick < 100; tick++)
        {
            Tick(100);
        }

        Assert.Equal(2, Effects.OfType<RunEffect.VerifyFolder>().Count());
        Take(new RunInput.NumericFailed("taken over", new InvalidOperationException()));
        Assert.Equal(RunStage.Finishing, State.Stage);
    }

    [Fact]
    public void A_run_is_described_with_what_each_worker_has_and_does()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        NowMs += 500;
        Beat("a", Computing(shards[0], 0.25));
        NowMs += 100;
        RunStatus status = RunMachine.Describe(State, NowMs);
        Assert.Equal((RunStage.Computing, RunPhase.Training, 0L, 800L, 0, 200, 0, 8), (status.Stage, status.Phase, status.Step, status.TotalSteps, status.Epoch, status.TotalEpochs, status.SlicesDone, status.Slices));
        WorkerStatus a = status.Workers[0];
        Assert.Equal(("a", "a-host", 1L, 0L, shards[0].Work.Slices, 600L), (a.Worker.Name, a.Host, a.Session, a.Step, a.Slices, a.SinceMs));
        Assert.Equal((100L, ActivityKind.Computing), (a.SilentMs, a.Activity!.Value.Kind));
    }

    private RunEffect.SendShard[] Begin(params string[] names)
    {
        State = RunState.Start(Defined(minimumWorkers: names.Length), new());
        Take(new RunInput.Begin());
        foreach (string name in names)
        {
            Join(name, beats: true);
        }

        return Sent();
    }

    private void Silence(params string[] names)
    {
        Assert.All(names, name => Assert.Contains(State.Workers, worker => worker.Id.Name == name));
        Tick(RunLimits.SuspectAfterMs);
        Tick(RunLimits.TickMs);
        Assert.All(names, name => Assert.True(State.Workers.First(worker => worker.Id.Name == name).Suspected));
    }

    private static WorkerActivity Computing(RunEffect.SendShard shard, double seconds) => new(ActivityKind.Computing, shard.Work.Step, shard.Work.Slices, seconds);

    private static WorkerActivity Computing(WorkerState worker) => new(ActivityKind.Computing, worker.Work!.Step, worker.Work.Slices, 1);
}
