using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Simulation.Tests;

/// <summary>What one history may suffer, drawn from its seed, and the run that suffers it.</summary>
internal sealed record FaultPlan
{
    public required RunDefinition Definition { get; init; }

    public required HashSet<long> NonFiniteSteps { get; init; }

    public required int Workers { get; init; }

    /// <summary>Faults stop at this time.</summary>
    public required long FaultsUntilMs { get; init; }

    public required double Drop { get; init; }

    public required double Duplicate { get; init; }

    public required int LongestDelayMs { get; init; }

    /// <summary>The computation of a shard throws.</summary>
    public required double Fail { get; init; }

    /// <summary>A worker is stopped for a while during a shard and goes on then.</summary>
    public required double Pause { get; init; }

    /// <summary>A worker dies during a shard, and comes back later.</summary>
    public required double Crash { get; init; }

    /// <summary>A worker sends what it computed from overwritten parameters.</summary>
    public required double LieLate { get; init; }

    /// <summary>Something else answers with a fence that is not the current one.</summary>
    public required double WrongFence { get; init; }

    /// <summary>The coordinator dies while its numeric side works, and comes back from its last checkpoint.</summary>
    public required double CoordinatorCrash { get; init; }

    /// <summary>The user stops the run while its numeric side works, and resumes it.</summary>
    public required double Stop { get; init; }

    public static FaultPlan Draw(SimRandom random)
    {
        int slice = random.Between(1, 8);
        int batch = random.Between(1, 80);
        int samples = random.Between(1, batch * 4);
        var plan = new TrainingPlan(samples, batch, slice, random.Between(1, 3));
        double calm = random.Chance(0.2) ? 0 : 1;
        var bad = new HashSet<long>();
        while (random.Chance(0.25))
        {
            bad.Add(random.Next((int)plan.TotalSteps));
        }

        return new FaultPlan
        {
            Definition = new RunDefinition
            {
                Run = new RunId(new Guid(random.Next(int.MaxValue), 0, 0, new byte[8])),
                Plan = plan,
                ValidationSamples = random.Chance(0.3) ? 0 : random.Between(1, 60),
                TestSamples = random.Chance(0.3) ? 0 : random.Between(1, 60),
                NonFinite = NonFinitePolicy.Skip,
                Checkpoints = new CheckpointOptions
                {
                    EverySteps = random.Chance(0.5) ? random.Between(1, 4) : null,
                    EverySeconds = random.Chance(0.5) ? random.Between(1, 5) : null,
                },
            },
            NonFiniteSteps = bad,
            Workers = random.Between(1, 6),
            FaultsUntilMs = random.Between(1_000, 60_000),
            Drop = calm * random.Next(10) / 100,
            Duplicate = random.Next(30) / 100.0,
            LongestDelayMs = random.Between(0, 200),
            Fail = calm * random.Next(10) / 100,
            Pause = calm * random.Next(20) / 100,
            Crash = calm * random.Next(20) / 100,
            LieLate = random.Next(2),
            WrongFence = random.Next(20) / 100.0,
            CoordinatorCrash = calm * random.Next(8) / 100,
            Stop = calm * random.Next(3) / 100,
        };
    }
}

/// <summary>How often each fault was injected.</summary>
internal sealed class FaultCounts
{
    public long Dropped, Duplicated, Failed, Paused, Crashed, LiedLate, WrongFences, CoordinatorCrashes, Stops;

    public void Add(FaultCounts other)
    {
        Dropped += other.Dropped;
        Duplicated += other.Duplicated;
        Failed += other.Failed;
        Paused += other.Paused;
        Crashed += other.Crashed;
        LiedLate += other.LiedLate;
        WrongFences += other.WrongFences;
        CoordinatorCrashes += other.CoordinatorCrashes;
        Stops += other.Stops;
    }
}
