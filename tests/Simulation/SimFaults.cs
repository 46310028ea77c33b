namespace DistNet.Simulation.Tests;

/// <summary>Injects the faults that hit processes, the network and the disk from outside, one after the other, until faults stop.</summary>
internal sealed class SimFaults(World world)
{
    private const int LongestMs = 20_000;

    public void Start()
    {
        if (world.Plan.FaultIntervalMs > 0)
        {
            world.At(world.Random.Next(world.Plan.FaultIntervalMs), Strike);
        }
    }

    private void Strike()
    {
        if (!world.Faulty)
        {
            return;
        }

        switch (world.Random.Next(8))
        {
            case 0 when world.Plan.Beats:
                world.Faults.Cuts++;
                world.Network.Cut(Some(), (CutDirection)world.Random.Next(3), Duration());
                break;
            case 1:
                foreach (SimWorker worker in Some().Cast<SimWorker>())
                {
                    worker.Pause(Duration());
                }

                break;
            case 2 when world.Plan.Beats && Coordinator() is { } stopped:
                world.Faults.CoordinatorsStopped++;
                stopped.Stop(Duration());
                break;
            case 3 when world.Plan.Beats:
                world.Faults.Rivals++;
                world.StartCoordinator();
                break;
            case 4:
                world.Faults.DiskFull++;
                world.Disk.FullUntilMs = world.NowMs + Duration();
                break;
            case 5:
                // Power fails: some workers and the coordinator at the same moment.
                world.Faults.KilledTogether++;
                foreach (SimWorker worker in Some().Cast<SimWorker>())
                {
                    worker.Kill();
                }

                Coordinator()?.Kill();
                break;
            case 6:
                foreach (SimWorker worker in Some().Cast<SimWorker>())
                {
                    worker.Slow(Duration());
                }

                break;
            default:
                Coordinator()?.Kill();
                break;
        }

        world.At(world.Random.Between(1, world.Plan.FaultIntervalMs), Strike);
    }

    private int Duration() => world.Random.Between(50, world.Random.Chance(0.5) ? 3_000 : LongestMs);

    private HashSet<SimProcess> Some()
    {
        var some = new HashSet<SimProcess>();
        foreach (SimWorker worker in world.Workers)
        {
            if (world.Random.Chance(0.5))
            {
                some.Add(worker);
            }
        }

        return some;
    }

    private SimCoordinator? Coordinator() => world.Coordinators.Count == 0 ? null : world.Coordinators[world.Random.Next(world.Coordinators.Count)];
}
