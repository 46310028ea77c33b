using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Simulation.Tests;

/// <summary>What one history may suffer, drawn from its seed, and the run that suffers it. Probabilities are per message, per shard or per numeric work.</summary>
internal sealed record FaultPlan
{
    public required RunDefinition Definition { get; init; }

    public required HashSet<long> NonFiniteSteps { get; init; }

    public required int Workers { get; init; }

    /// <summary>Whether workers are processes of their own, with a liveness stream; otherwise all live in the coordinator's process.</summary>
    public required bool Beats { get; init; }

    /// <summary>Whether the orders of training steps stand.</summary>
    public required bool OrdersStand { get; init; }

    /// <summary>Faults stop at this time.</summary>
    public required long FaultsUntilMs { get; init; }

    /// <summary>Time between two of the faults that <see cref="SimFaults"/> injects, at most; 0 for none.</summary>
    public required int FaultIntervalMs { get; init; }

    public required double Drop { get; init; }

    public required double Duplicate { get; init; }

    public required double BeatLoss { get; init; }

    public required int LongestDelayMs { get; init; }

    /// <summary>The computation of a shard throws.</summary>
    public required double Fail { get; init; }

    /// <summary>On the first worker's machine every shard throws.</summary>
    public required bool FirstFails { get; init; }

    /// <summary>A worker is stopped for a while during a shard.</summary>
    public required double Pause { get; init; }

    /// <summary>A worker dies during a shard, and comes back later.</summary>
    public required double Crash { get; init; }

    /// <summary>A worker sends what it computed from overwritten parameters.</summary>
    public required double LieLate { get; init; }

    /// <summary>The first worker's machine is broken: some of its answers are wrong. Then no digest is expected, but that it is found.</summary>
    public required bool FirstIsBroken { get; init; }

    /// <summary>Something else answers with a fence that is not the current one.</summary>
    public required double WrongFence { get; init; }

    /// <summary>The coordinator dies while its numeric side works.</summary>
    public required double CoordinatorCrash { get; init; }

    /// <summary>The user stops the run while its numeric side works, and resumes it.</summary>
    public required double Stop { get; init; }

    /// <summary>The run folder's lock does not keep others out.</summary>
    public required bool LockFails { get; init; }

    public static FaultPlan Draw(SimRandom random)
    {
        int slice = random.Between(1, 8);
        int batch = random.Between(1, 80);
        int samples = random.Between(1, batch * 4);
        var plan = new TrainingPlan(samples, batch, slice, random.Between(1, 3));
        double calm = random.Chance(0.1) ? 0 : 1;
        bool broken = random.Chance(0.1);
        int workers = random.Between(1, 6);
        var bad = new HashSet<long>();
        while (!broken && random.Chance(0.25))
        {
            bad.Add(random.Next((int)plan.TotalSteps));
        }

        return new FaultPlan
        {
            Definition = new RunDefinition
            {
                Run = new RunId(Guid.Empty),
                Plan = plan,
                ValidationSamples = random.Chance(0.3) ? 0 : random.Between(1, 60),
                NonFinite = NonFinitePolicy.Skip,
                MinimumWorkers = random.Chance(0.7) ? 1 : random.Between(1, workers),
                Checkpoints = new CheckpointOptions
                {
                    EverySteps = random.Chance(0.5) ? random.Between(1, 4) : null,
                    EverySeconds = random.Chance(0.5) ? random.Between(1, 5) : null,
                },
            },
            NonFiniteSteps = bad,
            Workers = workers,
            Beats = random.Chance(0.8),
            FaultsUntilMs = random.Between(1_000, 40_000),
            FaultIntervalMs = (int)calm * (random.Chance(0.3) ? 0 : random.Between(500, 8_000)),
            Drop = calm * random.Next(10) / 100,
            Duplicate = random.Next(30) / 100.0,
            BeatLoss = calm * (random.Chance(0.6) ? 0 : random.Next(60) / 100.0),
            LongestDelayMs = random.Between(0, 200),
            Fail = calm * random.Next(10) / 100,
            FirstFails = calm > 0 && random.Chance(0.1),
            Pause = calm * random.Next(20) / 100,
            Crash = calm * random.Next(20) / 100,
            LieLate = random.Next(2),
            FirstIsBroken = broken,
            WrongFence = random.Next(20) / 100.0,
            CoordinatorCrash = calm * random.Next(8) / 100,
            Stop = calm * random.Next(3) / 100,
            LockFails = random.Chance(0.3),
            OrdersStand = random.Chance(0.7),
        };
    }
}
