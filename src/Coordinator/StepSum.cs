using System.Collections.Concurrent;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>The accepted nodes of the phase under way. While slower workers still compute, siblings of the canonical tree are merged, so that less is left to
/// sum when the last answer comes. Any order of merges gives the same bits: a parent is left + right, whenever it is made.</summary>
/// <remarks>The actor hands nodes in (<see cref="Accept"/>, <see cref="Complete"/>, <see cref="Abandon"/>); everything else is called by the numeric side, by one thread at a time. Leases are the sum's until they are taken.</remarks>
/// <param name="run">Adds gradients.</param>
internal sealed class StepSum(ITrainingRun run)
{
    private readonly ConcurrentQueue<Arrival> arrived = new();
    private readonly HashSet<SumNode> expected = [];
    private readonly Dictionary<SumNode, ShardNode> nodes = [];
    private readonly Stack<SumNode> untried = new();
    private int sliceCount;

    /// <summary>How many merges were made, through all steps.</summary>
    public long Merges { get; private set; }

    /// <summary>Hands in nodes of an accepted answer.</summary>
    /// <param name="answer">The nodes; disjoint from all others of the phase.</param>
    /// <param name="sliceCount">The slices of the whole phase.</param>
    /// <returns>Whether siblings have met, so that the numeric side has something to do.</returns>
    public bool Accept(List<ShardNode> answer, int sliceCount)
    {
        arrived.Enqueue(new Arrival(answer, sliceCount));
        bool met = false;
        foreach (ShardNode node in answer)
        {
            if (node.Gradient is not null)
            {
                met |= Expect(CanonicalSum.Reduce(node.Node, sliceCount), sliceCount);
            }
        }

        return met;
    }

    /// <summary>The phase is complete: what is handed in from now on is the next one's, for <see cref="Take"/>.</summary>
    public void Complete()
    {
        expected.Clear();
        arrived.Enqueue(Arrival.Completion);
    }

    /// <summary>What was handed in so far is not needed.</summary>
    public void Abandon()
    {
        expected.Clear();
        arrived.Enqueue(Arrival.Abandonment);
    }

    /// <summary>Takes what was handed in of the phase that is taken next.</summary>
    public void Absorb()
    {
        while (arrived.TryPeek(out Arrival? arrival) && arrival != Arrival.Completion)
        {
            arrived.TryDequeue(out _);
            if (arrival == Arrival.Abandonment)
            {
                Leases.Return([.. nodes.Values]);
                Clear();
                continue;
            }

            sliceCount = arrival.SliceCount;
            foreach (ShardNode node in arrival.Nodes)
            {
                SumNode name = CanonicalSum.Reduce(node.Node, sliceCount);
                nodes.Add(name, node with { Node = name });
                if (node.Gradient is not null)
                {
                    untried.Push(name);
                }
            }
        }
    }

    /// <summary>Merges two siblings, if there are any.</summary>
    /// <returns>False when nothing can be merged now.</returns>
    public bool MergeNext()
    {
        while (untried.TryPop(out SumNode name))
        {
            if (nodes.TryGetValue(name, out ShardNode node)
                && CanonicalSum.TrySibling(name, sliceCount, out SumNode siblingName, out SumNode parent)
                && nodes.TryGetValue(siblingName, out ShardNode sibling))
            {
                (ShardNode left, ShardNode right) = name.First < siblingName.First ? (node, sibling) : (sibling, node);
                run.Merge(left, right);
                nodes.Remove(name);
                nodes.Remove(siblingName);
                nodes.Add(parent, new ShardNode(parent, left.Metrics + right.Metrics, left.Gradient));
                untried.Push(parent);
                right.Gradient!.Return();
                Merges++;
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes all nodes of the oldest phase that is complete; the caller returns their leases.</summary>
    public List<ShardNode> Take()
    {
        Absorb();
        if (arrived.TryPeek(out Arrival? completion) && completion == Arrival.Completion)
        {
            arrived.TryDequeue(out _);
        }

        List<ShardNode> taken = [.. nodes.Values];
        Clear();
        return taken;
    }

    /// <summary>Takes everything, of whatever phase: the run ends; the caller returns the leases.</summary>
    public List<ShardNode> TakeAll()
    {
        List<ShardNode> all = [];
        do
        {
            all.AddRange(Take());
        }
        while (!arrived.IsEmpty);
        return all;
    }

    // The nodes by name alone, as they will be when everything is merged.
    private bool Expect(SumNode name, int sliceCount)
    {
        bool met = false;
        while (CanonicalSum.TrySibling(name, sliceCount, out SumNode sibling, out SumNode parent) && expected.Remove(sibling))
        {
            name = parent;
            met = true;
        }

        expected.Add(name);
        return met;
    }

    private void Clear()
    {
        nodes.Clear();
        untried.Clear();
    }

    private sealed class Arrival(List<ShardNode> nodes, int sliceCount)
    {
        public static readonly Arrival Completion = new([], 0);
        public static readonly Arrival Abandonment = new([], 0);

        public List<ShardNode> Nodes => nodes;

        public int SliceCount => sliceCount;
    }
}
