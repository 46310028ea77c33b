using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Runs;

/// <summary>One transition while it is being made: the state so far, and what it has decided. This part: the inputs.</summary>
internal sealed partial class RunTurn(RunState before, long nowMs)
{
    private readonly ImmutableArray<RunEffect>.Builder effects = ImmutableArray.CreateBuilder<RunEffect>();
    private RunState state = before;
    private string? reason;

    public Transition End() => new(state, effects.DrainToImmutable(), reason);

    public void Take(RunInput input)
    {
        // A failure of the numeric side ends the run, and may overtake what was asked for just before.
        bool isOver = state.Stage is RunStage.Finishing or RunStage.Ended;
        switch (input)
        {
            case RunInput.StepCompleted or RunInput.ValidationCompleted or RunInput.CheckpointWritten or RunInput.TrainingEnded when isOver:
                break;
            case RunInput.ShardCompleted completed:
                TakeAnswer(completed);
                break;
            case RunInput.StepCompleted completed:
                AfterStep(completed.Report);
                break;
            case RunInput.Tick:
                Look();
                break;
            case RunInput.ShardFailed failed:
                TakeFailure(failed);
                break;
            case RunInput.WorkerJoined joined:
                Join(joined);
                break;
            case RunInput.WorkerHeard heard:
                Hear(heard);
                break;
            case RunInput.WorkerLeft left:
                Leave(left.Worker, left.Session, left.Reason);
                Dispatch();
                break;
            case RunInput.ValidationCompleted completed:
                Expect(RunStage.Completing);
                state = state with { Training = completed.Report.State, Previous = state.Completing, Completing = null };
                AfterEpoch();
                break;
            case RunInput.CheckpointWritten written:
                Expect(RunStage.Checkpointing);
                Invariant.Holds(written.Report.Step == state.Training.Step);
                state = state with { CheckpointMs = nowMs, CheckpointStep = written.Report.Step };
                Next();
                break;
            case RunInput.TrainingEnded:
                Expect(RunStage.EndingTraining);
                Finish(state.Stop is null ? Finished() : Interrupted());
                break;
            case RunInput.RunFinished:
                Expect(RunStage.Finishing);
                state = state with { Stage = RunStage.Ended };
                break;
            case RunInput.NumericFailed failed:
                Fail(failed.Sentence, failed.Cause);
                break;
            case RunInput.StopRequested requested:
                RequestStop(requested.Signal);
                break;
            case RunInput.Begin:
                Expect(RunStage.Ready);
                state = state with { CheckpointMs = nowMs };
                Because(state.Training.Step == 0 ? "the run begins" : $"the run goes on at step {state.Training.Step}");
                Next();
                break;
            default:
                throw new ArgumentException($"Unknown input {input}.", nameof(input));
        }
    }

    private void Expect(RunStage stage) => Invariant.Holds(state.Stage == stage);

    private void Emit(RunEffect effect) => effects.Add(effect);

    private void Because(string why) => reason = reason is null ? why : $"{reason}; {why}";

    private void Count(Func<RunCounters, RunCounters> change) => state = state with { Counters = change(state.Counters) };

    private void SetWorker(int index, WorkerState worker) => state = state with { Workers = state.Workers.SetItem(index, worker) };

    private int IndexOf(WorkerId id)
    {
        for (int i = 0; i < state.Workers.Length; i++)
        {
            if (state.Workers[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    private bool IsCurrent(Assignment work) =>
        state.Stage == RunStage.Computing && state.Phase is { } phase && phase.Whole.Phase == work.Phase && phase.Whole.Step == work.Step;

    private Fence FenceOf(WorkerState worker, Assignment work) => new(state.Definition.Run, state.Definition.Term, work.Phase, work.Step, worker.Session);

    private static string Named(WorkerId id, string host) => host.Length == 0 ? id.Name : $"{id.Name} ({host})";

    private static string Named(WorkerState worker) => Named(worker.Id, worker.Host);

    private TrainingPlan Plan => state.Definition.Plan;
}
