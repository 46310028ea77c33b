using System.Collections.Immutable;
using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>This part: its shards.</summary>
internal sealed partial class SimWorker
{
    private readonly HashSet<(Fence, SliceRange)> withdrawn = [];
    private readonly int millisecondsPerSlice;

    // Whether it reads a copy of the parameters of its own, as over a network, or the coordinator's memory.
    private readonly bool copies;
    private long busyUntilMs;
    private long slowUntilMs;
    private (ShardWork Work, long SinceMs)? computing;
    private Order? last;
    private Order? standing;

    public void Slow(long ms)
    {
        World.Faults.Slowed++;
        slowUntilMs = World.NowMs + ms;
    }

    public void Withdraw(Fence fence, SliceRange slices)
    {
        withdrawn.Add((fence, slices));
        if (standing is { } order && order.Fence == fence && order.Work.Slices == slices)
        {
            standing = null;
            Return(order.From, fence, order.Work, ShardFailureKind.Withdrawn);
        }
    }

    public void Compute(SimCoordinator from, long of, Fence fence, ShardWork work, long version)
    {
        if (of == attendance && fence.Session == session && from == coordinator)
        {
            last = new Order(from, fence, work, version);
            Overrule(last);
        }

        Await(from, of, fence, work, version);
    }

    // An order that stands ends with the next that comes; one for the same shard answers in its place.
    private void Overrule(Order by)
    {
        if (standing is { } order)
        {
            World.Faults.Overruled++;
            standing = null;
            if (order.From.Stands(order.Version) && (order.Fence, order.Work.Slices) != (by.Fence, by.Work.Slices))
            {
                Return(order.From, order.Fence, order.Work, ShardFailureKind.Withdrawn);
            }
        }
    }

    // The same slices of the next step, if the coordinator says so with its parameters.
    private void Stand(Order order, long of)
    {
        if (standing != order || of != attendance)
        {
            return;
        }

        if (order.From.Parameters.Version < order.Version)
        {
            After(3, () => Stand(order, of));
            return;
        }

        standing = null;
        if (order.From.Stands(order.Version))
        {
            World.Faults.WentOn++;
            last = order;
            Await(order.From, of, order.Fence, order.Work, order.Version);
        }
        else
        {
            World.Faults.Lapsed++;
        }
    }

    private void Await(SimCoordinator from, long of, Fence fence, ShardWork work, long version)
    {
        if (of != attendance || fence.Session != session || from != coordinator)
        {
            computing = computing?.Work == work ? null : computing;
            return;
        }

        ParameterHandle parameters = from.Parameters;
        if (parameters.Version < version)
        {
            // They are not there yet.
            computing ??= (work, World.NowMs);
            After(1, () => Await(from, of, fence, work, version));
            return;
        }

        if (parameters.Version > version)
        {
            computing = null;
            Return(from, fence, work, ShardFailureKind.Overwritten);
            return;
        }

        if (copies)
        {
            parameters = new ParameterHandle(Unchanging.Instance, parameters.Values.ToArray(), parameters.Version);
        }

        long durationMs = work.Slices.Count * millisecondsPerSlice * (World.NowMs < slowUntilMs ? 20 : 1);
        if (World.Faulty && World.Random.Chance(World.Plan.Pause))
        {
            (int after, int lasts) = (World.Random.Next((int)durationMs + 1), World.Random.Between(100, World.Random.Chance(0.5) ? 3_000 : 20_000));
            After(after, () => Pause(lasts));
        }

        if (World.Faulty && World.Random.Chance(World.Plan.Crash))
        {
            After(World.Random.Next((int)durationMs + 1), Kill);
        }

        busyUntilMs = Math.Max(busyUntilMs, World.NowMs) + durationMs;
        computing = (work, World.NowMs);
        var order = new Order(from, fence, work, version);
        After(busyUntilMs - World.NowMs, () => Finish(order, of, parameters, durationMs / 1000.0));
    }

    private WorkerActivity Activity() => computing is { } shard
        ? new WorkerActivity(ActivityKind.Computing, shard.Work.Step, shard.Work.Slices, (World.NowMs - shard.SinceMs) / 1000.0)
        : standing is { } order && order.From.Stands(order.Version) ? new WorkerActivity(ActivityKind.WaitingForParameters, order.Work.Step, order.Work.Slices, 0)
        : default;

    private void Finish(Order order, long of, ParameterHandle parameters, double seconds)
    {
        (SimCoordinator from, Fence fence, ShardWork work, long version) = order;
        if (computing?.Work == work)
        {
            computing = null;
        }

        if (of != attendance)
        {
            return;
        }

        if (World.Faulty && (World.Random.Chance(World.Plan.Fail) || (index == 0 && World.Plan.FirstFails)))
        {
            World.Faults.Failed++;
            Return(from, fence, work, ShardFailureKind.Failed);
            return;
        }

        bool lies = !parameters.IsCurrent && World.Random.Chance(World.Plan.LieLate);
        if (withdrawn.Contains((fence, work.Slices)) && World.Random.Chance(0.5))
        {
            Return(from, fence, work, ShardFailureKind.Withdrawn);
        }
        else if (parameters.IsCurrent || lies)
        {
            World.Faults.LiedLate += lies ? 1 : 0;
            Answer(from, of, fence, work, parameters, seconds);
            if (World.Plan.OrdersStand && work.Phase == RunPhase.Training && last == order)
            {
                standing = new Order(from, fence with { Step = fence.Step + 1 }, work with { Step = work.Step + 1, StepInEpoch = work.StepInEpoch + 1 }, version + 1);
                Stand(standing, of);
            }
        }
        else
        {
            Return(from, fence, work, ShardFailureKind.Overwritten);
        }
    }

    private void Answer(SimCoordinator to, long of, Fence fence, ShardWork work, ParameterHandle parameters, double seconds)
    {
        ShardResult result = new ExactComputer(World.Plan.NonFiniteSteps).Compute(work, parameters, World.Pool);
        if (index == 0 && World.Plan.FirstIsBroken && World.Random.Chance(0.5))
        {
            World.Faults.BrokenAnswers++;
            result = new ShardResult([.. result.Nodes.Select(Broken)], result.Finding);
        }

        ImmutableArray<NodeProof> proofs = [.. result.Nodes.Select(node => new NodeProof(node.Node, node.Metrics, Checksum(node)))];
        World.Network.Send(this, to, () => to.Take(Id, of, fence, work.Slices, result, proofs, seconds));
        if (World.Faulty && World.Random.Chance(World.Plan.WrongFence))
        {
            World.Faults.WrongFences++;
            var forged = new ShardResult([.. result.Nodes.Select(node => node with { Gradient = null })]);
            Fence wrong = Wrong(fence);
            World.Network.Send(this, to, () => to.Take(Id, of, wrong, work.Slices, forged, proofs, 1));
        }
    }

    // A bit falls over: in the gradient, or in the loss.
    private ShardNode Broken(ShardNode node)
    {
        if (node.Gradient is { } gradient && World.Random.Chance(0.5))
        {
            ExactSum.Write(ExactSum.Read(gradient.Values.Span) ^ 4, gradient.Values.Span);
            return node;
        }

        return node with { Metrics = node.Metrics with { Loss = node.Metrics.Loss + 1 } };
    }

    // Something answers under a fence that is not, or no longer, the current one; never one that will be (nobody could tell such a forgery).
    private Fence Wrong(Fence fence) => World.Random.Next(5) switch
    {
        0 => fence with { Run = new RunId(Guid.Empty) },
        1 => fence with { Term = fence.Term - 1 },
        2 => fence with { Session = fence.Session - 1 },
        3 when fence.Phase == RunPhase.Training => fence with { Phase = RunPhase.Validation },
        _ => fence with { Step = fence.Step - 1 },
    };

    private void Return(SimCoordinator to, Fence fence, ShardWork work, ShardFailureKind kind) =>
        World.Network.Send(this, to, () => to.Take(new RunInput.ShardFailed(fence, Id, work.Slices, kind, "it fails")));

    private static ulong Checksum(ShardNode node) => node.Gradient is { } gradient ? ExactSum.Read(gradient.Values.Span) : 0;

    private sealed record Order(SimCoordinator From, Fence Fence, ShardWork Work, long Version);

    private sealed class Unchanging : IParameterVersions
    {
        public static readonly Unchanging Instance = new();

        public bool IsCurrent(long version) => true;
    }
}
