using DistNet.Runs;

namespace DistNet.Simulation.Tests;

/// <summary>A worker's process: it attends, computes, can be slow, stop, die, fail, lie and come back. This part: its life and its sessions.</summary>
internal sealed partial class SimWorker : SimProcess
{
    private const int BeatMs = 250;
    private const long GivesUpAfterMs = 5_000;
    private readonly int index;
    private SimCoordinator? coordinator;
    private long attendance;
    private long session;
    private long heardMs;

    public SimWorker(World world, int index)
        : base(world)
    {
        this.index = index;
        Id = new WorkerId($"w{index + 1}");
        Host = $"host{(index / 2) + 1}";
        Threads = world.Random.Between(1, 4);
        millisecondsPerSlice = world.Random.Between(1, 50);
        copies = world.Random.Chance(0.5);
    }

    public WorkerId Id { get; }

    public string Host { get; }

    public int Threads { get; }

    public void Start()
    {
        if (!IsAlive)
        {
            Begin();
            busyUntilMs = World.NowMs;
            computing = null;
            LoseSession();
            if (World.Plan.Beats)
            {
                Beat();
            }
        }
    }

    public void Kill()
    {
        if (!IsAlive)
        {
            return;
        }

        World.Faults.WorkersKilled++;
        End();
        if (coordinator is { } known)
        {
            long of = attendance;
            if (World.Plan.Beats)
            {
                World.Network.Break(this, known, () => known.Notice(Id, of));
            }
            else if (World.Random.Chance(0.8))
            {
                World.Network.Send(this, known, () => known.Notice(Id, of), mayBeLost: false);
            }
        }

        World.At(World.Random.Between(0, 10_000), Start);
    }

    /// <summary>SIGSTOP and, later, SIGCONT.</summary>
    public void Pause(long ms)
    {
        World.Faults.WorkersStopped++;
        Stop(ms);
    }

    public void CoordinatorDied(SimCoordinator dead)
    {
        long of = attendance;
        if (!IsAlive || coordinator != dead)
        {
            return;
        }

        if (World.Plan.Beats)
        {
            World.Network.Break(dead, this, () => SessionEnded(of));
        }
        else
        {
            After(World.Random.Between(0, 500), () => SessionEnded(of));
        }
    }

    public void SessionEnded(long of)
    {
        if (of == attendance)
        {
            LoseSession();
        }
    }

    public void Welcome(SimCoordinator from, long of, long given)
    {
        if (from == coordinator && of == attendance)
        {
            session = given;
        }
    }

    public void Heard(SimCoordinator from, long of)
    {
        if (from == coordinator && of == attendance)
        {
            heardMs = World.NowMs;
        }
    }

    private void LoseSession()
    {
        attendance = 0;
        session = 0;
        coordinator = null;
        withdrawn.Clear();
        standing = null;
        After(World.Random.Between(0, 300), Attend);
    }

    // Whichever coordinator answers at the address: with two alive, it may be either.
    private void Attend()
    {
        if (attendance != 0)
        {
            return;
        }

        if (World.Coordinators.Count == 0)
        {
            After(500, Attend);
            return;
        }

        coordinator = World.Coordinators[World.Random.Next(World.Coordinators.Count)];
        attendance = World.NextAttendance();
        heardMs = World.NowMs;
        Register(attendance);
    }

    private void Register(long of)
    {
        if (of != attendance || session != 0)
        {
            return;
        }

        SimCoordinator to = coordinator!;
        if (!to.IsAlive)
        {
            LoseSession();
            return;
        }

        World.Network.Send(this, to, () => to.Register(this, of));
        After(500, () => Register(of));
    }

    private void Beat()
    {
        if (attendance != 0)
        {
            (SimCoordinator to, long of, WorkerActivity now) = (coordinator!, attendance, Activity());
            World.Network.Beat(this, to, () => to.Hear(Id, of, now));
            if (World.NowMs - heardMs > GivesUpAfterMs)
            {
                World.Faults.SessionsGivenUp++;
                LoseSession();
            }
        }

        After(BeatMs, Beat);
    }
}
