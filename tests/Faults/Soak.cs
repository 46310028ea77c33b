using System.Net.Sockets;
using static DistNet.Faults.Poll;
using static DistNet.Faults.Workshop;

namespace DistNet.Faults;

/// <summary>Faults of every kind, densely, for as long as asked; then the run is stopped, finished undisturbed, and held against one that nothing disturbed.</summary>
/// <remarks>The coordinator is killed in the first third alone, so that its memory can be watched over the rest.</remarks>
internal sealed class Soak(Workshop workshop, Random random, double seconds)
{
    private const string Run = "soak";

    // Before that a process that was just started still fills its heap, and there is nothing yet to compare with.
    private const int StepsBeforeTheFirstLook = 40 * StepsPerEpoch;

    private readonly SortedDictionary<string, int> counts = new(StringComparer.Ordinal);

    public void Play()
    {
        using Cluster cluster = new(workshop, Run, giveUpAfter: 600);
        cluster.StartCoordinator();
        Child survivor = cluster.StartWorker();
        for (int i = 0; i < 3; i++)
        {
            cluster.StartWorker();
        }

        cluster.Workers.ForEach(worker => cluster.UntilJoined(worker));
        DateTimeOffset start = DateTimeOffset.UtcNow;
        (Vitals Coordinator, Vitals Worker)? first = null;
        while ((DateTimeOffset.UtcNow - start).TotalSeconds < seconds)
        {
            Scenarios.Require(cluster.Coordinator.IsRunning, $"the coordinator ended.\n{cluster.Coordinator.Tail()}");
            bool early = (DateTimeOffset.UtcNow - start).TotalSeconds < seconds / 3;
            if (!early && first is null)
            {
                UntilGone(cluster, StepsBeforeTheFirstLook);
                first = (Vitals.Of(cluster.Coordinator.Id), Vitals.Of(survivor.Id));
            }

            Fault(cluster, early);
            UntilGoing(cluster);
        }

        // Members that died are taken out of the cluster some seconds later, and with them the connections to them.
        bool Settled(Child child, Vitals before) => Vitals.Of(child.Id) is { } now && now.Files <= before.Files + 12 && now.Threads <= before.Threads + 6;
        Until(() => Settled(cluster.Coordinator, first!.Value.Coordinator), () => $"the coordinator's files or threads stay: {first!.Value.Coordinator} → {Vitals.Of(cluster.Coordinator.Id)}", 90);
        Until(() => Settled(survivor, first!.Value.Worker), () => $"the worker's files or threads stay: {first!.Value.Worker} → {Vitals.Of(survivor.Id)}", 90);
        UntilGoing(cluster);
        (Vitals Coordinator, Vitals Worker) last = (Vitals.Of(cluster.Coordinator.Id), Vitals.Of(survivor.Id));
        Say($"soak: coordinator {first!.Value.Coordinator} at the first look, {last.Coordinator} at the end");
        Say($"soak: worker {first.Value.Worker} at the first look, {last.Worker} at the end");
        Say($"soak: {string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"))}");
        Finish(cluster);
        CheckFlat("coordinator", first.Value.Coordinator, last.Coordinator);
        CheckFlat("worker", first.Value.Worker, last.Worker);
    }

    private void Fault(Cluster cluster, bool early)
    {
        Child victim = cluster.Workers[random.Next(1, cluster.Workers.Count)];
        switch (random.Next(early ? 7 : 5))
        {
            case 0 or 1:
                Count("worker killed");
                cluster.Kill(victim);
                cluster.StartWorker();
                break;
            case 2:
                Count("worker stopped for a while");
                victim.Stop();
                Pause(random.Next(200, 2_500));
                victim.Continue();
                break;
            case 3:
                Count("worker asked to leave");
                cluster.UntilJoined(victim);
                cluster.Workers.Remove(victim);
                victim.Terminate();
                Scenarios.Require(victim.Exit(TimeSpan.FromSeconds(30)) == 0, $"{victim.Name} left with {victim.ExitCode}.\n{victim.Tail()}");
                cluster.StartWorker();
                break;
            case 4:
                Count("strangers on both ports");
                Strangers(cluster.Port);
                Strangers(cluster.ControlPort);
                break;
            case 5:
                Count("coordinator killed");
                cluster.Coordinator.Kill();
                cluster.StartCoordinator("--resume");
                break;
            default:
                Count("coordinator and a worker killed");
                cluster.Coordinator.Kill();
                cluster.Kill(victim);
                cluster.StartCoordinator("--resume");
                cluster.StartWorker();
                break;
        }
    }

    private void Strangers(int port)
    {
        byte[] noise = new byte[512];
        for (int i = 0; i < 50; i++)
        {
            using TcpClient stranger = new();
            stranger.Connect("127.0.0.1", port);
            random.NextBytes(noise);
            try
            {
                stranger.GetStream().Write(noise);
            }
            catch (IOException)
            {
                // It hung up first.
            }
        }
    }

    private static void UntilGoing(Cluster cluster) => UntilGone(cluster, 1);

    private static void UntilGone(Cluster cluster, long steps)
    {
        long step = cluster.Step();
        Until(() => cluster.Step() >= step + steps || !cluster.Coordinator.IsRunning, () => $"the run does not go on for {steps} steps after step {step}.\n{cluster.Coordinator.Tail()}");
    }

    private void Finish(Cluster cluster)
    {
        cluster.Coordinator.Terminate();
        Scenarios.Require(cluster.Coordinator.Exit(TimeSpan.FromSeconds(60)) == 143, $"the coordinator ended with {cluster.Coordinator.ExitCode}.\n{cluster.Coordinator.Tail()}");
        foreach (Child worker in cluster.Workers)
        {
            // An interrupted run can go on: its workers wait for the next coordinator until they are asked to stop.
            Scenarios.Require(worker.IsRunning, $"{worker.Name} does not wait for the next coordinator.\n{worker.Tail()}");
            worker.Terminate();
            Scenarios.Require(worker.Exit(TimeSpan.FromSeconds(30)) == 0, $"{worker.Name} ended with {worker.ExitCode}.\n{worker.Tail()}");
        }

        long steps = workshop.Result(Run, "steps").GetInt64();
        int epochs = (int)((steps + StepsPerEpoch) / StepsPerEpoch);
        using Child rest = Child.Start("rest", ["train", workshop.Job, "--workers", "2", "--threads", "1", "--out", workshop.Run(Run), "--resume", "--quiet", .. EpochsOf(epochs)]);
        Scenarios.Require(rest.Exit(TimeSpan.FromMinutes(2)) == 0, $"the rest of the run failed.\n{rest.Tail()}");
        string digest = workshop.Undisturbed(epochs);
        Scenarios.Require(workshop.Digest(Run) == digest, $"soak: the state digest is {workshop.Digest(Run)}, that of the undisturbed run {digest}.");
        workshop.CheckMetrics(Run, epochs);
        workshop.CheckNothingIsLeft(Run);
        Say($"soak: {steps} steps in {seconds:F0} s of faults, the digest is that of the undisturbed run, no process and no file is left");
    }

    // Flat: what comes and goes with sessions and collections stays far below what a leak per fault would add over minutes.
    private static void CheckFlat(string who, Vitals first, Vitals last) =>
        Scenarios.Require(last.OwnMebibytes <= (first.OwnMebibytes * 1.15) + 16, $"the {who}'s memory grew: {first} → {last}");

    private void Count(string fault) => counts[fault] = counts.GetValueOrDefault(fault) + 1;
}
