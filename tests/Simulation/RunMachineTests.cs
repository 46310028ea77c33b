using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Single rules of the machine, input by input.</summary>
public sealed class RunMachineTests
{
    private RunState state = RunState.Start(
        new RunDefinition { Run = RunId.Create(), Plan = new TrainingPlan(4 * 64, 64, 8, 200), Checkpoints = new CheckpointOptions { EverySeconds = null } },
        new TrainingState());

    private long nowMs;
    private long sessions;
    private readonly List<RunEffect> effects = [];

    [Fact]
    public void A_faster_worker_gets_more_slices_and_a_slow_one_is_tried_again()
    {
        Take(new RunInput.Begin());
        Join("fast");
        Join("slow");
        int last = 0;
        for (int step = 0; step < 12; step++)
        {
            var shards = Sent();
            last = shards.Where(shard => shard.Worker.Name == "slow").Sum(shard => shard.Work.Slices.Count);
            foreach (RunEffect.SendShard shard in shards)
            {
                Answer(shard, shard.Work.Slices.Count * (shard.Worker.Name == "slow" ? 1.0 : 0.01));
            }

            CompleteStep();
        }

        // A hundred times slower: a fair share of 8 slices is far below one half, so it gets none for a while.
        Assert.Equal(0, last);
        bool again = false;
        for (int step = 12; step < 500 && !again; step++)
        {
            var shards = Sent();
            again = shards.Any(shard => shard.Worker.Name == "slow");
            foreach (RunEffect.SendShard shard in shards)
            {
                Answer(shard, shard.Work.Slices.Count * 0.01);
            }

            CompleteStep();
        }

        Assert.True(again);
    }

    [Fact]
    public void Pauses_of_a_failing_worker_double_and_one_answer_ends_them()
    {
        Join("w1");
        Take(new RunInput.Begin());
        var pauses = new List<long>();
        for (int failure = 0; failure < RunLimits.FailuresBeforeGivingUp - 1; failure++)
        {
            RunEffect.SendShard shard = Assert.Single(Sent());
            Take(new RunInput.ShardFailed(shard.Fence, shard.Worker, shard.Work.Slices, ShardFailureKind.Failed, "no"));
            pauses.AddRange(effects.OfType<RunEffect.SetAside>().Select(aside => aside.UntilMs - nowMs));
            if (state.Workers[0].AsideUntilMs > nowMs)
            {
                Assert.Empty(effects.OfType<RunEffect.SendShard>());
                nowMs = state.Workers[0].AsideUntilMs;
                effects.Clear();
                Take(new RunInput.Tick());
            }
        }

        Assert.Equal([100, 200, 400, 800, 1600], pauses);
        RunEffect.SendShard last = Assert.Single(Sent());
        Answer(last, 1);
        Assert.Equal((0, 0), (state.Workers[0].Failures, state.Phase!.FailuresInRow.Length));
    }

    [Fact]
    public void Failures_are_remembered_when_a_worker_leaves_and_comes_back()
    {
        Take(new RunInput.Begin());
        for (int life = 0; life < RunLimits.FailuresBeforeAside; life++)
        {
            Join("w1");
            Assert.NotEmpty(effects.OfType<RunEffect.SendShard>());
            Take(new RunInput.WorkerLeft(new WorkerId("w1"), sessions, "it crashed"));
            effects.Clear();
        }

        Join("w1");
        Assert.Empty(effects.OfType<RunEffect.SendShard>());
        Assert.Equal(RunLimits.FirstAsideMs, Assert.Single(effects.OfType<RunEffect.SetAside>()).UntilMs);
    }

    [Fact]
    public void More_workers_than_the_limit_are_turned_away()
    {
        for (int i = 0; i < RunLimits.Workers; i++)
        {
            Join($"w{i}");
        }

        Assert.Empty(effects.OfType<RunEffect.EndSession>());
        Join("one too many");
        Assert.Equal("one too many", Assert.Single(effects.OfType<RunEffect.EndSession>()).Worker.Name);
        Assert.Equal(RunLimits.Workers, state.Workers.Length);
    }

    [Fact]
    public void A_transition_changes_nothing_of_the_state_before_it()
    {
        Take(new RunInput.Begin());
        Join("w1");
        RunState before = state;
        RunEffect.SendShard shard = Assert.Single(Sent());
        var answer = new RunInput.ShardCompleted(shard.Fence, shard.Worker, shard.Work.Slices, 1, 1, null, []);
        Transition first = RunMachine.Step(before, answer, nowMs);
        Transition second = RunMachine.Step(before, answer, nowMs);
        Assert.Equal(first.Effects, second.Effects);
        Assert.Equal(first.State.Counters, second.State.Counters);
        Assert.NotNull(before.Workers[0].Work);
        Assert.Empty(before.Phase!.Accepted);
    }

    private void Take(RunInput input)
    {
        Transition transition = RunMachine.Step(state, input, nowMs);
        state = transition.State;
        effects.AddRange(transition.Effects);
    }

    private void Join(string name) => Take(new RunInput.WorkerJoined(new WorkerId(name), ++sessions, 1, "", false));

    // The shards sent since the last look.
    private RunEffect.SendShard[] Sent()
    {
        RunEffect.SendShard[] sent = [.. effects.OfType<RunEffect.SendShard>()];
        effects.Clear();
        return sent;
    }

    private void Answer(RunEffect.SendShard shard, double seconds) =>
        Take(new RunInput.ShardCompleted(shard.Fence, shard.Worker, shard.Work.Slices, 1, seconds, null, []));

    private void CompleteStep()
    {
        Assert.Equal(RunStage.Completing, state.Stage);
        TrainingState before = state.Training;
        bool epochEnds = before.StepInEpoch == 3;
        TrainingState after = before with { Step = before.Step + 1, StepInEpoch = epochEnds ? 0 : before.StepInEpoch + 1, Epoch = before.Epoch + (epochEnds ? 1 : 0) };
        Take(new RunInput.StepCompleted(new StepReport(before.Step, before.Epoch, before.StepInEpoch, true, false, default, 0, 0, after)));
        if (epochEnds)
        {
            Take(new RunInput.CheckpointWritten(new CheckpointReport(after.Step, "epoch end")));
        }
    }
}
