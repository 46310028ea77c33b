using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>This part: who is present, and who gets which slices.</summary>
internal sealed partial class RunTurn
{
    private void Join(RunInput.WorkerJoined joined)
    {
        int present = IndexOf(joined.Worker);
        if (present >= 0)
        {
            Leave(joined.Worker, state.Workers[present].Session, "it registered again");
        }

        if (state.Workers.Length >= RunLimits.Workers)
        {
            Emit(new RunEffect.EndSession(joined.Worker, joined.Session, $"The run has {RunLimits.Workers} workers, the most it can take."));
            return;
        }

        int failures = 0;
        for (int i = 0; i < state.Departed.Length; i++)
        {
            if (state.Departed[i].Worker == joined.Worker)
            {
                failures = state.Departed[i].Failures;
                state = state with { Departed = state.Departed.RemoveAt(i) };
                break;
            }
        }

        Count(c => c with { Joined = c.Joined + 1 });
        var worker = new WorkerState { Id = joined.Worker, Session = joined.Session, Threads = Math.Max(1, joined.Threads), Failures = failures };
        state = state with { Workers = state.Workers.Add(Aside(worker)) };
        string sentence = $"Worker {joined.Worker} joined.";
        Because($"worker {joined.Worker} joined as session {joined.Session}");
        Emit(new RunEffect.ReportWorkers(state.Workers.Length, sentence));
        Dispatch();
    }

    private void Leave(WorkerId id, long session, string why)
    {
        int index = IndexOf(id);
        if (index < 0 || state.Workers[index].Session != session)
        {
            return;
        }

        WorkerState worker = state.Workers[index];
        bool lostWork = worker.Work is not null;
        int failures = worker.Failures + (lostWork ? 1 : 0);
        state = state with { Workers = state.Workers.RemoveAt(index) };
        if (failures > 0)
        {
            ImmutableArray<(WorkerId, int)> departed = state.Departed.Add((id, failures));
            state = state with { Departed = departed.Length > RunLimits.RememberedFailures ? departed.RemoveAt(0) : departed };
        }

        Count(c => c with { Left = c.Left + 1, Lost = c.Lost + (lostWork ? 1 : 0) });
        bool ending = state.Stage is RunStage.Finishing or RunStage.Ended;
        string waits = state.Workers.IsEmpty && !ending ? " No worker is left: the run waits for one." : "";
        Because($"worker {id} left: {why}");
        Emit(new RunEffect.ReportWorkers(state.Workers.Length, $"Worker {id} left: {why}.{waits}"));
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

    private void NoticeLateness()
    {
        for (int i = state.Workers.Length - 1; i >= 0; i--)
        {
            WorkerState worker = state.Workers[i];
            if (worker.Work is not { } work || nowMs < work.DeadlineMs)
            {
                continue;
            }

            if (nowMs - work.SentMs >= RunLimits.SilentMultiple * (work.DeadlineMs - work.SentMs))
            {
                Count(c => c with { Silent = c.Silent + 1 });
                string sentence = $"Worker {worker.Id} has been silent for {nowMs - work.SentMs} ms with slices {work.Slices} of step {work.Step}.";
                Emit(new RunEffect.EndSession(worker.Id, worker.Session, sentence));
                Emit(new RunEffect.Warn(sentence));
                Leave(worker.Id, worker.Session, "it was silent too long");
            }
            else if (!work.Late && IsCurrent(work))
            {
                Count(c => c with { Late = c.Late + 1 });
                SetWorker(i, worker with { Work = work with { Late = true } });
                string sentence = $"Worker {worker.Id} is late with slices {work.Slices} of step {work.Step} ({nowMs - work.SentMs} ms); they are computed a second time, and the first answer counts.";
                Because(sentence);
                Emit(new RunEffect.Warn(sentence));
            }
        }
    }

    // Gives what is missing to the workers without work. Called after every change of either.
    private void Dispatch(bool begins = false)
    {
        if (state.Stage != RunStage.Computing)
        {
            return;
        }

        ImmutableArray<SliceRange> missing = Missing();
        if (missing.IsEmpty)
        {
            return;
        }

        double perThread = SpeedPerThread();
        var available = new List<int>(state.Workers.Length);
        var speeds = new List<double>(state.Workers.Length);
        for (int i = 0; i < state.Workers.Length; i++)
        {
            if (state.Workers[i].IsAvailable(nowMs))
            {
                available.Add(i);
                speeds.Add(SpeedOf(state.Workers[i], perThread));
            }
        }

        if (available.Count == 0)
        {
            AbandonIfStopped();
            return;
        }

        ImmutableArray<ShardPlanner.Part> parts =
            ShardPlanner.Plan(missing.AsSpan(), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(speeds), state.Phase!.Whole.SliceCount);
        ImmutableArray<WorkerState>.Builder workers = state.Workers.ToBuilder();
        foreach (ShardPlanner.Part part in parts)
        {
            int index = available[part.Worker];
            workers[index] = Give(workers[index], part.Slices);
            available[part.Worker] = -1;
        }

        if (begins && state.Phase.Whole.Phase == RunPhase.Training)
        {
            foreach (int index in available)
            {
                if (index >= 0 && workers[index].Speed > 0)
                {
                    double average = perThread * workers[index].Threads;
                    double forgotten = Math.Min(average, workers[index].Speed * (1 + RunLimits.SpeedForgetting));
                    workers[index] = workers[index] with { Speed = Math.Max(workers[index].Speed, forgotten) };
                }
            }
        }

        state = state with
        {
            Workers = workers.MoveToImmutable(),
            Counters = state.Counters with { Shards = state.Counters.Shards + parts.Length },
        };
    }

    private WorkerState Give(WorkerState worker, SliceRange slices)
    {
        ShardWork whole = state.Phase!.Whole;
        double slowness = whole.Phase == RunPhase.Diagnosis ? RunLimits.DiagnosisSlowness : 1;
        double allowedMs = worker.Speed > 0
            ? Math.Max(RunLimits.LateFloorMs, RunLimits.LateMultiple * slowness * 1000 * slices.Count / worker.Speed)
            : RunLimits.LateUnmeasuredMs;
        var work = new Assignment(whole.Phase, whole.Step, slices, nowMs, nowMs + (long)Math.Min(allowedMs, int.MaxValue));
        Emit(new RunEffect.SendShard(worker.Id, FenceOf(worker, work), whole with { Slices = slices }));
        return worker with { Work = work };
    }

    // The slices that are neither answered nor with a worker that is in time.
    private ImmutableArray<SliceRange> Missing()
    {
        PhaseState phase = state.Phase!;
        var taken = new List<SliceRange>(phase.Accepted.Length + state.Workers.Length);
        foreach (AcceptedAnswer answer in phase.Accepted)
        {
            taken.Add(answer.Slices);
        }

        foreach (WorkerState worker in state.Workers)
        {
            if (worker.Work is { Late: false } work && IsCurrent(work))
            {
                taken.Add(work.Slices);
            }
        }

        taken.Sort(static (a, b) => a.First.CompareTo(b.First));
        ImmutableArray<SliceRange>.Builder missing = ImmutableArray.CreateBuilder<SliceRange>();
        int next = 0;
        foreach (SliceRange range in taken)
        {
            if (range.First > next)
            {
                missing.Add(new SliceRange(next, range.First - next));
            }

            Invariant.Holds(range.First >= next);
            next = range.End;
        }

        if (next < phase.Whole.SliceCount)
        {
            missing.Add(new SliceRange(next, phase.Whole.SliceCount - next));
        }

        return missing.DrainToImmutable();
    }

    private double SpeedPerThread()
    {
        double speed = 0;
        long threads = 0;
        foreach (WorkerState worker in state.Workers)
        {
            if (worker.Speed > 0)
            {
                speed += worker.Speed;
                threads += worker.Threads;
            }
        }

        return threads == 0 ? 1 : speed / threads;
    }

    private static double SpeedOf(WorkerState worker, double perThread) => worker.Speed > 0 ? worker.Speed : perThread * worker.Threads;
}
