using System.Collections.Immutable;
using System.Numerics;
using DistNet.Training;

namespace DistNet.Runs;

/// <summary>The arithmetic of the canonical sum: which nodes cover a range of slices, and how a disjoint cover folds back into the root.</summary>
/// <remarks>
/// The sum of a batch is one binary tree over its slices, whoever computes which part. A node whose right half holds no slice
/// <em>is</em> its left half, so several names can mean one node: of 11 slices, level 2 index 2, level 3 index 1 both cover [8, 11).
/// <see cref="Reduce"/> gives the name with the lowest level; <see cref="Cover"/> returns only such names and everything else accepts any.
/// </remarks>
public static class CanonicalSum
{
    /// <summary>The most slices of a batch: the arithmetic of node names stays inside 32 bits.</summary>
    public const int MaximumSlices = 1 << 30;

    /// <summary>The fewest nodes that cover a range of slices exactly, in order.</summary>
    /// <param name="range">The slices, inside [0, <paramref name="sliceCount"/>); an empty range gives no nodes.</param>
    /// <param name="sliceCount">All slices of the batch; the last node may be cut there.</param>
    public static ImmutableArray<SumNode> Cover(SliceRange range, int sliceCount)
    {
        Invariant.Holds(sliceCount is >= 0 and <= MaximumSlices);
        Invariant.Holds(range.First >= 0 && range.Count >= 0 && range.Count <= sliceCount - range.First);
        var nodes = ImmutableArray.CreateBuilder<SumNode>();
        for (int first = range.First; first < range.End;)
        {
            SumNode node = new(0, first);
            while (node.Level < 30 && (node.Index & 1) == 0 && End(node.Parent, sliceCount) <= range.End)
            {
                node = node.Parent;
            }

            nodes.Add(Reduce(node, sliceCount));
            first = End(node, sliceCount);
        }

        return nodes.ToImmutable();
    }

    /// <summary>The most nodes that <see cref="Cover"/> gives for any range of a batch: one of each size at either end, and none of the whole batch's or its halves'.</summary>
    /// <param name="sliceCount">All slices of the batch, at least 1.</param>
    public static int MostNodes(int sliceCount)
    {
        Invariant.Holds(sliceCount is >= 1 and <= MaximumSlices);
        int levels = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)sliceCount));
        return Math.Max(1, 2 * (levels - 1));
    }

    /// <summary>The same node by its lowest level: while its right half holds no slice, its left half.</summary>
    /// <param name="node">A node that holds at least one slice: see <see cref="IsNode"/>.</param>
    /// <param name="sliceCount">All slices of the batch.</param>
    public static SumNode Reduce(SumNode node, int sliceCount)
    {
        Invariant.Holds(IsNode(node, sliceCount));
        while (node.Level > 0 && node.First + (1L << (node.Level - 1)) >= sliceCount)
        {
            node = new(node.Level - 1, node.Index << 1);
        }

        return node;
    }

    /// <summary>Whether a name means a node of a batch of <paramref name="sliceCount"/> slices, so that it holds at least one; safe for names that came over a wire.</summary>
    public static bool IsNode(SumNode node, int sliceCount) =>
        node.Level is >= 0 and <= 30 && node.Index >= 0 && (long)node.Index << node.Level < Math.Min(sliceCount, MaximumSlices);

    /// <summary>The other half of the node above.</summary>
    /// <param name="node">A node by its lowest level, as <see cref="Reduce"/> gives it.</param>
    /// <param name="sliceCount">All slices of the batch.</param>
    /// <param name="sibling">The other half, by its lowest level.</param>
    /// <param name="parent">The node whose halves the two are, by its lowest level.</param>
    /// <returns>False for the root.</returns>
    public static bool TrySibling(SumNode node, int sliceCount, out SumNode sibling, out SumNode parent)
    {
        Invariant.Holds(IsNode(node, sliceCount));
        while (node.Index > 0 || 1L << node.Level < sliceCount)
        {
            sibling = new(node.Level, node.Index ^ 1);
            parent = node.Parent;
            if (IsNode(sibling, sliceCount))
            {
                sibling = Reduce(sibling, sliceCount);
                return true;
            }

            // Its right half holds no slice: the node above is this one by another name.
            node = parent;
        }

        sibling = parent = default;
        return false;
    }

    /// <summary>Whether nodes, in any order, cover every slice of the batch exactly once; safe for nodes that came over a wire.</summary>
    public static bool IsDisjointCover(ReadOnlySpan<SumNode> nodes, int sliceCount) => IsDisjointCover(nodes, new SliceRange(0, sliceCount), sliceCount);

    /// <summary>Whether nodes, in any order, cover every slice of a range exactly once and nothing else; safe for nodes that came over a wire.</summary>
    public static bool IsDisjointCover(ReadOnlySpan<SumNode> nodes, SliceRange range, int sliceCount)
    {
        if (nodes.Length > Math.Max(range.Count, 0))
        {
            return false;
        }

        int[] order = new int[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (!IsNode(nodes[i], sliceCount))
            {
                return false;
            }

            order[i] = nodes[i].First;
        }

        SumNode[] sorted = nodes.ToArray();
        Array.Sort(order, sorted);
        int covered = range.First;
        foreach (SumNode node in sorted)
        {
            if (node.First != covered)
            {
                return false;
            }

            covered = End(node, sliceCount);
        }

        return covered == range.End;
    }

    /// <summary>Folds the metrics of a disjoint cover into those of the whole batch.</summary>
    /// <param name="nodes">A disjoint cover of all slices, in any order.</param>
    /// <param name="values">The metrics of each node.</param>
    /// <param name="sliceCount">All slices of the batch, at least 1.</param>
    public static NodeMetrics Fold(ReadOnlySpan<SumNode> nodes, ReadOnlySpan<NodeMetrics> values, int sliceCount) =>
        Fold(nodes, values, sliceCount, NodeMetrics.Add);

    /// <summary>Folds the values of a disjoint cover into the root's by the canonical tree.</summary>
    /// <param name="nodes">A disjoint cover of all slices, in any order.</param>
    /// <param name="values">The value of each node.</param>
    /// <param name="sliceCount">All slices of the batch, at least 1.</param>
    /// <param name="add">left + right.</param>
    public static T Fold<T>(ReadOnlySpan<SumNode> nodes, ReadOnlySpan<T> values, int sliceCount, Func<T, T, T> add)
    {
        ArgumentNullException.ThrowIfNull(add);
        Invariant.Holds(nodes.Length == values.Length);
        SumPlan plan = new();
        plan.Prepare(nodes, sliceCount);
        T[] stack = new T[plan.Depth];
        int count = 0;
        foreach (SumStep step in plan.Steps)
        {
            stack[count++] = values[step.Node];
            for (int merge = 0; merge < step.Merges; merge++)
            {
                count--;
                stack[count - 1] = add(stack[count - 1], stack[count]);
            }
        }

        return stack[0];
    }

    /// <summary>Folds the metrics of consecutive slices, the first of which starts a node, into that node's.</summary>
    /// <param name="slices">One value per slice of the node, in order; at least one.</param>
    public static NodeMetrics Fold(ReadOnlySpan<NodeMetrics> slices)
    {
        Invariant.Holds(slices.Length > 0);
        if (slices.Length == 1)
        {
            return slices[0];
        }

        int half = (int)BitOperations.RoundUpToPowerOf2((uint)slices.Length) / 2;
        return Fold(slices[..half]) + Fold(slices[half..]);
    }

    /// <summary>The slice after a node's last, cut at the batch's end.</summary>
    internal static int End(SumNode node, int sliceCount) => (int)Math.Min(((long)node.Index + 1) << node.Level, sliceCount);

    /// <summary>Whether two adjacent nodes, by their lowest names, are the halves of one: that node, by its lowest name.</summary>
    internal static bool TryMerge(SumNode left, SumNode right, int sliceCount, out SumNode parent)
    {
        // A right half that the batch's end cuts goes by its lowest name: give it the name at the left half's level.
        while (right.Level < left.Level && (right.Index & 1) == 0 && End(right, sliceCount) == sliceCount)
        {
            right = right.Parent;
        }

        parent = left.Parent;
        return right.Level == left.Level && (left.Index & 1) == 0 && right.Index == left.Index + 1;
    }
}
