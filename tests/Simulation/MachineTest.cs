using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Drives the machine input by input: batches of 8 slices, 4 steps an epoch, no validation.</summary>
public abstract class MachineTest
{
    private protected RunState State { get; set; } = RunState.Start(Defined(), new TrainingState());

    private protected long NowMs { get; set; }

    private protected long Sessions { get; private set; }

    private protected List<RunEffect> Effects { get; } = [];

    private protected IEnumerable<string> Warnings => Effects.OfType<RunEffect.Warn>().Select(warn => warn.Sentence);

    private protected static RunDefinition Defined(int minimumWorkers = 1, NonFinitePolicy nonFinite = NonFinitePolicy.Stop) => new()
    {
        Run = RunId.Create(),
        Plan = new TrainingPlan(4 * 64, 64, 8, 200),
        Checkpoints = new CheckpointOptions { EverySeconds = null },
        MinimumWorkers = minimumWorkers,
        NonFinite = nonFinite,
    };

    private protected void Take(RunInput input)
    {
        Transition transition = RunMachine.Step(State, input, NowMs);
        State = transition.State;
        Effects.AddRange(transition.Effects);
    }

    private protected void Join(string name, bool beats = false, bool ordersStand = false) =>
        Take(new RunInput.WorkerJoined(new WorkerId(name), ++Sessions, 1, beats ? $"{name}-host" : "", beats, ordersStand));

    private protected void Beat(string name, WorkerActivity activity = default) =>
        Take(new RunInput.WorkerHeard(new WorkerId(name), State.Workers.First(worker => worker.Id.Name == name).Session, activity));

    private protected void Tick(long afterMs)
    {
        NowMs += afterMs;
        Take(new RunInput.Tick());
    }

    // The shards sent since the last look.
    private protected RunEffect.SendShard[] Sent()
    {
        RunEffect.SendShard[] sent = [.. Effects.OfType<RunEffect.SendShard>()];
        Effects.Clear();
        return sent;
    }

    private protected void Answer(RunEffect.SendShard shard, double seconds = 1, double loss = 0, ulong checksum = 0)
    {
        var nodes = CanonicalSum.Cover(shard.Work.Slices, shard.Work.SliceCount).Select(node =>
        {
            int slices = node.Slices(shard.Work.SliceCount).Count;
            return new NodeProof(node, new NodeMetrics(slices + loss, slices, slices, 0), checksum);
        });
        Take(new RunInput.ShardCompleted(shard.Fence, shard.Worker, shard.Work.Slices, 1, seconds, null, [.. nodes]));
    }

    private protected void Fail(RunEffect.SendShard shard) =>
        Take(new RunInput.ShardFailed(shard.Fence, shard.Worker, shard.Work.Slices, ShardFailureKind.Failed, "no"));

    private protected void CompleteStep(bool finite = true)
    {
        Assert.NotNull(State.Completing);
        TrainingState before = State.Training;
        if (!finite)
        {
            Take(new RunInput.StepCompleted(new StepReport(before.Step, before.Epoch, before.StepInEpoch, false, false, default, 0, 0, before)));
            return;
        }

        bool epochEnds = before.StepInEpoch == 3;
        TrainingState after = before with { Step = before.Step + 1, StepInEpoch = epochEnds ? 0 : before.StepInEpoch + 1, Epoch = before.Epoch + (epochEnds ? 1 : 0) };
        Take(new RunInput.StepCompleted(new StepReport(before.Step, before.Epoch, before.StepInEpoch, true, false, default, 0, 0, after)));
        if (epochEnds)
        {
            Take(new RunInput.CheckpointWritten(new CheckpointReport(after.Step, "epoch end")));
        }
    }
}
