using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Training;

/// <summary>Folds the nodes of a shard's passes into the fewest nodes that cover the shard: a binary counter over the canonical tree.</summary>
/// <remarks>
/// Nodes come in the order of their slices. As soon as the two latest are the halves of one node they become that node, the sum standing in the left
/// half's gradient; the right half's lease goes back at once. So a shard holds no more gradients than one node of each size at either end, however many
/// passes it takes: at most <see cref="MostLeases"/>. The additions are those of the coordinator's fold, so the bits are the same.
/// </remarks>
/// <param name="unit">The vector width.</param>
/// <param name="team">Who adds.</param>
public sealed class ShardFold(VectorUnit unit, ThreadTeam team)
{
    private readonly List<ShardNode> nodes = [];
    private readonly GradientAddition addition = new(unit);

    /// <summary>The most gradients that a shard of a batch can need at once: those of its cover, and one that is about to be added.</summary>
    /// <param name="sliceCount">All slices of the batch, at least 1.</param>
    public static int MostLeases(int sliceCount) => CanonicalSum.MostNodes(sliceCount) + 1;

    /// <summary>Takes the next node, by its lowest name, and with it its lease.</summary>
    /// <param name="node">The node that begins where the one before it ended.</param>
    /// <param name="sliceCount">All slices of the batch.</param>
    public void Push(ShardNode node, int sliceCount)
    {
        Invariant.Holds(nodes.Count == 0 || nodes[^1].Node.Slices(sliceCount).End == node.Node.First);
        nodes.Add(node);
        while (nodes.Count >= 2 && CanonicalSum.TryMerge(nodes[^2].Node, nodes[^1].Node, sliceCount, out SumNode parent))
        {
            (ShardNode left, ShardNode right) = (nodes[^2], nodes[^1]);
            Invariant.Holds(left.Gradient is null == right.Gradient is null);
            if (left.Gradient is not null)
            {
                addition.Run(team, left.Gradient.Values, right.Gradient!.Values);
                right.Gradient.Return();
            }

            nodes.RemoveAt(nodes.Count - 1);
            nodes[^1] = new ShardNode(parent, left.Metrics + right.Metrics, left.Gradient);
        }
    }

    /// <summary>The nodes now, in order; with them their leases go to the caller.</summary>
    public ImmutableArray<ShardNode> Take()
    {
        ImmutableArray<ShardNode> taken = [.. nodes];
        nodes.Clear();
        return taken;
    }

    /// <summary>Returns all leases: the shard has failed.</summary>
    public void Drop()
    {
        foreach (ShardNode node in nodes)
        {
            node.Gradient?.Return();
        }

        nodes.Clear();
    }
}
