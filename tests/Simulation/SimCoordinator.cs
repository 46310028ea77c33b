using System.Runtime.InteropServices;
using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>The coordinator's shell, in virtual time: what the actor does, without the actor.</summary>
internal sealed class SimCoordinator(World world, ExactRun run)
{
    private readonly Dictionary<WorkerId, (SimWorker Worker, int Incarnation, long Session)> members = [];
    private readonly List<ShardNode> accepted = [];
    private readonly HashSet<GradientLease> taken = [];
    private ShardResult? offered;
    private long answers;
    private long sessions;
    private long lastStep = -1;

    public ExactRun Run => run;

    public RunState State { get; private set; } = RunState.Start(run.Definition, run.State);

    public RunOutcome? Outcome { get; private set; }

    private bool IsCurrent => world.Coordinator == this;

    public void Start()
    {
        Feed(new RunInput.Begin());
        Tick();
    }

    public void Register(SimWorker worker, int incarnation)
    {
        if (!members.TryGetValue(worker.Id, out var member) || member.Incarnation != incarnation)
        {
            // A registration of an earlier life that was overtaken must not end the session of the later one.
            if (member.Worker is not null && member.Incarnation > incarnation)
            {
                return;
            }

            member = (worker, incarnation, ++sessions);
            members[worker.Id] = member;
            Feed(new RunInput.WorkerJoined(worker.Id, member.Session, world.Random.Between(1, 4), "", Beats: false));
        }

        world.Send(() => worker.Welcome(this, incarnation, member.Session));
    }

    public void Notice(WorkerId worker, int incarnation, string why)
    {
        if (IsCurrent && members.TryGetValue(worker, out var member) && member.Incarnation == incarnation)
        {
            members.Remove(worker);
            Feed(new RunInput.WorkerLeft(worker, member.Session, why));
        }
    }

    public void Take(WorkerId worker, Fence fence, SliceRange slices, ShardResult result, double seconds)
    {
        if (IsCurrent && Outcome is null && !IsCopy(result))
        {
            offered = result;
            Feed(new RunInput.ShardCompleted(fence, worker, slices, ++answers, seconds, result.Finding, [.. result.Nodes.Select(node => new NodeProof(node.Node, node.Metrics, Checksum(node)))]));
            Invariant.Holds(offered is null);
        }
    }

    // A gradient is taken once, as by its ticket: the second copy of a message has none.
    private bool IsCopy(ShardResult result)
    {
        foreach (ShardNode node in result.Nodes)
        {
            if (node.Gradient is { } lease && !taken.Add(lease))
            {
                return true;
            }
        }

        return false;
    }

    public void Take(RunInput.ShardFailed failed)
    {
        if (IsCurrent && Outcome is null)
        {
            Feed(failed);
        }
    }

    private void Tick()
    {
        if (IsCurrent && Outcome is null)
        {
            Feed(new RunInput.Tick());
            world.At(250, Tick);
        }
    }

    private void Feed(RunInput input)
    {
        Transition transition = RunMachine.Step(State, input, world.NowMs);
        transition = world.Defect?.Invoke(transition, input) ?? transition;
        State = transition.State;
        foreach (RunEffect effect in transition.Effects)
        {
            Carry(effect);
        }
    }

    private void Carry(RunEffect effect)
    {
        switch (effect)
        {
            case RunEffect.SendShard send:
                SimWorker worker = members[send.Worker].Worker;
                ParameterHandle parameters = run.Parameters;
                world.Send(() => worker.Compute(this, send.Fence, send.Work, parameters));
                break;
            case RunEffect.WithdrawShard withdraw:
                if (members.TryGetValue(withdraw.Worker, out var holder))
                {
                    world.Send(() => holder.Worker.Withdraw(withdraw.Fence, withdraw.Slices));
                }

                break;
            case RunEffect.AcceptAnswer accept:
                Invariant.Holds(accept.Answer == answers);
                accepted.AddRange(offered!.Nodes);

                offered = null;
                break;
            case RunEffect.ReleaseAnswer:
                foreach (ShardNode node in offered!.Nodes)
                {
                    node.Gradient?.Return();
                }

                offered = null;
                break;
            case RunEffect.ReleaseAccepted:
                ReturnAccepted();
                break;
            case RunEffect.CompleteStep complete:
                Numeric(() =>
                {
                    Invariant.Holds(complete.Step > lastStep);
                    StepReport report = run.CompleteStep(complete.Step, CollectionsMarshal.AsSpan(accepted));
                    lastStep = report.Finite ? complete.Step : lastStep;
                    ReturnAccepted();
                    return new RunInput.StepCompleted(report);
                });
                break;
            case RunEffect.SkipStep skip:
                Numeric(() =>
                {
                    lastStep = skip.Step;
                    return new RunInput.StepCompleted(run.SkipStep(skip.Step, skip.Finding));
                });
                break;
            case RunEffect.CompleteValidation:
                Numeric(() => Returned(new RunInput.ValidationCompleted(run.CompleteValidation(CollectionsMarshal.AsSpan(accepted)))));
                break;
            case RunEffect.CompleteTest:
                Numeric(() => Returned(new RunInput.TestCompleted(run.CompleteTest(CollectionsMarshal.AsSpan(accepted)))));
                break;
            case RunEffect.WriteCheckpoint checkpoint:
                Numeric(() => new RunInput.CheckpointWritten(run.WriteCheckpoint(checkpoint.Reason)));
                break;
            case RunEffect.EndTraining:
                Numeric(() =>
                {
                    run.EndTraining();
                    return new RunInput.TrainingEnded();
                });
                break;
            case RunEffect.Finish finish:
                Numeric(() =>
                {
                    run.Finish(finish.Outcome);
                    return new RunInput.RunFinished();
                });
                break;
            case RunEffect.EndSession ended:
                if (members.TryGetValue(ended.Worker, out var silent) && silent.Session == ended.Session)
                {
                    members.Remove(ended.Worker);
                    world.Send(() => silent.Worker.EndSession(silent.Incarnation), mayBeLost: false);
                }

                break;
            default:
                break;
        }
    }

    // One thing at a time, and it takes a while; the coordinator may be killed before it is done.
    private void Numeric(Func<RunInput> work) => world.At(world.Random.Between(0, 20), () =>
    {
        if (world.Faulty && world.Random.Chance(world.Plan.CoordinatorCrash))
        {
            world.Faults.CoordinatorCrashes++;
            world.ReplaceCoordinator();
            return;
        }

        RunInput input = work();
        Feed(input);
        if (State.Stage == RunStage.Ended)
        {
            Outcome = State.Outcome;
            Invariant.Holds(Outcome!.Kind != RunOutcomeKind.Failed);
            if (Outcome.Kind == RunOutcomeKind.Interrupted)
            {
                world.ReplaceCoordinator();
            }
        }
        else if (world.Faulty && world.Random.Chance(world.Plan.Stop))
        {
            world.Faults.Stops++;
            Feed(new RunInput.StopRequested(StopSignal.Terminate));
        }
    });

    private static ulong Checksum(ShardNode node) => node.Gradient is { } gradient ? ExactSum.Read(gradient.Values.Span) : 0;

    private RunInput Returned(RunInput input)
    {
        ReturnAccepted();
        return input;
    }

    private void ReturnAccepted()
    {
        foreach (ShardNode node in accepted)
        {
            node.Gradient?.Return();
        }

        accepted.Clear();
    }
}
