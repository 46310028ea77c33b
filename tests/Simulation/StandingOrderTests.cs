using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Where everybody goes on with the same slices nobody is told.</summary>
public sealed class StandingOrderTests : MachineTest
{
    [Fact]
    public void Orders_stand_when_everybody_gets_the_same_slices_of_the_next_step()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        Assert.All(shards, shard => Assert.False(shard.Stands));
        for (int step = 1; step < 4; step++)
        {
            (bool stand, RunEffect.SendShard[] next) = AnswerAll(shards);
            Assert.True(stand);
            Assert.All(next, shard => Assert.Equal((true, true, (long)step), (shard.Stands, shard.Ahead, shard.Work.Step)));
            Assert.Equal(shards.Select(shard => (shard.Worker, shard.Work.Slices)), next.Select(shard => (shard.Worker, shard.Work.Slices)));
            CompleteStep();
            shards = next;
        }
    }

    [Fact]
    public void No_order_stands_over_the_end_of_an_epoch()
    {
        RunEffect.SendShard[] shards = Begin("a");
        for (int step = 0; step < 3; step++)
        {
            shards = AnswerAll(shards).Next;
            CompleteStep();
        }

        (bool stand, RunEffect.SendShard[] next) = AnswerAll(shards);
        Assert.False(stand);
        Assert.Empty(next);
        CompleteStep();
        Assert.False(Assert.Single(Sent()).Stands);
    }

    [Fact]
    public void No_order_stands_for_a_batch_of_fewer_samples()
    {
        State = RunState.Start(Defined() with { Plan = new TrainingPlan((3 * 64) + 63, 64, 8, 200) }, new TrainingState());
        RunEffect.SendShard[] shards = Begin("a");
        for (int step = 0; step < 3; step++)
        {
            (bool stand, shards) = AnswerAll(shards);
            Assert.Equal(step < 2, stand);
            Assert.Equal(step < 2, Assert.Single(shards).Stands);
            CompleteStep();
        }

        Assert.Equal((8, 63), (shards[0].Work.SliceCount, shards[0].Work.SampleCount));
    }

    [Fact]
    public void Nobodys_order_stands_where_one_workers_cannot()
    {
        Take(new RunInput.Begin());
        Join("a", ordersStand: true);
        Effects.Clear();
        Join("b");
        (bool first, RunEffect.SendShard[] shards) = AnswerAll([Owed("a")]);
        CompleteStep();
        (bool second, shards) = AnswerAll(shards);
        Assert.Equal((false, false, 2), (first, second, shards.Length));
        Assert.All(shards, shard => Assert.False(shard.Stands));
    }

    [Fact]
    public void Nobodys_order_stands_when_a_worker_has_come()
    {
        RunEffect.SendShard[] shards = Begin("a");
        Join("b", ordersStand: true);
        Effects.Clear();
        (bool stand, RunEffect.SendShard[] next) = AnswerAll(shards);
        Assert.Equal((false, 2), (stand, next.Length));
        Assert.All(next, shard => Assert.False(shard.Stands));
        CompleteStep();
        Assert.True(AnswerAll(next).Stand);
    }

    [Fact]
    public void Nobodys_order_stands_when_a_worker_has_gone()
    {
        RunEffect.SendShard[] shards = Begin("a", "b");
        Answer(shards[0]);
        Effects.Clear();
        Take(new RunInput.WorkerLeft(shards[1].Worker, shards[1].Fence.Session, "gone"));
        RunEffect.SendShard again = Assert.Single(Sent());
        Assert.False(again.Stands);
        (bool stand, RunEffect.SendShard[] next) = AnswerAll([again]);
        Assert.False(stand);
        Assert.False(Assert.Single(next).Stands);
    }

    [Fact]
    public void An_order_that_failed_stands_no_more()
    {
        // One slice a batch, so that whoever has it has all.
        State = RunState.Start(Defined() with { Plan = new TrainingPlan(4, 1, 1, 200) }, new TrainingState());
        RunEffect.SendShard failing = Assert.Single(Begin("a"));
        Join("b", ordersStand: true);
        Effects.Clear();
        while (failing.Worker.Name == "a")
        {
            Fail(failing);
            failing = Assert.Single(Sent());
        }

        Assert.Null(State.Workers[0].Standing);
        (bool stand, RunEffect.SendShard[] next) = AnswerAll([failing]);
        Assert.Equal(("b", true), (Assert.Single(next).Worker.Name, stand));
    }

    [Fact]
    public void Nobodys_order_stands_while_a_late_worker_may_go_on_too()
    {
        // One slice a batch, so that whoever has it has all.
        State = RunState.Start(Defined() with { Plan = new TrainingPlan(4, 1, 1, 200) }, new TrainingState());
        RunEffect.SendShard late = Assert.Single(Begin("a"));
        Tick(RunLimits.LateUnmeasuredMs);
        Join("b", ordersStand: true);
        RunEffect.SendShard second = Assert.Single(Sent());
        Assert.Equal(("b", late.Work), (second.Worker.Name, second.Work));
        (bool stand, RunEffect.SendShard[] next) = AnswerAll([second]);
        Assert.Equal(("b", false), (Assert.Single(next).Worker.Name, stand));

        // It answers, and has not been told to go on.
        Answer(late, seconds: 10);
        CompleteStep();
        Assert.True(AnswerAll(next).Stand);
    }

    [Fact]
    public void No_order_stands_after_a_step_that_was_computed_again()
    {
        RunEffect.SendShard[] ahead = AnswerAll(Begin("a")).Next;
        CompleteStep(finite: false);
        Assert.Equal(ahead[0].Fence, Assert.Single(Effects.OfType<RunEffect.WithdrawShard>()).Fence);
        Effects.Clear();
        Answer(ahead[0]);
        RunEffect.SendShard diagnosis = Assert.Single(Sent());
        Assert.Equal((RunPhase.Diagnosis, false), (diagnosis.Work.Phase, diagnosis.Stands));
        Assert.Null(State.Workers[0].Standing);
    }

    private RunEffect.SendShard[] Begin(params string[] names)
    {
        foreach (string name in names)
        {
            Join(name, ordersStand: true);
        }

        Take(new RunInput.Begin());
        return Sent();
    }

    // Answers the shards, the last of the step: whether the orders stand, and what is given out of the next one.
    private (bool Stand, RunEffect.SendShard[] Next) AnswerAll(RunEffect.SendShard[] shards)
    {
        foreach (RunEffect.SendShard shard in shards)
        {
            Answer(shard, seconds: shard.Work.Slices.Count);
        }

        bool stand = Assert.Single(Effects.OfType<RunEffect.CompleteStep>()).OrdersStand;
        return (stand, Sent());
    }

    private RunEffect.SendShard Owed(string name)
    {
        WorkerState worker = State.Workers.First(worker => worker.Id.Name == name);
        Assignment work = worker.Work!;
        return new RunEffect.SendShard(
            worker.Id, new Fence(State.Definition.Run, State.Definition.Term, work.Phase, work.Step, worker.Session), State.Phase!.Whole with { Slices = work.Slices }, Ahead: false);
    }
}
