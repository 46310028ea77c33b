namespace DistNet.Runs;

/// <summary>This part: which answers count.</summary>
internal sealed partial class RunTurn
{
    private void TakeAnswer(RunInput.ShardCompleted answer)
    {
        int index = Answered(answer.Fence, answer.Worker, answer.Slices);
        if (index < 0)
        {
            Emit(new RunEffect.ReleaseAnswer(answer.Answer));
            return;
        }

        WorkerState worker = state.Workers[index];
        Assignment work = worker.Work!;
        double speed = work.Phase == RunPhase.Training ? Measured(worker.Speed, answer.Slices.Count, answer.Seconds) : worker.Speed;
        worker = worker with { Work = null, Speed = speed };
        if (!IsCurrent(work))
        {
            Count(c => c with { Stale = c.Stale + 1 });
            Drop(answer, index, worker);
            return;
        }

        PhaseState phase = state.Phase!;
        foreach (AcceptedAnswer accepted in phase.Accepted)
        {
            if (accepted.Slices.Overlaps(answer.Slices))
            {
                Count(c => c with { Second = c.Second + 1 });
                Drop(answer, index, worker);
                return;
            }
        }

        Emit(new RunEffect.AcceptAnswer(answer.Answer));
        SetWorker(index, worker with { Failures = 0, Told = StallReason.None });
        phase = phase with
        {
            Accepted = phase.Accepted.Add(new AcceptedAnswer(answer.Slices, worker.Id, worker.Host, answer.Finding, answer.Nodes)),
            FailuresInRow = [],
        };
        state = state with { Phase = phase };
        Supersede(answer.Slices);
        if (!TryCompletePhase())
        {
            Dispatch();
        }
    }

    // An answer that came too late to count: it still shows whether two machines agree.
    private void Drop(RunInput.ShardCompleted answer, int index, WorkerState worker)
    {
        Emit(new RunEffect.ReleaseAnswer(answer.Answer));
        SetWorker(index, worker);
        Compare(worker, answer);
        Dispatch();
    }

    // The worker that has the shard which is answered, or −1: then the answer is counted and must be dropped.
    private int Answered(Fence fence, WorkerId id, SliceRange slices)
    {
        if (fence.Run != state.Definition.Run || fence.Term != state.Definition.Term)
        {
            Count(c => c with { Foreign = c.Foreign + 1 });
            return -1;
        }

        int index = IndexOf(id);
        if (index < 0 || state.Workers[index].Session != fence.Session)
        {
            Count(c => c with { EndedSession = c.EndedSession + 1 });
            return -1;
        }

        Assignment? work = state.Workers[index].Work;
        if (work is null || work.Phase != fence.Phase || work.Step != fence.Step || work.Slices != slices)
        {
            Count(c => c with { Unasked = c.Unasked + 1 });
            return -1;
        }

        return index;
    }

    // Whoever else computes some of these slices can no longer have its answer accepted: what it holds besides is free again.
    private void Supersede(SliceRange slices)
    {
        for (int i = 0; i < state.Workers.Length; i++)
        {
            WorkerState worker = state.Workers[i];
            if (worker.Work is { } work && IsCurrent(work) && work.Slices.Overlaps(slices))
            {
                Withdraw(worker, work);
                SetWorker(i, worker with { Work = work with { Late = true } });
            }
        }
    }

    private void Withdraw(WorkerState worker, Assignment work) => Emit(new RunEffect.WithdrawShard(worker.Id, FenceOf(worker, work), work.Slices));

    private static double Measured(double speed, int slices, double seconds)
    {
        if (!(seconds > 0))
        {
            return speed;
        }

        double measured = slices / seconds;
        return speed == 0 ? measured : speed + (RunLimits.SpeedSmoothing * (measured - speed));
    }
}
