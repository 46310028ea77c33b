using System.Collections.Immutable;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>Whether an answer holds what it must, before it may count: a worker is another program, perhaps a broken one.</summary>
internal static class AnswerCheck
{
    /// <summary>What is wrong with an answer to the phase under way, or null. Answers to anything else are dropped by the machine unread.</summary>
    public static string? Fault(ShardDone done, List<ShardNode> answer, RunState state, int gradientLength)
    {
        if (state.Phase?.Whole is not { } whole || whole.Phase != done.Fence.Phase || whole.Step != done.Fence.Step)
        {
            return null;
        }

        if (done.Fence.Phase == RunPhase.Diagnosis)
        {
            return answer.Count == 0 ? null : "its diagnosis holds nodes of a sum";
        }

        Span<SumNode> nodes = answer.Count <= 64 ? stackalloc SumNode[answer.Count] : new SumNode[answer.Count];
        for (int i = 0; i < nodes.Length; i++)
        {
            ShardNode node = answer[i];
            nodes[i] = node.Node;
            if (done.Fence.Phase == RunPhase.Training && node.Gradient is null)
            {
                return done.Nodes[i].Ticket == 0 ? $"its node {node.Node} has no gradient" : $"the gradient of its node {node.Node} did not arrive";
            }

            if (node.Gradient is { } lease && lease.Values.Length != gradientLength)
            {
                return $"its gradient has {lease.Values.Length} floats, not {gradientLength}";
            }
        }

        return CanonicalSum.IsDisjointCover(nodes, done.Slices, whole.SliceCount) ? null : $"its nodes do not cover the slices {done.Slices}";
    }

    /// <summary>What an answer shows of its nodes. A checksum is a pass over the gradient, and is computed only where it can be compared.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="isTwice">Whether others compute the same too: <see cref="RunState.IsComputedTwice"/>.</param>
    public static ImmutableArray<NodeProof> Proofs(List<ShardNode> answer, bool isTwice)
    {
        ImmutableArray<NodeProof>.Builder proofs = ImmutableArray.CreateBuilder<NodeProof>(answer.Count);
        foreach (ShardNode node in answer)
        {
            ulong checksum = isTwice && node.Gradient is { } gradient ? XxHash3.HashToUInt64(MemoryMarshal.AsBytes(gradient.Values.Span)) : 0;
            proofs.Add(new NodeProof(node.Node, node.Metrics, checksum));
        }

        return proofs.MoveToImmutable();
    }
}
