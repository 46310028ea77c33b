using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>A worker that can be slow, stop, die, lie and come back.</summary>
internal sealed class SimWorker(World world, WorkerId id)
{
    private readonly HashSet<(Fence, SliceRange)> withdrawn = [];
    private readonly int millisecondsPerSlice = world.Random.Between(1, 50);
    private int incarnation;
    private long session;
    private bool alive;
    private long busyUntilMs;

    public WorkerId Id => id;

    public void Start()
    {
        alive = true;
        LoseSession();
    }

    /// <summary>A new life: registers until it is welcome.</summary>
    public void LoseSession()
    {
        if (alive)
        {
            incarnation++;
            session = 0;
            withdrawn.Clear();
            Seek(incarnation);
        }
    }

    public void EndSession(int of)
    {
        if (of == incarnation)
        {
            LoseSession();
        }
    }

    public void Welcome(SimCoordinator coordinator, int of, long given)
    {
        if (alive && of == incarnation && world.Coordinator == coordinator)
        {
            session = given;
        }
    }

    public void Withdraw(Fence fence, SliceRange slices) => withdrawn.Add((fence, slices));

    public void Compute(SimCoordinator coordinator, Fence fence, ShardWork work, ParameterHandle parameters)
    {
        if (!alive || fence.Session != session || fence.Term != coordinator.Run.Definition.Term)
        {
            return;
        }

        int life = incarnation;
        long durationMs = work.Slices.Count * millisecondsPerSlice;
        if (world.Faulty && world.Random.Chance(world.Plan.Pause))
        {
            world.Faults.Paused++;
            durationMs += world.Random.Between(100, world.Random.Chance(0.1) ? 400_000 : 20_000);
        }

        if (world.Faulty && world.Random.Chance(world.Plan.Crash))
        {
            world.At(world.Random.Next((int)durationMs + 1), () => Crash(life));
        }

        busyUntilMs = Math.Max(busyUntilMs, world.NowMs) + durationMs;
        world.At(busyUntilMs - world.NowMs, () => Finish(coordinator, life, fence, work, parameters, durationMs / 1000.0));
    }

    private void Finish(SimCoordinator coordinator, int life, Fence fence, ShardWork work, ParameterHandle parameters, double seconds)
    {
        if (!alive || life != incarnation)
        {
            return;
        }

        if (world.Faulty && world.Random.Chance(world.Plan.Fail))
        {
            world.Faults.Failed++;
            Return(coordinator, fence, work, ShardFailureKind.Failed);
            return;
        }

        ShardResult result = new ExactComputer(world.Plan.NonFiniteSteps).Compute(work, parameters, world.Pool);
        bool lies = !parameters.IsCurrent && world.Random.Chance(world.Plan.LieLate);
        if (withdrawn.Contains((fence, work.Slices)) && world.Random.Chance(0.5))
        {
            Return(coordinator, fence, work, ShardFailureKind.Withdrawn);
        }
        else if (parameters.IsCurrent || lies)
        {
            world.Faults.LiedLate += lies ? 1 : 0;
            world.Send(() => coordinator.Take(id, fence, work.Slices, result, seconds));
            Forge(coordinator, fence, work, result);
        }
        else
        {
            Return(coordinator, fence, work, ShardFailureKind.Overwritten);
        }
    }

    // Something answers under a fence that is not, or no longer, the current one; never one that will be (nobody could tell such a forgery).
    private void Forge(SimCoordinator coordinator, Fence fence, ShardWork work, ShardResult result)
    {
        if (world.Faulty && world.Random.Chance(world.Plan.WrongFence))
        {
            world.Faults.WrongFences++;
            Fence wrong = world.Random.Next(5) switch
            {
                0 => fence with { Run = new RunId(Guid.Empty) },
                1 => fence with { Term = fence.Term - 1 },
                2 => fence with { Session = fence.Session - 1 },
                3 when fence.Phase == RunPhase.Training => fence with { Phase = RunPhase.Validation },
                _ => fence with { Step = fence.Step - 1 },
            };
            var nodes = result.Nodes.Select(node => node with { Gradient = null });
            world.Send(() => coordinator.Take(id, wrong, work.Slices, new ShardResult([.. nodes]), 1));
        }
    }

    private void Return(SimCoordinator coordinator, Fence fence, ShardWork work, ShardFailureKind kind) =>
        world.Send(() => coordinator.Take(new RunInput.ShardFailed(fence, id, work.Slices, kind, "it fails")));

    private void Crash(int life)
    {
        if (!alive || life != incarnation)
        {
            return;
        }

        world.Faults.Crashed++;
        alive = false;
        if (world.Random.Chance(0.8) && world.Coordinator is { } coordinator)
        {
            // Its stream breaks; sometimes nobody notices.
            world.At(world.Random.Between(0, 2_000), () => coordinator.Notice(id, life, "its stream broke"));
        }

        world.At(world.Random.Between(0, 10_000), () =>
        {
            busyUntilMs = world.NowMs;
            Start();
        });
    }

    private void Seek(int life)
    {
        if (alive && life == incarnation && session == 0)
        {
            if (world.Coordinator is { } coordinator)
            {
                world.Send(() =>
                {
                    if (world.Coordinator == coordinator && coordinator.Outcome is null)
                    {
                        coordinator.Register(this, life);
                    }
                });
            }

            world.At(500, () => Seek(life));
        }
    }
}
