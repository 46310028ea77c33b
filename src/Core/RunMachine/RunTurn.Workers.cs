using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>This part: who is present.</summary>
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
        var worker = new WorkerState
        {
            Id = joined.Worker,
            Session = joined.Session,
            Host = joined.Host,
            Beats = joined.Beats,
            OrdersStand = joined.OrdersStand,
            HeardMs = nowMs,
            Threads = Math.Max(1, joined.Threads),
            Failures = failures,
        };
        state = state with { Workers = state.Workers.Add(Aside(worker)) };
        string sentence = $"Worker {Named(worker)} joined.";
        Because($"worker {Named(worker)} joined as session {joined.Session}");
        Emit(new RunEffect.ReportWorkers(worker.Id, state.Workers.Length, sentence));
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
        Because($"worker {Named(worker)} left: {why}");
        Emit(new RunEffect.ReportWorkers(worker.Id, state.Workers.Length, $"Worker {Named(worker)} left: {why}.{waits}"));
    }
}
