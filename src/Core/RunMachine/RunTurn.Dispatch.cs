using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace DistNet.Runs;

/// <summary>This part: who gets which slices.</summary>
internal sealed partial class RunTurn
{
    // Gives what is missing to the workers without work. Called after every change of either. Whether the orders of the step before stand for what is given.
    private bool Dispatch(bool begins = false)
    {
        if (state.Stage != RunStage.Computing)
        {
            return false;
        }

        if (!state.Gathered && state.Workers.Length < state.Definition.MinimumWorkers)
        {
            AbandonIfStopped();
            return false;
        }

        state = state with { Gathered = true };
        ImmutableArray<SliceRange> missing = Missing();
        if (missing.IsEmpty)
        {
            return false;
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
            return false;
        }

        ImmutableArray<ShardPlanner.Part> parts =
            ShardPlanner.Plan(missing.AsSpan(), CollectionsMarshal.AsSpan(speeds), state.Phase!.Whole.SliceCount);
        bool stand = begins && DoOrdersStand(parts, available);
        ImmutableArray<WorkerState>.Builder workers = state.Workers.ToBuilder();
        foreach (ShardPlanner.Part part in parts)
        {
            int index = available[part.Worker];
            workers[index] = Give(workers[index], part.Slices, stand);
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
        return stand;
    }

    // Whether everybody who has an order of the step under completion, and nobody else, gets the same slices again.
    private bool DoOrdersStand(ImmutableArray<ShardPlanner.Part> parts, List<int> available)
    {
        if (state.Completing?.Whole is not { } before || before.SampleCount != state.Phase!.Whole.SampleCount)
        {
            return false;
        }

        foreach (ShardPlanner.Part part in parts)
        {
            if (state.Workers[available[part.Worker]].Standing is not { } order || order.Step != before.Step || order.Slices != part.Slices)
            {
                return false;
            }
        }

        int orders = 0;
        foreach (WorkerState worker in state.Workers)
        {
            orders += worker.Standing?.Step == before.Step ? 1 : 0;
        }

        return orders == parts.Length;
    }

    private WorkerState Give(WorkerState worker, SliceRange slices, bool stands)
    {
        ShardWork whole = state.Phase!.Whole;
        double slowness = whole.Phase == RunPhase.Diagnosis ? RunLimits.DiagnosisSlowness : 1;
        double allowedMs = worker.Speed > 0
            ? Math.Max(RunLimits.LateFloorMs, RunLimits.LateMultiple * slowness * 1000 * slices.Count / worker.Speed)
            : RunLimits.LateUnmeasuredMs;
        var work = new Assignment(whole.Phase, whole.Step, slices, nowMs, nowMs + (long)Math.Min(allowedMs, int.MaxValue));
        Emit(new RunEffect.SendShard(worker.Id, FenceOf(worker, work), whole with { Slices = slices }, Ahead: state.Completing is not null, stands));
        return worker with { Work = work, Standing = worker.OrdersStand && whole.Phase == RunPhase.Training ? work : null, IdleSinceMs = -1 };
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
            AddCut(missing, next, range.First);

            Invariant.Holds(range.First >= next);
            next = range.End;
        }

        AddCut(missing, next, phase.Whole.SliceCount);
        return missing.DrainToImmutable();
    }

    // Adds what is missing from first to end, cut where the shards of late workers begin and end: computed a second time in the same cut, the two answers name the
    // same nodes and can be compared.
    private void AddCut(ImmutableArray<SliceRange>.Builder missing, int first, int end)
    {
        while (first < end)
        {
            int cut = end;
            foreach (WorkerState worker in state.Workers)
            {
                if (worker.Work is { Late: true } work && IsCurrent(work))
                {
                    cut = work.Slices.First > first ? Math.Min(cut, work.Slices.First) : cut;
                    cut = work.Slices.End > first ? Math.Min(cut, work.Slices.End) : cut;
                }
            }

            missing.Add(new SliceRange(first, cut - first));
            first = cut;
        }
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
