using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Single rules of the machine, input by input.</summary>
public sealed class RunMachineTests : MachineTest
{
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
            pauses.AddRange(Effects.OfType<RunEffect.SetAside>().Select(aside => aside.UntilMs - NowMs));
            if (State.Workers[0].AsideUntilMs > NowMs)
            {
                Assert.Empty(Effects.OfType<RunEffect.SendShard>());
                NowMs = State.Workers[0].AsideUntilMs;
                Effects.Clear();
                Take(new RunInput.Tick());
            }
        }

        Assert.Equal([100, 200, 400, 800, 1600], pauses);
        RunEffect.SendShard last = Assert.Single(Sent());
        Answer(last, 1);
        Assert.Equal((0, 0), (State.Workers[0].Failures, State.Phase!.FailuresInRow.Length));
    }

    [Fact]
    public void Failures_are_remembered_when_a_worker_leaves_and_comes_back()
    {
        Take(new RunInput.Begin());
        for (int life = 0; life < RunLimits.FailuresBeforeAside; life++)
        {
            Join("w1");
            Assert.NotEmpty(Effects.OfType<RunEffect.SendShard>());
            Take(new RunInput.WorkerLeft(new WorkerId("w1"), Sessions, "it crashed"));
            Effects.Clear();
        }

        Join("w1");
        Assert.Empty(Effects.OfType<RunEffect.SendShard>());
        Assert.Equal(RunLimits.FirstAsideMs, Assert.Single(Effects.OfType<RunEffect.SetAside>()).UntilMs);
    }

    [Fact]
    public void More_workers_than_the_limit_are_turned_away()
    {
        for (int i = 0; i < RunLimits.Workers; i++)
        {
            Join($"w{i}");
        }

        Assert.Empty(Effects.OfType<RunEffect.EndSession>());
        Join("one too many");
        Assert.Equal("one too many", Assert.Single(Effects.OfType<RunEffect.EndSession>()).Worker.Name);
        Assert.Equal(RunLimits.Workers, State.Workers.Length);
    }

    [Fact]
    public void A_transition_changes_nothing_of_the_state_before_it()
    {
        Take(new RunInput.Begin());
        Join("w1");
        RunState before = State;
        RunEffect.SendShard shard = Assert.Single(Sent());
        var answer = new RunInput.ShardCompleted(shard.Fence, shard.Worker, shard.Work.Slices, 1, 1, null, []);
        Transition first = RunMachine.Step(before, answer, NowMs);
        Transition second = RunMachine.Step(before, answer, NowMs);
        Assert.Equal(first.Effects, second.Effects);
        Assert.Equal(first.State.Counters, second.State.Counters);
        Assert.NotNull(before.Workers[0].Work);
        Assert.Empty(before.Phase!.Accepted);
    }
}
