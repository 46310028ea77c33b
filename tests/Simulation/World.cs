using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>One history: the production machine and journal, simulated coordinators, workers, network, disk and clock, all from one seed.</summary>
internal sealed class World
{
    // After the last fault: what was broken then is noticed within the longest silence, and the rest of the run takes its time. Without beats a lost message costs
    // ten deadlines, once per worker at the worst.
    private const long LongestAfterFaultsMs = 300_000;
    private const long LongestWithoutBeatsMs = 10_000_000;

    private readonly PriorityQueue<Action, (long Ms, long Order)> events = new();
    private long order;
    private long attendances;
    private bool starting;

    public World(ulong seed, Defects? defects = null)
    {
        Random = new SimRandom(seed);
        Plan = FaultPlan.Draw(Random);
        Defects = defects ?? Defects.None;
        Network = new SimNetwork(this);
        Disk = new SimDisk(this);
        for (int i = 0; i < Plan.Workers; i++)
        {
            Workers.Add(new SimWorker(this, i));
        }
    }

    public SimRandom Random { get; }

    public FaultPlan Plan { get; }

    public Defects Defects { get; }

    public GradientPool Pool { get; } = new(ExactSum.Floats);

    public SimNetwork Network { get; }

    public SimDisk Disk { get; }

    public Oracle Oracle { get; } = new();

    public FaultCounts Faults { get; } = new();

    public List<SimWorker> Workers { get; } = [];

    /// <summary>The coordinators alive, the oldest first.</summary>
    public List<SimCoordinator> Coordinators { get; } = [];

    /// <summary>The counters of all terms.</summary>
    public List<RunCounters> Counters { get; } = [];

    public long NowMs { get; private set; }

    public bool Faulty => NowMs < Plan.FaultsUntilMs;

    /// <summary>The digest of the finished run, once a coordinator has written it.</summary>
    public ulong? Result { get; set; }

    public void At(long afterMs, Action action) => events.Enqueue(action, (NowMs + afterMs, order++));

    /// <summary>Runs to the end and returns the digest; throws where the history breaks a rule.</summary>
    public ulong Run()
    {
        StartCoordinator();
        foreach (SimWorker worker in Workers)
        {
            At(Random.Chance(0.5) ? 0 : Random.Between(0, 2_000), worker.Start);
        }

        new SimFaults(this).Start();
        while (Result is null)
        {
            if (!events.TryDequeue(out Action? action, out (long Ms, long Order) at) || at.Ms > Plan.FaultsUntilMs + (Plan.Beats ? LongestAfterFaultsMs : LongestWithoutBeatsMs))
            {
                throw new InvalidOperationException($"The run does not end: {string.Join("; ", Coordinators.Select(Describe))}.");
            }

            NowMs = at.Ms;
            action();
        }

        Counters.AddRange(Coordinators.Select(coordinator => coordinator.State.Counters));
        return Result.Value;
    }

    private string Describe(SimCoordinator coordinator)
    {
        RunStatus status = RunMachine.Describe(coordinator.State, NowMs);
        return $"term {status.Term}, {status.Stage} {status.Phase} at step {status.Step}, {status.SlicesDone} of {status.Slices} slices, {status.WorkersAwaited} awaited, {string.Join(", ", status.Workers)}";
    }

    public long NextAttendance() => ++attendances;

    public void StartCoordinator()
    {
        var coordinator = new SimCoordinator(this);
        Coordinators.Add(coordinator);
        coordinator.Start();
    }

    /// <summary>A coordinator is gone; where none is left, somebody starts another one on the same disk.</summary>
    public void Gone(SimCoordinator coordinator)
    {
        Coordinators.Remove(coordinator);
        if (coordinator.HasBegun)
        {
            Counters.Add(coordinator.State.Counters);
        }

        foreach (SimWorker worker in Workers)
        {
            worker.CoordinatorDied(coordinator);
        }

        if (Coordinators.Count == 0 && !starting && Result is null)
        {
            starting = true;
            At(Random.Between(0, 5_000), () =>
            {
                starting = false;
                if (Coordinators.Count == 0)
                {
                    StartCoordinator();
                }
            });
        }
    }
}
