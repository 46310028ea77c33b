using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>One history: the production machine, simulated workers, a simulated network and virtual time, all from one seed.</summary>
internal sealed class World
{
    /// <summary>Faults stop after a minute at most; whatever was broken then is noticed within the longest silence, once per worker at the worst.</summary>
    private const long LongestMs = 10_000_000;

    private readonly PriorityQueue<Action, (long Ms, long Order)> events = new();
    private readonly List<SimWorker> workers = [];
    private long order;

    public World(ulong seed, Func<Transition, RunInput, Transition>? defect = null)
    {
        Random = new SimRandom(seed);
        Plan = FaultPlan.Draw(Random);
        Pool = new GradientPool(ExactSum.Floats);
        Defect = defect;
        for (int i = 0; i < Plan.Workers; i++)
        {
            workers.Add(new SimWorker(this, new WorkerId($"w{i + 1}")));
        }
    }

    public SimRandom Random { get; }

    public FaultPlan Plan { get; }

    public GradientPool Pool { get; }

    public FaultCounts Faults { get; } = new();

    public Func<Transition, RunInput, Transition>? Defect { get; }

    public long NowMs { get; private set; }

    public bool Faulty => NowMs < Plan.FaultsUntilMs;

    /// <summary>The coordinator now; null while it is dead.</summary>
    public SimCoordinator? Coordinator { get; private set; }

    /// <summary>The counters of all terms.</summary>
    public List<RunCounters> Counters { get; } = [];

    /// <summary>Runs to the end and returns the digest; throws where the history breaks a rule.</summary>
    public ulong Run()
    {
        StartCoordinator(null, 1);
        foreach (SimWorker worker in workers)
        {
            At(Random.Chance(0.5) ? 0 : Random.Between(0, 2_000), worker.Start);
        }

        while (Coordinator is not { Outcome.Kind: RunOutcomeKind.Finished })
        {
            if (!events.TryDequeue(out Action? action, out (long Ms, long Order) at) || at.Ms > LongestMs)
            {
                throw new InvalidOperationException($"The run does not end: {Coordinator?.State.Stage} at step {Coordinator?.State.Training.Step}.");
            }

            NowMs = at.Ms;
            action();
        }

        Counters.Add(Coordinator.State.Counters);
        return Coordinator.Run.Digest;
    }

    public void At(long afterMs, Action action) => events.Enqueue(action, (NowMs + afterMs, order++));

    /// <summary>The network: messages are delayed, overtake each other, are lost and come twice.</summary>
    public void Send(Action deliver, bool mayBeLost = true)
    {
        if (mayBeLost && Faulty && Random.Chance(Plan.Drop))
        {
            Faults.Dropped++;
            return;
        }

        At(Random.Between(0, Plan.LongestDelayMs), deliver);
        if (mayBeLost && Faulty && Random.Chance(Plan.Duplicate))
        {
            Faults.Duplicated++;
            At(Random.Between(0, 20 * Plan.LongestDelayMs), deliver);
        }
    }

    /// <summary>The coordinator is gone; a new life goes on from its last checkpoint.</summary>
    public void ReplaceCoordinator()
    {
        SimCoordinator gone = Coordinator!;
        Counters.Add(gone.State.Counters);
        Coordinator = null;
        At(Random.Between(0, 5_000), () => StartCoordinator(gone.Run.Checkpoint, gone.Run.Definition.Term + 1));
    }

    private void StartCoordinator(ExactCheckpoint? from, int term)
    {
        var run = new ExactRun(Plan.Definition with { Term = term }, Plan.NonFiniteSteps, from);
        Coordinator = new SimCoordinator(this, run);
        Coordinator.Start();
        foreach (SimWorker worker in workers)
        {
            // Each notices by itself that it has another coordinator.
            At(Random.Between(0, 500), worker.LoseSession);
        }
    }
}
