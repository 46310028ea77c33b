using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Failures in a row: of one worker among several, of the only one, of all.</summary>
public sealed class FailureTests : MachineTest
{
    [Fact]
    public void One_broken_worker_among_several_never_ends_the_run()
    {
        RunEffect.SendShard[] shards = Begin("broken", "slow");
        RunEffect.SendShard mine = shards.First(shard => shard.Worker.Name == "broken");
        int failures = RunLimits.FailuresBeforeGivingUp + 4;
        for (int failure = 0; failure < failures; failure++)
        {
            mine = FailAndWait(mine);
            Assert.Equal(RunStage.Computing, State.Stage);
        }

        Assert.Equal((failures, failures), (State.Phase!.FailuresInRow.Length, State.Workers[0].Failures));
    }

    [Fact]
    public void One_failure_of_a_second_worker_may_be_chance_and_two_are_not()
    {
        RunEffect.SendShard[] shards = Begin("broken", "slow");
        RunEffect.SendShard mine = shards.First(shard => shard.Worker.Name == "broken");
        RunEffect.SendShard other = shards.First(shard => shard.Worker.Name == "slow");
        for (int failure = 0; failure < RunLimits.FailuresBeforeGivingUp; failure++)
        {
            mine = FailAndWait(mine);
        }

        Fail(other);
        Assert.Equal(RunStage.Computing, State.Stage);
        Fail(Sent().First(shard => shard.Worker.Name == "slow"));
        Assert.Equal(RunOutcomeKind.Failed, State.Outcome!.Kind);
        Assert.Contains("shards failed in a row, so the run gives up", State.Outcome.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_only_worker_ends_the_run_when_it_failed_so_often()
    {
        RunEffect.SendShard shard = Assert.Single(Begin("only"));
        for (int failure = 1; failure < RunLimits.FailuresBeforeGivingUp; failure++)
        {
            shard = FailAndWait(shard);
        }

        Assert.Equal(RunStage.Computing, State.Stage);
        Fail(shard);
        Assert.Equal(RunStage.Finishing, State.Stage);
    }

    // Fails a shard and waits until its worker, the first, is tried again.
    private RunEffect.SendShard FailAndWait(RunEffect.SendShard shard)
    {
        Fail(shard);
        NowMs = Math.Max(NowMs, State.Workers[0].AsideUntilMs);
        Take(new RunInput.Tick());
        return Sent().Single(again => again.Worker == shard.Worker);
    }

    private RunEffect.SendShard[] Begin(params string[] names)
    {
        State = RunState.Start(Defined(minimumWorkers: names.Length), new());
        Take(new RunInput.Begin());
        foreach (string name in names)
        {
            Join(name);
        }

        return Sent();
    }
}
