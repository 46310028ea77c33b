using System.Text.Json;
using static DistNet.Faults.Poll;
using static DistNet.Faults.Workshop;

namespace DistNet.Faults;

/// <summary>One fault again and again, on a run of two thousand steps; each must come to the bits of the undisturbed run.</summary>
/// <param name="workshop">The job.</param>
/// <param name="digest">What every run must come to.</param>
/// <param name="random">Who is hit, and when.</param>
internal sealed class Scenarios(Workshop workshop, string digest, Random random)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>Workers are killed one after another while new ones join; two of four are never hit.</summary>
    public void KillWorkers()
    {
        using Cluster cluster = new(workshop, "kill-workers");
        cluster.StartCoordinator("--min-workers", "4");
        Child[] survivors = [cluster.StartWorker(), cluster.StartWorker()];
        cluster.StartWorker();
        cluster.StartWorker();
        List<double> noticed = [];
        while (cluster.Coordinator.IsRunning)
        {
            cluster.Workers.ForEach(worker => cluster.UntilJoined(worker));
            Pause(random.Next(50, 400), () => !cluster.Coordinator.IsRunning);
            Child victim = cluster.Workers[random.Next(survivors.Length, cluster.Workers.Count)];
            if (!cluster.Coordinator.IsRunning || !victim.IsRunning)
            {
                break;
            }

            DateTimeOffset since = DateTimeOffset.UtcNow;
            cluster.Kill(victim);
            if (cluster.Noticed(victim, since, "worker-left") is { } milliseconds)
            {
                noticed.Add(milliseconds);
                cluster.StartWorker();
            }
        }

        Finish(cluster, "kill-workers", noticed.Count, atLeast: 8);
        foreach (Child survivor in survivors)
        {
            Require(survivor.Output.Contains("in 1 session.", StringComparison.Ordinal), $"{survivor.Name} was never hit and yet has had another session.\n{survivor.Tail()}");
        }

        CheckSamples("kill-workers");
        Say($"kill-workers: {noticed.Count} workers killed; from the kill to the re-dispatch p50 {Percentile(noticed, 0.5):F0} ms, p95 {Percentile(noticed, 0.95):F0} ms, at most {noticed.Max():F0} ms");
    }

    /// <summary>Workers are stopped, some shortly, some until their session is over, and go on.</summary>
    public void FreezeWorkers()
    {
        using Cluster cluster = new(workshop, "freeze-workers");
        cluster.StartCoordinator("--min-workers", "3");
        for (int i = 0; i < 3; i++)
        {
            cluster.StartWorker();
        }

        cluster.Workers.ForEach(worker => cluster.UntilJoined(worker));
        List<double> noticed = [];
        int again = 0;
        for (int round = 0; cluster.Coordinator.IsRunning; round++)
        {
            Pause(random.Next(50, 300), () => !cluster.Coordinator.IsRunning);
            Child victim = cluster.Workers[random.Next(cluster.Workers.Count)];
            if (!cluster.Coordinator.IsRunning || !victim.IsRunning)
            {
                break;
            }

            int joined = cluster.Joined(victim);
            DateTimeOffset since = DateTimeOffset.UtcNow;
            victim.Stop();
            try
            {
                if (cluster.Noticed(victim, since, "warning", "worker-left") is { } milliseconds)
                {
                    noticed.Add(milliseconds);
                    if (round % 2 == 0)
                    {
                        _ = cluster.Noticed(victim, since, "worker-left");
                    }
                }
            }
            finally
            {
                victim.Continue();
            }

            if (round % 2 == 0 && cluster.Coordinator.IsRunning)
            {
                cluster.UntilJoined(victim, joined + 1);
                again++;
            }
        }

        Finish(cluster, "freeze-workers", noticed.Count, atLeast: 2);
        CheckSamples("freeze-workers");
        Say($"freeze-workers: {noticed.Count} workers stopped, {again} of them until they were given up, which then came back by themselves; from the stop to the re-dispatch p50 {Percentile(noticed, 0.5):F0} ms, at most {noticed.Max():F0} ms");
    }

    /// <summary>The coordinator of <c>train --processes</c> is killed ten times.</summary>
    public void KillCoordinator()
    {
        const int Times = 10;
        const string Run = "kill-coordinator";
        using Child train = Child.Start("train", "train", workshop.Job, "--processes", "2", "--threads", "1", "--out", workshop.Run(Run), "--json");
        long Step() => train.Events.LastOrDefault(told => Cluster.Kind(told) == "epoch") is { ValueKind: JsonValueKind.Object } epoch ? epoch.GetProperty("step").GetInt64() : 0;
        long Checkpointed() => train.Events.LastOrDefault(told => Cluster.Kind(told) == "checkpoint") is { ValueKind: JsonValueKind.Object } written ? written.GetProperty("step").GetInt64() : 0;
        List<double> recovery = [];
        List<double> recomputed = [];
        Until(() => Step() > 0 || !train.IsRunning, () => $"no epoch.\n{train.Tail()}");
        while (recovery.Count < Times && train.IsRunning)
        {
            long reached = Step() + random.Next(1, 60);
            Until(() => Step() >= reached || !train.IsRunning, () => $"no progress after {recovery.Count} kills.\n{train.Tail()}");
            int coordinator = Vitals.Processes(workshop.Run(Run), " coordinator ").SingleOrDefault();
            if (coordinator == 0)
            {
                break;
            }

            long before = Step();
            long kept = Checkpointed();
            long start = TimeProvider.System.GetTimestamp();
            Child.Signal(coordinator, 9);
            Until(() => Step() > before || !train.IsRunning, () => $"the run does not go on after kill {recovery.Count + 1} at step {before}.\n{train.Tail()}");
            recovery.Add(TimeProvider.System.GetElapsedTime(start).TotalSeconds);
            recomputed.Add(before - kept);
        }

        Require(train.Exit(Patience) == 0, $"the training ended with {train.ExitCode}.\n{train.Tail()}");
        Require(recovery.Count == Times, $"the coordinator was killed {recovery.Count} times, not {Times}.\n{train.Tail()}");
        CheckResult(Run);
        workshop.CheckMetrics(Run, workshop.Epochs);
        workshop.CheckNothingIsLeft(Run);
        Say($"kill-coordinator: {Times} kills; from the kill to a step beyond those before it p50 {Percentile(recovery, 0.5):F2} s, at most {recovery.Max():F2} s; steps computed again p50 {Percentile(recomputed, 0.5):F0}, at most {recomputed.Max():F0}; each epoch once in the metrics");
    }

    /// <summary>Four of five workers die at once, then the last; later two new ones come.</summary>
    public void DownToZero()
    {
        using Cluster cluster = new(workshop, "down-to-zero");
        cluster.StartCoordinator("--min-workers", "5");
        for (int i = 0; i < 5; i++)
        {
            cluster.StartWorker();
        }

        cluster.Workers.ForEach(worker => cluster.UntilJoined(worker));
        Until(() => cluster.Step() >= 50, () => $"no progress.\n{cluster.Coordinator.Tail()}");
        foreach (Child victim in cluster.Workers.Skip(1).ToArray())
        {
            Child.Signal(victim.Id, 9);
        }

        foreach (Child victim in cluster.Workers.Skip(1).ToArray())
        {
            cluster.Kill(victim);
        }

        long step = cluster.Step();
        Child last = cluster.Workers[0];
        Until(() => cluster.Step() >= step + 50, () => $"the run does not go on with one of five workers.\n{cluster.Coordinator.Tail()}\n{last.Tail()}");
        DateTimeOffset since = DateTimeOffset.UtcNow;
        cluster.Kill(last);
        _ = cluster.Noticed(last, since, "worker-left");
        // Longer than any failure detector and downing of the cluster needs to act: the coordinator, alone, waits all the while.
        Pause(30_000, () => !cluster.Coordinator.IsRunning);
        Require(cluster.Coordinator.IsRunning, $"the coordinator does not wait for workers.\n{cluster.Coordinator.Tail()}");
        step = cluster.Step();
        cluster.StartWorker();
        cluster.StartWorker();
        Until(() => cluster.Step() > step, () => $"the run does not go on with new workers.\n{cluster.Coordinator.Tail()}");
        Finish(cluster, "down-to-zero", 5, atLeast: 5);
        CheckSamples("down-to-zero");
        Say($"down-to-zero: four of five workers died at once and the run went on, then the last; the coordinator waited 30 s alone, and two new ones finished the run");
    }

    public static double Percentile(List<double> values, double share) => values.Order().ElementAt((int)Math.Min(values.Count - 1, Math.Floor(share * values.Count)));

    public static void Require(bool holds, string sentence)
    {
        if (!holds)
        {
            throw new FaultException(sentence);
        }
    }

    private void Finish(Cluster cluster, string run, int faults, int atLeast)
    {
        cluster.UntilDone(Patience);
        Require(faults >= atLeast, $"{run}: the run was over after {faults} faults, too few to say anything; expected {atLeast} or more.");
        CheckResult(run);
        workshop.CheckMetrics(run, workshop.Epochs);
        workshop.CheckNothingIsLeft(run);
    }

    private void CheckResult(string run) =>
        Require(workshop.Digest(run) == digest, $"{run}: the state digest is {workshop.Digest(run)}, that of the undisturbed run {digest}.");

    // Whoever computed them: each sample counted once an epoch.
    private void CheckSamples(string run)
    {
        long samples = workshop.Result(run, "worker_samples").EnumerateObject().Sum(worker => worker.Value.GetInt64());
        long expected = (long)workshop.Epochs * TrainSamples;
        Require(samples == expected, $"{run}: {samples} samples counted, expected {expected}.");
    }
}
