using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>The shards of the next step are given out while the one before is being completed.</summary>
public sealed class AheadTests : MachineTest
{
    [Fact]
    public void The_last_answer_of_a_step_gives_the_next_one_out()
    {
        Assert.False(Begin().Ahead);
        Answer(Owed());
        RunEffect.SendShard next = Assert.Single(Sent());
        Assert.Equal((true, 1L, 1L), (next.Ahead, next.Work.Step, next.Fence.Step));
        Assert.Equal((0L, 1L), (State.Completing!.Whole.Step, State.Phase!.Whole.Step));
        CompleteStep();
        Assert.Empty(Sent());
        Assert.Null(State.Completing);
    }

    [Fact]
    public void A_step_is_not_completed_before_the_one_before_it()
    {
        Begin();
        Answer(Owed());
        Answer(Assert.Single(Sent()));
        Assert.Empty(Effects.OfType<RunEffect.CompleteStep>());
        Assert.Equal(0, State.Completing!.Whole.Step);
        Effects.Clear();
        CompleteStep();
        Assert.Equal(1, Assert.Single(Effects.OfType<RunEffect.CompleteStep>()).Step);
        Assert.Equal(2, Assert.Single(Sent()).Work.Step);
    }

    [Fact]
    public void The_last_step_of_an_epoch_is_followed_by_nothing_at_once()
    {
        Begin();
        for (int step = 0; step < 3; step++)
        {
            Answer(Owed());
            CompleteStep();
        }

        Effects.Clear();
        Answer(Owed());
        Assert.Empty(Sent());
        Assert.Equal((RunStage.Completing, null), (State.Stage, State.Phase));
        CompleteStep();
        Assert.Equal((false, 4L), (Assert.Single(Effects.OfType<RunEffect.SendShard>()).Ahead, State.Phase!.Whole.Step));
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(null, 1)]
    public void A_step_after_which_a_checkpoint_is_due_is_followed_by_it(int? everySteps, int? everySeconds)
    {
        State = RunState.Start(Defined() with { Checkpoints = new CheckpointOptions { EverySteps = everySteps, EverySeconds = everySeconds } }, new());
        Begin();
        NowMs += 1_000;
        Answer(Owed());
        Assert.Empty(Sent());
        CompleteStep();
        Assert.Single(Effects.OfType<RunEffect.WriteCheckpoint>());
    }

    [Fact]
    public void A_checkpoint_that_falls_due_while_a_step_is_completed_waits_for_the_next()
    {
        State = RunState.Start(Defined() with { Checkpoints = new CheckpointOptions { EverySeconds = 1 } }, new());
        Begin();
        Answer(Owed());
        NowMs += 1_000;
        CompleteStep();
        Assert.Empty(Effects.OfType<RunEffect.WriteCheckpoint>());
        Effects.Clear();
        Answer(Owed());
        Assert.Empty(Sent());
        CompleteStep();
        Assert.Single(Effects.OfType<RunEffect.WriteCheckpoint>());
    }

    [Fact]
    public void Who_asks_to_stop_while_a_step_is_completed_gets_the_next_one_finished()
    {
        Begin();
        Answer(Owed());
        RunEffect.SendShard next = Assert.Single(Sent());
        Take(new RunInput.StopRequested(StopSignal.Interrupt));
        CompleteStep();
        Assert.Empty(Effects.OfType<RunEffect.WriteCheckpoint>());
        Answer(next);
        Assert.Empty(Sent());
        CompleteStep();
        Assert.Single(Effects.OfType<RunEffect.WriteCheckpoint>());
    }

    [Fact]
    public void Who_asks_to_stop_when_nobody_computes_the_next_step_keeps_the_one_under_completion()
    {
        Begin();
        Answer(Owed());
        Effects.Clear();
        Take(new RunInput.WorkerLeft(new WorkerId("a"), Sessions, "gone"));
        Take(new RunInput.StopRequested(StopSignal.Interrupt));
        Assert.Empty(Effects.OfType<RunEffect.WriteCheckpoint>());
        CompleteStep();
        Assert.Single(Effects.OfType<RunEffect.WriteCheckpoint>());
        Assert.Equal(1, State.Training.Step);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_withdraws_what_was_given_out_of_the_next_step()
    {
        Begin();
        Join("b");
        Answer(Owed());
        RunEffect.SendShard[] ahead = Sent();
        Assert.Equal(2, ahead.Length);
        Answer(ahead[0]);
        CompleteStep(finite: false);
        Assert.Equal([ahead[0].Fence.Step, ahead[1].Fence.Step], [1, Assert.Single(Effects.OfType<RunEffect.WithdrawShard>()).Fence.Step]);
        Assert.Single(Effects.OfType<RunEffect.ReleaseAccepted>());
        RunEffect.SendShard again = Assert.Single(Sent());
        Assert.Equal((RunPhase.Diagnosis, 0L, false, ahead[0].Worker), (again.Work.Phase, again.Work.Step, again.Ahead, again.Worker));
        Take(new RunInput.ShardFailed(ahead[1].Fence, ahead[1].Worker, ahead[1].Work.Slices, ShardFailureKind.Withdrawn, ""));
        Assert.Equal(1, State.Counters.GivenBack);
    }

    [Fact]
    public void Slices_of_a_worker_that_leaves_are_given_out_anew_before_their_parameters_are_there()
    {
        Begin();
        Join("b");
        Answer(Owed());
        RunEffect.SendShard[] ahead = Sent();
        Answer(ahead[1]);
        Effects.Clear();
        Take(new RunInput.WorkerLeft(ahead[0].Worker, ahead[0].Fence.Session, "gone"));
        RunEffect.SendShard again = Assert.Single(Sent());
        Assert.Equal((ahead[1].Worker, ahead[0].Work.Slices, true), (again.Worker, again.Work.Slices, again.Ahead));
    }

    private RunEffect.SendShard Begin()
    {
        Take(new RunInput.Begin());
        Join("a");
        return Assert.Single(Sent());
    }

    // The shard that worker a has.
    private RunEffect.SendShard Owed()
    {
        WorkerState worker = State.Workers.First(worker => worker.Id.Name == "a");
        Assignment work = worker.Work!;
        var fence = new Fence(State.Definition.Run, State.Definition.Term, work.Phase, work.Step, worker.Session);
        return new RunEffect.SendShard(worker.Id, fence, State.Phase!.Whole with { Slices = work.Slices }, Ahead: false);
    }
}
