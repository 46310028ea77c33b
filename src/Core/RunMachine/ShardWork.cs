using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Runs;

/// <summary>The numeric side of one worker.</summary>
/// <remarks>Called on one dedicated thread of that worker, never concurrently; it may use threads of its own (a team) meanwhile. It outlives sessions.</remarks>
public interface IShardComputer : IDisposable
{
    /// <summary>Computes the consecutive slices of a shard.</summary>
    /// <param name="work">Which slices of what.</param>
    /// <param name="parameters">The parameters, read in place. The caller asks <see cref="ParameterHandle.IsCurrent"/> afterwards and drops the result
    /// (returning its leases) when they were overwritten meanwhile; the computer need not check, but must bear any values.</param>
    /// <param name="gradients">Memory for the gradients. It belongs to the worker's session: nothing of it may be kept after the call.</param>
    /// <returns>Nodes that cover the slices exactly.</returns>
    /// <exception cref="Exception">Any: the shard is computed elsewhere and the failure counted. Leases taken before are the computer's to return.</exception>
    ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients);
}

/// <summary>Consecutive slices of one step, or of the validation split, that one worker computes.</summary>
/// <param name="Phase">Training computes gradients; Validation metrics alone, without dropout; Diagnosis looks for what is not finite in a training step.</param>
/// <param name="Epoch">Training and Diagnosis: the epoch, from 0, whose order of samples holds. Otherwise the epochs completed.</param>
/// <param name="Step">The step, from 0: the key of the dropout masks. For Validation the steps completed.</param>
/// <param name="StepInEpoch">Training and Diagnosis: the step within the epoch; its batch begins at sample <c>StepInEpoch · Batch</c> of the epoch's order. Otherwise 0.</param>
/// <param name="Slices">The slices to compute, by global index; at least one.</param>
/// <param name="SliceCount">The slices of the whole batch, or of the whole split: what the canonical tree is built over.</param>
/// <param name="SampleCount">The samples of the whole batch, or of the whole split; the last slice may be short.</param>
public sealed record ShardWork(RunPhase Phase, int Epoch, long Step, int StepInEpoch, SliceRange Slices, int SliceCount, int SampleCount);

/// <summary>What a worker answers.</summary>
/// <param name="Nodes">Training, Validation and Test: disjoint nodes in ascending order that cover the shard exactly. Diagnosis: empty.</param>
/// <param name="Finding">Diagnosis: the shard's first slice with a value that is not finite, or null when there is none. Otherwise null.</param>
public sealed record ShardResult(ImmutableArray<ShardNode> Nodes, ShardFinding? Finding = null)
{
    /// <summary>The result of a diagnosis.</summary>
    public static ShardResult Diagnosis(ShardFinding? finding) => new([], finding);
}

/// <summary>The value of one node of the canonical sum.</summary>
/// <param name="Node">Which node.</param>
/// <param name="Metrics">Its loss and counts.</param>
/// <param name="Gradient">Training: its gradient, arena-long, padding +0. Otherwise null.</param>
public readonly record struct ShardNode(SumNode Node, NodeMetrics Metrics, GradientLease? Gradient);

/// <summary>Where a pass first gave a value that is not finite.</summary>
/// <param name="Slice">The global index of the slice.</param>
/// <param name="Layer">The name of the graph's node.</param>
/// <param name="What">What is not finite, as the end of a sentence: <c>its output holds NaN</c>.</param>
public sealed record ShardFinding(int Slice, string Layer, string What);
