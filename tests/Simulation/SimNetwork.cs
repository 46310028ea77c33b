namespace DistNet.Simulation.Tests;

/// <summary>Which way a cut network loses what is sent.</summary>
internal enum CutDirection
{
    Both,
    ToCoordinators,
    ToWorkers,
}

/// <summary>The network between coordinators and workers: messages are delayed, overtake each other, are lost, come twice, and meet cuts that heal.</summary>
internal sealed class SimNetwork(World world)
{
    private readonly List<(HashSet<SimProcess> Workers, CutDirection Direction, long UntilMs)> cuts = [];

    /// <summary>Cuts some workers off for a while.</summary>
    public void Cut(HashSet<SimProcess> workers, CutDirection direction, long ms) => cuts.Add((workers, direction, world.NowMs + ms));

    /// <summary>Sends a message to this life of a process.</summary>
    public void Send(SimProcess from, SimProcess to, Action deliver, bool mayBeLost = true)
    {
        int life = to.Life;
        if (!mayBeLost)
        {
            world.At(Delay(), () => to.Do(life, deliver));
            return;
        }

        long healsMs = HealsMs(from, to);
        if (healsMs > world.NowMs)
        {
            // What a connection still carries arrives when the cut heals; the rest is lost.
            if (world.Random.Chance(0.5))
            {
                world.Faults.LostInCuts++;
                return;
            }

            world.Faults.HeldByCuts++;
        }
        else if (world.Faulty && world.Random.Chance(world.Plan.Drop))
        {
            world.Faults.Dropped++;
            return;
        }

        world.At(Math.Max(healsMs - world.NowMs, 0) + Delay(), () => to.Do(life, deliver));
        if (world.Faulty && world.Random.Chance(world.Plan.Duplicate))
        {
            world.Faults.Duplicated++;
            world.At(world.Random.Between(0, 20 * world.Plan.LongestDelayMs), () => to.Do(life, deliver));
        }
    }

    /// <summary>A beat: nobody repeats it, so it is lost more easily.</summary>
    public void Beat(SimProcess from, SimProcess to, Action deliver)
    {
        if (HealsMs(from, to) > world.NowMs)
        {
            world.Faults.LostInCuts++;
        }
        else if (world.Faulty && world.Random.Chance(world.Plan.BeatLoss))
        {
            world.Faults.BeatsLost++;
        }
        else
        {
            int life = to.Life;
            world.At(Delay(), () => to.Do(life, deliver));
        }
    }

    /// <summary>A connection broke, as the process at its other end died: the other end is told, unless a cut keeps it from that.</summary>
    public void Break(SimProcess dead, SimProcess other, Action tell)
    {
        if (HealsMs(dead, other) <= world.NowMs)
        {
            int life = other.Life;
            world.At(world.Random.Between(0, 50), () => other.Do(life, tell));
        }
    }

    private int Delay() => world.Random.Between(0, world.Plan.LongestDelayMs);

    private long HealsMs(SimProcess from, SimProcess to)
    {
        long until = 0;
        for (int i = cuts.Count - 1; i >= 0; i--)
        {
            (HashSet<SimProcess> workers, CutDirection direction, long untilMs) = cuts[i];
            if (untilMs <= world.NowMs)
            {
                cuts.RemoveAt(i);
            }
            else if ((direction != CutDirection.ToWorkers && workers.Contains(from)) || (direction != CutDirection.ToCoordinators && workers.Contains(to)))
            {
                until = Math.Max(until, untilMs);
            }
        }

        return until;
    }
}
