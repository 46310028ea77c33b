using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>This part: shards that fail. One worker that fails is set aside, longer each time; when several do, it is the job.</summary>
internal sealed partial class RunTurn
{
    private void TakeFailure(RunInput.ShardFailed failure)
    {
        int index = Answered(failure.Fence, failure.Worker, failure.Slices);
        if (index < 0)
        {
            return;
        }

        WorkerState worker = state.Workers[index];
        bool current = IsCurrent(worker.Work!);
        worker = worker with { Work = null, Standing = null };
        SetWorker(index, worker);
        if (failure.Kind != ShardFailureKind.Failed)
        {
            Count(c => c with { GivenBack = c.GivenBack + 1 });
            Dispatch();
            return;
        }

        Count(c => c with { Failed = c.Failed + 1 });
        string what = $"Worker {Named(worker)} failed at slices {failure.Slices} of step {failure.Fence.Step} ({failure.Fence.Phase}): {failure.Reason}";
        Because(what);
        SetWorker(index, Aside(worker with { Failures = worker.Failures + 1 }));
        if (current)
        {
            ImmutableArray<WorkerId> inRow = state.Phase!.FailuresInRow.Add(worker.Id);
            inRow = inRow.Length > RunLimits.RememberedFailuresInRow ? inRow.RemoveAt(0) : inRow;
            state = state with { Phase = state.Phase with { FailuresInRow = inRow } };
            if (IsHopeless(inRow))
            {
                Fail($"{inRow.Length} shards failed in a row, so the run gives up at step {failure.Fence.Step}. The last: {what}", null);
                return;
            }
        }

        Emit(new RunEffect.Warn($"{what}. Its slices are computed again."));
        Dispatch();
    }

    // Whether it is the job that fails: one broken worker among others proves nothing of it.
    private bool IsHopeless(ImmutableArray<WorkerId> inRow)
    {
        if (inRow.Length < RunLimits.FailuresBeforeGivingUp)
        {
            return false;
        }

        int most = 0;
        foreach (WorkerId worker in inRow)
        {
            most = Math.Max(most, inRow.Count(other => other == worker));
        }

        bool onlyOne = state.Workers.Length == 1 && inRow.Count(id => id == state.Workers[0].Id) >= RunLimits.FailuresBeforeGivingUp;
        return onlyOne || inRow.Length - most >= RunLimits.FailuresOfOthers;
    }

    // A worker that failed several times in a row gets no work for a while, longer each time.
    private WorkerState Aside(WorkerState worker)
    {
        int beyond = worker.Failures - RunLimits.FailuresBeforeAside;
        if (beyond < 0)
        {
            return worker;
        }

        long pause = Math.Min(RunLimits.FirstAsideMs << Math.Min(beyond, 20), RunLimits.LongestAsideMs);
        Count(c => c with { SetAside = c.SetAside + 1 });
        Because($"worker {worker.Id} is set aside for {pause} ms after {worker.Failures} failures in a row");
        Emit(new RunEffect.SetAside(worker.Id, nowMs + pause));
        return worker with { AsideUntilMs = nowMs + pause };
    }
}
