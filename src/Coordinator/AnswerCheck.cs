using System.Collections.Immutable;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>Whether an answer holds what it must, before it may count: a worker is another program, perhaps a broken one.</summary>
internal static class AnswerCheck
{
    /// <summary>What is wrong with an answer to the phase under way, or null. Answers to anything else are dropped by the machine unread.</summary>
    public static string? Fault(ShardDone done, RunState state, int gradientLength)
    {
        if (state.Phase?.Whole is not { } whole || whole.Phase != done.Fence.Phase || whole.Step != done.Fence.Step)
        {
            return null;
        }

        if (done.Fence.Phase == RunPhase.Diagnosis)
        {
            return done.Result.Nodes.IsEmpty ? null : "its diagnosis holds nodes of a sum";
        }

        Span<SumNode> nodes = done.Result.Nodes.Length <= 64 ? stackalloc SumNode[done.Result.Nodes.Length] : new SumNode[done.Result.Nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            ShardNode node = done.Result.Nodes[i];
            nodes[i] = node.Node;
            if (done.Fence.Phase == RunPhase.Training && node.Gradient is null)
            {
                return $"its node {node.Node} has no gradient";
            }

            if (node.Gradient is { } lease && lease.Values.Length != gradientLength)
            {
                return $"its gradient has {lease.Values.Length} floats, not {gradientLength}";
            }
        }

        return CanonicalSum.IsDisjointCover(nodes, done.Slices, whole.SliceCount) ? null : $"its nodes do not cover the slices {done.Slices}";
    }

    /// <summary>What an answer shows of its nodes. In one process no checksum is needed: nothing moves.</summary>
    public static ImmutableArray<NodeProof> Proofs(ShardDone done)
    {
        ImmutableArray<NodeProof>.Builder proofs = ImmutableArray.CreateBuilder<NodeProof>(done.Result.Nodes.Length);
        foreach (ShardNode node in done.Result.Nodes)
        {
            proofs.Add(new NodeProof(node.Node, node.Metrics, Checksum: 0));
        }

        return proofs.MoveToImmutable();
    }
}
