using System.Runtime.InteropServices;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Training;

namespace DistNet.Simulation.Tests;

/// <summary>This part: feeds the machine and carries out its effects, with a numeric side that takes its time and may die at it.</summary>
internal sealed partial class SimCoordinator
{
    private readonly List<ShardNode> accepted = [];
    private readonly List<ShardNode> completing = [];
    private readonly HashSet<GradientLease> taken = [];
    private readonly Accusations accusations = new();
    private ShardResult? offered;
    private RunInput.ShardCompleted? offeredInput;
    private bool offeredWasAsked;
    private long answers;
    private long lastStep;
    private long numericUntilMs;
    private long heardUntilMs;
    private long heardVersion;
    private long standing;
    private bool writing;

    private void Feed(RunInput input)
    {
        if (!IsAlive || State.Stage == RunStage.Ended)
        {
            return;
        }

        (RunPhase Phase, long Step)? completes = State.Completing is { } phase ? (phase.Whole.Phase, phase.Whole.Step) : null;
        Transition transition = RunMachine.Step(State, input, World.NowMs);
        transition = World.Defects.Machine?.Invoke(transition, input) ?? transition;
        State = transition.State;
        foreach (RunEffect effect in transition.Effects)
        {
            Carry(effect);
        }

        if (World.Plan.FirstIsBroken && completes is { } completed && input is RunInput.StepCompleted or RunInput.ValidationCompleted)
        {
            accusations.Completed(completed);
        }
    }

    private void Carry(RunEffect effect)
    {
        switch (effect)
        {
            case RunEffect.SendShard send:
                World.Faults.Stood += send.Stands ? 1 : 0;
                if (!send.Stands && members.TryGetValue(send.Worker, out Member? to))
                {
                    long version = heardVersion + (send.Ahead ? 1 : 0);
                    World.Faults.SentAhead += send.Ahead ? 1 : 0;
                    World.Network.Send(this, to.Worker, () => to.Worker.Compute(this, to.Attendance, send.Fence, send.Work, version));
                }

                break;
            case RunEffect.WithdrawShard withdraw:
                if (members.TryGetValue(withdraw.Worker, out Member? holder))
                {
                    World.Network.Send(this, holder.Worker, () => holder.Worker.Withdraw(withdraw.Fence, withdraw.Slices));
                }

                break;
            case RunEffect.AcceptAnswer accept:
                Invariant.Holds(accept.Answer == answers);
                accusations.Counted(offeredInput!, Named(offeredInput!.Worker));
                World.Faults.AnsweredAhead += State.Completing is { } before && before.Whole.Step < offeredInput.Fence.Step ? 1 : 0;
                accepted.AddRange(offered!.Nodes);
                offered = null;
                MergeSome();
                break;
            case RunEffect.ReleaseAnswer:
                Release();
                break;
            case RunEffect.ReleaseAccepted:
                Return(accepted);
                break;
            case RunEffect.CompleteStep complete:
                standing = complete.OrdersStand ? heardVersion + 1 : standing;
                completing.AddRange(accepted);
                accepted.Clear();
                Numeric(() => Complete(complete.Step));
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
            case RunEffect.WriteCheckpoint checkpoint:
                writing = true;
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
            case RunEffect.VerifyFolder:
                After(World.Random.Between(0, 20), VerifyFolder);
                break;
            case RunEffect.EndSession ended:
                if (members.TryGetValue(ended.Worker, out Member? silent) && silent.Session == ended.Session)
                {
                    members.Remove(ended.Worker);
                    World.Network.Send(this, silent.Worker, () => silent.Worker.SessionEnded(silent.Attendance), mayBeLost: World.Plan.Beats);
                }

                break;
            case RunEffect.Warn warn:
                accusations.Told(warn.Sentence);
                break;
            default:
                break;
        }
    }

    /// <summary>The parameters as workers can read them.</summary>
    public ParameterHandle Parameters => run.Parameters;

    /// <summary>Whether orders stand with a version of them, or with a later one.</summary>
    public bool Stands(long version) => standing >= version;

    // One thing after the other, and each takes a while; the coordinator may be killed before it is done.
    private void Numeric(Func<RunInput> work)
    {
        numericUntilMs = Math.Max(World.NowMs, numericUntilMs) + World.Random.Between(0, 20);
        After(numericUntilMs - World.NowMs, () => Work(work));
    }

    private void Work(Func<RunInput> work)
    {
        if (World.Faulty && World.Random.Chance(World.Plan.CoordinatorCrash))
        {
            Kill();
            return;
        }

        RunInput input;
        try
        {
            input = work();
        }
        catch (DistNetException failure)
        {
            input = new RunInput.NumericFailed(failure.Message, failure);
        }

        writing = false;
        // Workers can read the new parameters at once; the coordinator's actor hears of them when it comes to it.
        heardUntilMs = Math.Max(World.NowMs, heardUntilMs) + (World.Random.Chance(0.3) ? World.Random.Between(0, 50) : 0);
        long version = run.Parameters.Version;
        After(heardUntilMs - World.NowMs, () => Hear(input, version));
    }

    private void Hear(RunInput input, long version)
    {
        heardVersion = version;
        Feed(input);
        if (State.Stage == RunStage.Ended)
        {
            Ended(State.Outcome!);
        }
        else if (World.Faulty && World.Random.Chance(World.Plan.Stop))
        {
            World.Faults.StopRequests++;
            Feed(new RunInput.StopRequested(StopSignal.Terminate));
        }
    }

    private void VerifyFolder()
    {
        try
        {
            run.VerifyFolder();
        }
        catch (DistNetException failure)
        {
            Feed(new RunInput.NumericFailed(failure.Message, failure));
        }
    }

    private RunInput.StepCompleted Complete(long step)
    {
        StepReport report = run.CompleteStep(step, CollectionsMarshal.AsSpan(completing));
        if (report.Finite)
        {
            World.Oracle.Applied(this, State.Definition.Term, step, lastStep);
            lastStep = step;
        }

        Return(completing);
        return new RunInput.StepCompleted(report);
    }

    private void Ended(RunOutcome outcome)
    {
        if (outcome.Kind == RunOutcomeKind.Failed && outcome.Cause is not DistNetException)
        {
            // One worker alone that fails for ever is the only reason to give up in these histories.
            Invariant.Holds(World.Plan.FirstFails && outcome.Sentence.Contains("gives up", StringComparison.Ordinal));
            World.Faults.GivenUp++;
        }

        Exit();
    }

    private void Write(ExactCheckpoint checkpoint)
    {
        Verify();
        World.Disk.Write(checkpoint);
        Oracle.Wrote(State.Definition.Term, World.Disk.Read());
    }

    private void WriteEnd(RunOutcome outcome)
    {
        if (outcome.Kind == RunOutcomeKind.Finished)
        {
            Verify();
            Oracle.Wrote(State.Definition.Term, World.Disk.Read());
            World.Disk.WriteModel();
            World.Result = run.Digest;
        }
    }

    private void Verify()
    {
        if (World.Defects.IgnoresTerm)
        {
            return;
        }

        try
        {
            journal.Verify();
        }
        catch (DistNetException)
        {
            World.Faults.TakenOver++;
            throw;
        }
    }

    private void Release()
    {
        if (World.Plan.FirstIsBroken && offeredWasAsked)
        {
            accusations.Dropped(offeredInput!, Named(offeredInput!.Worker));
        }

        foreach (ShardNode node in offered!.Nodes)
        {
            node.Gradient?.Return();
        }

        offered = null;
    }

    private string Named(WorkerId worker) => $"{worker} ({World.Workers.First(there => there.Id == worker).Host})";

    // The gradients of fast workers are summed while slow ones still compute.
    private void MergeSome()
    {
        // Not where the answer was the last: its step is being completed.
        if (State.Phase?.Whole is not { Phase: RunPhase.Training } whole || whole.Step != offeredInput!.Fence.Step)
        {
            return;
        }

        int sliceCount = whole.SliceCount;
        for (int i = accepted.Count - 1; i >= 0; i--)
        {
            if (CanonicalSum.TrySibling(accepted[i].Node, sliceCount, out SumNode sibling, out SumNode parent)
                && accepted.FindIndex(node => node.Node == sibling) is >= 0 and int other && World.Random.Chance(0.5))
            {
                (ShardNode left, ShardNode right) = accepted[i].Node.First < sibling.First ? (accepted[i], accepted[other]) : (accepted[other], accepted[i]);
                if (left.Gradient is null || right.Gradient is null)
                {
                    return;
                }

                World.Faults.Merged++;
                run.Merge(left, right);
                right.Gradient.Return();
                accepted[i] = new ShardNode(CanonicalSum.Reduce(parent, sliceCount), left.Metrics + right.Metrics, left.Gradient);
                accepted.RemoveAt(other);
                return;
            }
        }
    }

    private RunInput Returned(RunInput input)
    {
        Return(accepted);
        return input;
    }

    private static void Return(List<ShardNode> nodes)
    {
        foreach (ShardNode node in nodes)
        {
            node.Gradient?.Return();
        }

        nodes.Clear();
    }
}
