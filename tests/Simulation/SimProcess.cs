namespace DistNet.Simulation.Tests;

/// <summary>A process of the simulated world: it can be killed, started anew, stopped and continued. What is meant for an earlier life never happens;
/// what is meant for a stopped one happens when it goes on.</summary>
internal abstract class SimProcess(World world)
{
    private readonly List<Action> held = [];

    public World World => world;

    public bool IsAlive { get; private set; }

    public bool IsStopped { get; private set; }

    public int Life { get; private set; }

    /// <summary>Does something in this life, after a time.</summary>
    public void After(long ms, Action action)
    {
        int life = Life;
        world.At(ms, () => Do(life, action));
    }

    /// <summary>Does something in a given life.</summary>
    public void Do(int life, Action action)
    {
        if (!IsAlive || life != Life)
        {
            return;
        }

        if (IsStopped)
        {
            held.Add(action);
        }
        else
        {
            action();
        }
    }

    /// <summary>SIGSTOP, and SIGCONT after a time.</summary>
    public void Stop(long ms)
    {
        if (IsAlive && !IsStopped)
        {
            IsStopped = true;
            int life = Life;
            world.At(ms, () => Continue(life));
        }
    }

    protected void Begin()
    {
        Life++;
        IsAlive = true;
        IsStopped = false;
        held.Clear();
    }

    protected void End()
    {
        IsAlive = false;
        held.Clear();
    }

    private void Continue(int life)
    {
        if (!IsAlive || life != Life)
        {
            return;
        }

        IsStopped = false;
        Action[] missed = [.. held];
        held.Clear();
        foreach (Action action in missed)
        {
            Do(life, action);
        }
    }
}
