namespace DistNet.Runs;

/// <summary>One step of a fold: push the value of a node, then combine the two topmost values so many times.</summary>
/// <param name="Node">The place of the node among those given to <see cref="SumPlan.Prepare"/>.</param>
/// <param name="Merges">How often to replace the two topmost values by lower + upper (left + right).</param>
public readonly record struct SumStep(int Node, int Merges);

/// <summary>How a disjoint cover folds into the root: a short program for a stack, made once per step and run for every block of an arena.</summary>
/// <remarks>Nodes are taken in the order of their slices. As soon as the two topmost values are the halves of one node, they become that node: a
/// binary counter whose additions are exactly those of the canonical tree, whatever the cover. An instance is reused; only a larger cover allocates.</remarks>
public sealed class SumPlan
{
    private SumNode[] nodes = [];
    private int[] firsts = [];
    private int[] order = [];
    private SumNode[] stack = [];
    private SumStep[] steps = [];
    private int count;

    /// <summary>The program, one step per node.</summary>
    public ReadOnlySpan<SumStep> Steps => steps.AsSpan(0, count);

    /// <summary>The most values on the stack at once; at least 1.</summary>
    public int Depth { get; private set; }

    /// <summary>Makes the program for a cover.</summary>
    /// <param name="cover">Nodes that cover every slice exactly once, in any order, by any of their names.</param>
    /// <param name="sliceCount">All slices of the batch, at least 1.</param>
    /// <exception cref="InvalidOperationException">The nodes are no disjoint cover.</exception>
    public void Prepare(ReadOnlySpan<SumNode> cover, int sliceCount)
    {
        Invariant.Holds(sliceCount is >= 1 and <= CanonicalSum.MaximumSlices);
        Reserve(cover.Length);
        count = cover.Length;
        for (int i = 0; i < count; i++)
        {
            nodes[i] = CanonicalSum.Reduce(cover[i], sliceCount);
            firsts[i] = nodes[i].First;
            order[i] = i;
        }

        Array.Sort(firsts, order, 0, count);
        int height = 0;
        int covered = 0;
        Depth = 0;
        for (int i = 0; i < count; i++)
        {
            SumNode node = nodes[order[i]];
            bool continues = node.First == covered;
            Invariant.Holds(continues);
            covered = CanonicalSum.End(node, sliceCount);
            stack[height++] = node;
            Depth = Math.Max(Depth, height);
            int merges = 0;
            while (height >= 2 && CanonicalSum.TryMerge(stack[height - 2], stack[height - 1], sliceCount, out SumNode parent))
            {
                stack[--height - 1] = parent;
                merges++;
            }

            steps[i] = new(order[i], merges);
        }

        bool complete = height == 1 && covered == sliceCount;
        Invariant.Holds(complete);
    }

    private void Reserve(int length)
    {
        if (nodes.Length < length)
        {
            nodes = new SumNode[length];
            firsts = new int[length];
            order = new int[length];
            stack = new SumNode[length];
            steps = new SumStep[length];
        }
    }
}
