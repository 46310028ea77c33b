using System.Collections.Immutable;
using DistNet.Runs;

namespace DistNet.Advice;

/// <summary>Predicts the time of a step for any number of workers from what its parts cost.</summary>
/// <remarks>
/// <para>The parts follow one another, as they do in a step: nobody computes before it has the parameters, and the update waits for the last gradient.</para>
/// <code>
/// T(n) = compute(samples of the largest shard) · crowding + parameters down + gradients up + exchange + complete
///        exchange = messages of one worker + (n − 1) · what a further one adds
///
/// one machine, n worker processes:  crowding(n) and complete(n) as measured; tensors are read in place, so nothing is transferred
/// n machines over a link:           crowding 1
///                                   down     = n · bytes / rate       the coordinator's link is shared by all n
///                                   up       = nodes · bytes / rate   a shard gives one gradient per node of the canonical sum that it needs: one or two as a rule
///                                   rate     = min(link, gRPC on one core · min(n, cores))
///                                   exchange + 2 round trips (parameters, upload and its receipt, answer: four ways)
///                                   complete = update + (nodes − 1) · sum of a node
/// </code>
/// <para>Shards and nodes are those that the run's own planner would give to equal workers. A batch has no more shards than slices: further workers wait.</para>
/// </remarks>
public static class StepModel
{
    private const int RoundTrips = 2;

    /// <summary>Worker processes on the coordinator's machine, with a core for each of their threads.</summary>
    /// <param name="costs">What was measured.</param>
    /// <param name="workers">How many, at least 1.</param>
    public static StepPrediction OnOneMachine(StepCosts costs, int workers)
    {
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        Shards shards = Shards.Of(costs, workers);
        double compute = costs.Compute.At(shards.LargestSamples) * costs.Crowding.At(shards.Count);
        return new StepPrediction(workers, costs.Batch, compute, Transfer: 0, Exchange(costs, shards), costs.Complete.At(shards.Count));
    }

    /// <summary>Workers on machines of their own, each like the measured one.</summary>
    /// <param name="costs">What was measured.</param>
    /// <param name="link">The network.</param>
    /// <param name="workers">How many, at least 1.</param>
    public static StepPrediction OverLink(StepCosts costs, NetworkLink link, int workers)
    {
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentNullException.ThrowIfNull(link);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        Shards shards = Shards.Of(costs, workers);
        double rate = Math.Min(link.PayloadBytesPerSecond, costs.PlaneBytesPerSecond * Math.Min(shards.Count, costs.Cores));
        double bytes = (double)(shards.Count + shards.Nodes) * costs.TensorBytes;
        return new StepPrediction(
            workers,
            costs.Batch,
            costs.Compute.At(shards.LargestSamples),
            bytes / rate,
            Exchange(costs, shards) + (RoundTrips * link.LatencySeconds),
            costs.CompleteOne + ((shards.Nodes - 1) * costs.SumNode));
    }

    private static double Exchange(StepCosts costs, Shards shards) => costs.Exchange + ((shards.Count - 1) * costs.ExchangeWorker);

    /// <summary>How equal workers share a batch.</summary>
    /// <param name="Count">How many of them get a shard.</param>
    /// <param name="LargestSamples">The samples of the largest.</param>
    /// <param name="Nodes">The nodes of all.</param>
    private readonly record struct Shards(int Count, int LargestSamples, int Nodes)
    {
        public static Shards Of(StepCosts costs, int workers)
        {
            int slices = costs.Slices;
            double[] speeds = new double[workers];
            Array.Fill(speeds, 1);
            ImmutableArray<ShardPlanner.Part> parts = ShardPlanner.Plan([new SliceRange(0, slices)], speeds, slices);
            return new Shards(
                parts.Length,
                parts.Max(part => Math.Min(part.Slices.End * costs.Slice, costs.Batch) - (part.Slices.First * costs.Slice)),
                parts.Sum(part => ShardPlanner.NodeCount(part.Slices.First, part.Slices.End, slices)));
        }
    }
}
