using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Runs;

/// <summary>What a comparison of two answers found.</summary>
/// <param name="Compared">How many nodes both gave, or could be summed from what both gave.</param>
/// <param name="Difference">The first node in which they differ; null where they agree.</param>
internal readonly record struct ProofComparison(int Compared, ProofDifference? Difference)
{
    /// <summary>Compares an answer with those that counted, node by node: the metrics, and the gradients' checksums where both were computed. Shards of
    /// different cuts name different nodes; the metrics of a node are then summed from its parts, as the canonical sum does, where all of them are there.</summary>
    /// <param name="accepted">The answers that counted.</param>
    /// <param name="second">The other answer; perhaps from a wire, so any names are borne.</param>
    /// <param name="sliceCount">All slices of the phase.</param>
    public static ProofComparison Of(ImmutableArray<AcceptedAnswer> accepted, ImmutableArray<NodeProof> second, int sliceCount)
    {
        var first = new Dictionary<SumNode, (NodeProof Proof, AcceptedAnswer Answer)>();
        foreach (AcceptedAnswer answer in accepted)
        {
            foreach (NodeProof proof in answer.Nodes)
            {
                _ = CanonicalSum.IsNode(proof.Node, sliceCount) && first.TryAdd(CanonicalSum.Reduce(proof.Node, sliceCount), (proof, answer));
            }
        }

        var other = new Dictionary<SumNode, NodeProof>();
        foreach (NodeProof proof in second)
        {
            _ = CanonicalSum.IsNode(proof.Node, sliceCount) && other.TryAdd(CanonicalSum.Reduce(proof.Node, sliceCount), proof);
        }

        // The nodes that both name first: there it is certain whose answers differ.
        int compared = 0;
        foreach ((SumNode node, NodeProof proof) in other)
        {
            if (!first.TryGetValue(node, out (NodeProof Proof, AcceptedAnswer Answer) same))
            {
                continue;
            }

            compared++;
            bool inMetrics = !AreEqual(same.Proof.Metrics, proof.Metrics);
            if (inMetrics || (same.Proof.Checksum != 0 && proof.Checksum != 0 && same.Proof.Checksum != proof.Checksum))
            {
                return new(compared, new(node, [same.Answer], inMetrics));
            }
        }

        NodeMetrics? FirstOf(SumNode name) => first.TryGetValue(name, out var found) ? found.Proof.Metrics : null;
        NodeMetrics? OtherOf(SumNode name) => other.TryGetValue(name, out NodeProof found) ? found.Metrics : null;
        foreach (SumNode node in first.Keys.Concat(other.Keys))
        {
            bool isCommon = first.ContainsKey(node) && other.ContainsKey(node);
            if (!isCommon && Fold(node, sliceCount, FirstOf) is { } left && Fold(node, sliceCount, OtherOf) is { } right)
            {
                compared++;
                if (!AreEqual(left, right))
                {
                    return new(compared, new(node, Holders(accepted, node.Slices(sliceCount)), InMetrics: true));
                }
            }
        }

        return new(compared, null);
    }

    private static ImmutableArray<AcceptedAnswer> Holders(ImmutableArray<AcceptedAnswer> accepted, SliceRange slices) =>
        [.. accepted.Where(answer => answer.Slices.Overlaps(slices))];

    private static NodeMetrics? Fold(SumNode node, int sliceCount, Func<SumNode, NodeMetrics?> valueOf)
    {
        if (valueOf(node) is { } value)
        {
            return value;
        }

        if (node.Level == 0)
        {
            return null;
        }

        // A reduced name has slices in its right half.
        var left = new SumNode(node.Level - 1, node.Index << 1);
        var right = new SumNode(node.Level - 1, (node.Index << 1) + 1);
        return Fold(left, sliceCount, valueOf) is { } lower && Fold(CanonicalSum.Reduce(right, sliceCount), sliceCount, valueOf) is { } upper ? lower + upper : null;
    }

    // By bits; a NaN is a NaN, as its bits depend on the machine.
    private static bool AreEqual(NodeMetrics a, NodeMetrics b) =>
        a.Samples == b.Samples && a.Correct == b.Correct && AreEqual(a.Loss, b.Loss) && AreEqual(a.Weight, b.Weight);

    private static bool AreEqual(double a, double b) =>
        BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b));
}

/// <summary>Where two answers differ.</summary>
/// <param name="Node">Which node.</param>
/// <param name="First">The answers that counted of which the node is; several where it had to be summed from parts.</param>
/// <param name="InMetrics">Whether the metrics differ; otherwise the checksums.</param>
internal sealed record ProofDifference(SumNode Node, ImmutableArray<AcceptedAnswer> First, bool InMetrics);
