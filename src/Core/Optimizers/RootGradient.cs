using System.Runtime.CompilerServices;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Optimizers;

/// <summary>The gradient of one node of the canonical sum.</summary>
/// <param name="Node">Which node.</param>
/// <param name="Values">The sum over its samples: an arena's floats, padding included (whatever the padding holds is ignored). The update's own from then on: sums are made in place.</param>
public readonly record struct NodeGradient(SumNode Node, Memory<float> Values);

/// <summary>The batch gradient at the root of the canonical sum, in one pass over memory: block by block, nodes are folded, the sum is divided by the weight, penalties are added and
/// squares summed, while the block is in the cache. It takes the place of the first node's values: memory that is read anyway, where an arena of its own would be fetched and written back too.</summary>
/// <remarks>One node's sum that has only to be divided, exactly, is read alone, for what is not finite, and stays as it is: who takes the gradient from there multiplies by <see cref="Scale"/>.</remarks>
internal sealed class RootGradient
{
    private readonly int arenaLength;
    private readonly ArenaBlocks blocks;
    private readonly VectorUnit unit;
    private readonly Crew crew;
    private readonly float l2Twice;
    private readonly float l1;
    private readonly double[] squareSums;
    private readonly BlockWork work;
    private readonly SumPlan plan = new();
    private Memory<float>[] nodeValues = [];
    private AlignedBuffer scratch = new(0);
    private Arena? parameters;
    private int nodeCount;
    private float divisor;
    private float samples;
    private bool squared;

    public RootGradient(Layout layout, ArenaBlocks blocks, RegularizationOptions regularization, VectorUnit unit, Crew crew)
    {
        arenaLength = layout.ArenaLength;
        this.blocks = blocks;
        this.unit = unit;
        this.crew = crew;
        l2Twice = (float)(2 * regularization.L2);
        l1 = (float)regularization.L1;
        squareSums = new double[blocks.Blocks.Length];
        work = new(blocks.Blocks.Length, Compute);
    }

    /// <summary>The gradient that was computed, before clipping, once it is multiplied by <see cref="Scale"/>: in the buffer of the node with the first slices. The padding is +0.</summary>
    public Span<float> Values => nodeValues[plan.Steps[0].Node].Span;

    /// <summary>What <see cref="Values"/> are to be multiplied by in some block: 1, or a power of two.</summary>
    public float Scale(ArenaBlock block) => IsRead(block) ? Terms(block).Reciprocal : 1;

    /// <summary>Computes <see cref="Values"/>.</summary>
    /// <param name="nodes">A disjoint cover of the batch, in any order.</param>
    /// <param name="sliceCount">The slices of the batch.</param>
    /// <param name="weight">The sum of the samples' weights; rounded to float.</param>
    /// <param name="samples">The number of samples, which changes of buffers are divided by; rounded to float.</param>
    /// <param name="parameters">The parameters, for the penalties.</param>
    /// <param name="squared">Whether the sum of squares is asked for.</param>
    /// <returns>Σ g² over the parameters in double, or where it is not asked for 0; finite if and only if every g, and every change of a buffer, is.</returns>
    public double Compute(ReadOnlySpan<NodeGradient> nodes, int sliceCount, double weight, long samples, Arena parameters, bool squared)
    {
        if (nodeValues.Length < nodes.Length)
        {
            nodeValues = new Memory<float>[nodes.Length];
        }

        Span<SumNode> cover = nodes.Length <= 256 ? stackalloc SumNode[nodes.Length] : new SumNode[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            Invariant.Holds(nodes[i].Values.Length == arenaLength);
            cover[i] = nodes[i].Node;
            nodeValues[i] = nodes[i].Values;
        }

        nodeCount = nodes.Length;
        plan.Prepare(cover, sliceCount);
        int scratchLength = crew.Size * (plan.Depth - 1) * ArenaBlocks.Size;
        if (scratch.Length < scratchLength)
        {
            scratch = new(scratchLength);
        }

        this.parameters = parameters;
        divisor = (float)weight;
        this.samples = samples;
        this.squared = squared;
        work.Run(crew, isFollowed: true);
        return blocks.Sum(squareSums);
    }

    /// <summary>Lets go of the nodes.</summary>
    public void Forget()
    {
        parameters = null;
        Array.Clear(nodeValues);
    }

    private RootTerms Terms(ArenaBlock block) => block.Decayed ? new(divisor, l2Twice, l1) : new(block.IsBuffer ? samples : divisor, 0, 0);

    private bool IsRead(ArenaBlock block) => nodeCount == 1 && !squared && !block.IsBuffer && Terms(block) is { Exact: true, HasPenalties: false };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(int first, int end, int member)
    {
        squareSums.AsSpan(first, end - first).Clear();
        for (int next = first; next < end; first = next)
        {
            // Blocks of their own for sums of squares, and for the sums of the fold.
            ArenaBlock stretch = blocks.Stretch(ref next, squared || nodeCount > 2 ? first + 1 : end);
            squareSums[first] = Compute(stretch, member);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double Compute(ArenaBlock block, int member)
    {
        Span<float> gradient = NodeBlock(plan.Steps[0].Node, block);
        if (IsRead(block))
        {
            gradient[block.Length..].Clear();
            return GradientKernels.AreFinite(unit, gradient) ? 0 : double.NaN;
        }

        ReadOnlySpan<float> left = Fold(block, gradient, member, out ReadOnlySpan<float> right);
        double squares = GradientKernels.Root(unit, left, right, Terms(block), parameters!.Span.Slice(block.Offset, block.PaddedLength), block.Length, gradient, squared);

        // A buffer's change is no part of the norm; where it is not finite, 0 · ∞ is NaN and says so.
        return block.IsBuffer ? 0 * squares : squares;
    }

    /// <summary>Folds one block of all nodes up to the root's two halves. The stack holds places: a node's values are read where they lie; a sum at height 0 lies in
    /// <paramref name="lowest"/>, where the first node's were, at height h in the member's scratch block h − 1.</summary>
    /// <returns>Where the left half lies; all of the root, and <paramref name="right"/> empty, where there is only one node.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ReadOnlySpan<float> Fold(ArenaBlock block, Span<float> lowest, int member, out ReadOnlySpan<float> right)
    {
        const int Summed = -1;
        Span<int> stack = stackalloc int[plan.Depth];
        int height = 0;
        int additions = nodeCount - 1;
        right = default;
        foreach (SumStep step in plan.Steps)
        {
            stack[height++] = step.Node;
            for (int merge = 0; merge < step.Merges; merge++)
            {
                height--;
                ReadOnlySpan<float> left = stack[height - 1] == Summed ? SumAt(height - 1, lowest, member) : NodeBlock(stack[height - 1], block);
                right = stack[height] == Summed ? SumAt(height, lowest, member) : NodeBlock(stack[height], block);
                if (--additions == 0)
                {
                    return left;
                }

                Elementwise.Add(unit, left, right, SumAt(height - 1, lowest, member));
                stack[height - 1] = Summed;
            }
        }

        return lowest;
    }

    private Span<float> NodeBlock(int node, ArenaBlock block) => nodeValues[node].Span.Slice(block.Offset, block.PaddedLength);

    private Span<float> SumAt(int height, Span<float> lowest, int member) =>
        height == 0 ? lowest : scratch.Span.Slice(((member * (plan.Depth - 1)) + height - 1) * ArenaBlocks.Size, lowest.Length);
}
