using System.Collections.Concurrent;
using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Training;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>The course of a run that no worker disturbs.</summary>
public class CourseTests : RunTest
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task Any_number_of_workers_gives_the_digest_of_one_pass_and_each_contributes(int workers)
    {
        var run = new ExactRun(Definition(epochs: 3));
        var contributed = new ConcurrentDictionary<string, int>();
        var gate = new ManualResetEventSlim();
        IActorRef coordinator = Coordinate(run);
        for (int i = 0; i < workers; i++)
        {
            string name = $"w{i + 1}";
            Work(coordinator, name, work =>
            {
                gate.Wait();
                contributed.AddOrUpdate(name, work.Slices.Count, (_, count) => count + work.Slices.Count);
            });
        }

        await Until(() => Seen.Workers.Count == workers);
        gate.Set();
        await FinishesUndisturbed(run);
        Assert.Equal(workers, contributed.Count);
        Assert.Equal((3, 15), (Seen.Validations, Seen.Steps.Count));
        Assert.Equal(Enumerable.Range(0, 15).Select(step => (long)step), Seen.Steps.Select(report => report.Step));
        Assert.Empty(Seen.Warnings);
    }

    [Fact]
    public async Task A_run_without_workers_waits_for_the_first()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard shard = puppet.Receive();
        Assert.Equal(new SliceRange(0, 41), shard.Work.Slices);
        puppet.Leave();
        await Until(() => Seen.Workers.Any(sentence => sentence.Contains("No worker is left", StringComparison.Ordinal)));
        Assert.Empty(Seen.Steps);
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }

    [Fact]
    public async Task A_worker_that_goes_on_with_the_same_slices_is_sent_nothing()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        ComputeShard order = puppet.Probe.FishForMessage<ComputeShard>(_ => true, Patience);
        for (int step = 1; step < 3; step++)
        {
            Assert.False(puppet.Plane.Stands(order.Version + 1));
            puppet.Send(puppet.Compute(order));
            await Until(() => Seen.Steps.Count == step);
            order = order.Next;
            Assert.True(puppet.Plane.Stands(order.Version));
            Assert.False(puppet.Probe.HasMessages);
        }

        // What stands is lost with the worker, and given to another in so many words.
        puppet.Leave();
        Puppet other = Register(coordinator, "other");
        ComputeShard again = other.Probe.FishForMessage<ComputeShard>(_ => true, Patience);
        Assert.Equal((order.Work, order.Version), (again.Work, again.Version));
        other.Leave();
        Work(coordinator, "w1");
        await FinishesUndisturbed(run);
    }

    [Fact]
    public async Task A_stopped_run_finishes_its_step_writes_a_checkpoint_and_resumes_to_the_same_digest()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        puppet.Send(puppet.Compute(puppet.Receive()));
        ComputeShard second = puppet.Receive();
        coordinator.Tell(new StopRun(StopSignal.Terminate));
        puppet.Send(puppet.Compute(second));
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal((RunOutcomeKind.Interrupted, StopSignal.Terminate), (outcome.Kind, outcome.Signal));
        Assert.Equal([new CheckpointReport(2, "stop requested")], Seen.Checkpoints);

        var resumed = new ExactRun(run.Definition with { Term = 2 }, from: run.Checkpoint);
        var again = new Observer();
        IActorRef next = Sys.ActorOf(Coordinator.CoordinatorActor.Props(new Coordinator.CoordinatorSettings { Run = resumed, Plane = Plane, Observer = again }));
        Work(next, "w1");
        Work(next, "w2");
        Assert.Equal(RunOutcomeKind.Finished, (await again.Finished.WaitAsync(Patience)).Kind);
        Assert.Equal(ExactRun.Undisturbed(run.Definition), resumed.Digest);
        Assert.Equal(2, again.Steps.First().Step);
    }

    [Fact]
    public async Task A_stopped_run_without_workers_ends_at_once_with_a_checkpoint()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        coordinator.Tell(new StopRun(StopSignal.Interrupt));
        Assert.Equal(RunOutcomeKind.Interrupted, (await Seen.Finished.WaitAsync(Patience)).Kind);
        Assert.Equal(0, run.Checkpoint!.State.Step);
    }

    [Fact]
    public async Task A_gradient_that_is_not_finite_stops_the_run_with_a_sentence_that_names_step_slice_layer_and_worker()
    {
        var bad = new HashSet<long> { 6 };
        var run = new ExactRun(Definition(), bad);
        Work(Coordinate(run), "w1", nonFinite: bad);
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal(RunOutcomeKind.Failed, outcome.Kind);
        Assert.Equal(
            "The gradient of step 6 (epoch 2, batch 2 of 5) is not finite: in slice 2 (samples 16 to 23 of the batch), layer fc2, its output holds NaN "
            + "(computed by worker w1, found again by w1).",
            outcome.Sentence);
        Assert.Equal(outcome, run.Outcome);
        Assert.Equal(5, run.Checkpoint!.State.Step);
    }

    [Fact]
    public async Task A_gradient_that_is_not_finite_is_skipped_where_the_job_says_so()
    {
        var bad = new HashSet<long> { 1, 4, 6 };
        var run = new ExactRun(Definition(nonFinite: NonFinitePolicy.Skip), bad);
        IActorRef coordinator = Coordinate(run);
        Work(coordinator, "w1", nonFinite: bad);
        Work(coordinator, "w2", nonFinite: bad);
        await FinishesUndisturbed(run, bad);
        Assert.Equal(3, run.State.SkippedSteps);
        Assert.Equal(3, Seen.Warnings.Count(warning => warning.EndsWith("The step is skipped.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Checkpoints_are_written_by_steps_by_seconds_and_at_the_end_of_each_epoch()
    {
        var run = new ExactRun(Definition(checkpoints: new CheckpointOptions { EverySteps = 4, EverySeconds = 60 }))
        {
            // While step 5 is completed step 6 is given out already: the checkpoint follows that one.
            OnCompleteStep = step => Time.Advance(step == 5 ? 61_000 : 0),
        };
        Work(Coordinate(run), "w1");
        await FinishesUndisturbed(run);
        Assert.Equal(
            [(4, "every 4 steps"), (5, "epoch end"), (7, "every 60 s"), (8, "every 4 steps"), (10, "epoch end")],
            Seen.Checkpoints.Select(checkpoint => (checkpoint.Step, checkpoint.Reason)));
    }

    [Fact]
    public async Task A_full_disk_ends_the_run_with_its_sentence()
    {
        var run = new ExactRun(Definition()) { DiskFull = DistNetException.Failed("The disk is full.") };
        Work(Coordinate(run), "w1");
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal((RunOutcomeKind.Failed, "The disk is full."), (outcome.Kind, outcome.Sentence));
        Assert.Equal(outcome, run.Outcome);
    }

    [Fact]
    public async Task A_bug_in_the_numeric_side_ends_the_run_as_failed()
    {
        var run = new ExactRun(Definition()) { OnCompleteStep = step => Invariant.Holds(step < 3) };
        Work(Coordinate(run), "w1");
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal(RunOutcomeKind.Failed, outcome.Kind);
        Assert.IsType<InvalidOperationException>(outcome.Cause);
        Assert.True(run.IsDisposed);
        Assert.Equal(0, Pool.Outstanding);
    }

    [Fact]
    public async Task When_the_run_is_over_the_workers_stop()
    {
        var run = new ExactRun(Definition());
        IActorRef worker = Work(Coordinate(run), "w1");
        Watch(worker);
        await FinishesUndisturbed(run);
        ExpectTerminated(worker, Patience);
    }

    [Fact]
    public async Task A_system_that_shuts_down_ends_the_run_as_failed()
    {
        var run = new ExactRun(Definition());
        IActorRef coordinator = Coordinate(run);
        Puppet puppet = Register(coordinator, "puppet");
        puppet.Receive();
        Sys.Stop(coordinator);
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal(RunOutcomeKind.Failed, outcome.Kind);
        Assert.True(run.IsDisposed);
    }

    [Fact]
    public async Task No_number_is_computed_on_the_thread_pool_each_worker_keeps_to_one_thread_and_the_coordinator_to_its_own_and_theirs()
    {
        var threads = new ConcurrentDictionary<(string Side, int Thread, bool Pool), bool>();
        void Note(string side) => threads[(side, Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread)] = true;
        var run = new ExactRun(Definition()) { OnCompleteStep = _ => Note("coordinator") };
        IActorRef coordinator = Coordinate(run);
        var gate = new ManualResetEventSlim();
        foreach (string name in new[] { "w1", "w2" })
        {
            Work(coordinator, name, _ =>
            {
                gate.Wait();
                Note(name);
            });
        }

        await Until(() => Seen.Workers.Count == 2);
        gate.Set();
        await FinishesUndisturbed(run);
        int[] workers = [.. threads.Keys.Where(key => key.Side != "coordinator").Select(key => key.Thread)];
        Assert.Equal(2, workers.Length);
        Assert.NotEqual(workers[0], workers[1]);
        int[] coordinators = [.. threads.Keys.Where(key => key.Side == "coordinator").Select(key => key.Thread)];
        Assert.NotEmpty(coordinators);
        Assert.InRange(coordinators.Except(workers).Count(), 0, 1);
        Assert.All(threads.Keys, key => Assert.False(key.Pool));
    }
}
