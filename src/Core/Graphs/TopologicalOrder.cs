using System.Diagnostics.CodeAnalysis;

namespace DistNet.Graphs;

/// <summary>Orders draft nodes so that each stands after its inputs; among those that could come next, the first declared comes first.</summary>
internal static class TopologicalOrder
{
    public static List<DraftNode> Of(List<DraftNode> declared)
    {
        Dictionary<string, int> index = [];
        for (int i = 0; i < declared.Count; i++)
        {
            index[declared[i].Name] = i;
        }

        int[] missing = new int[declared.Count];
        List<int>[] consumers = [.. declared.Select(_ => new List<int>())];
        for (int i = 0; i < declared.Count; i++)
        {
            foreach (DraftSource source in declared[i].Inputs)
            {
                if (index.TryGetValue(source.Node, out int producer))
                {
                    missing[i]++;
                    consumers[producer].Add(i);
                }
            }
        }

        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < missing.Length; i++)
        {
            if (missing[i] == 0)
            {
                ready.Enqueue(i, i);
            }
        }

        List<DraftNode> order = [];
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(declared[next]);
            foreach (int consumer in consumers[next])
            {
                if (--missing[consumer] == 0)
                {
                    ready.Enqueue(consumer, consumer);
                }
            }
        }

        if (order.Count < declared.Count)
        {
            ThrowCycle(declared, index, missing);
        }

        return order;
    }

    // Every node left over waits for another node left over: walking from input to input must come back.
    [DoesNotReturn]
    private static void ThrowCycle(List<DraftNode> declared, Dictionary<string, int> index, int[] missing)
    {
        List<int> walk = [];
        int at = Array.FindIndex(missing, count => count > 0);
        while (!walk.Contains(at))
        {
            walk.Add(at);
            at = declared[at].Inputs.Select(source => index.GetValueOrDefault(source.Node, -1)).First(i => i >= 0 && missing[i] > 0);
        }

        // In the direction of the data, the first declared first.
        List<int> cycle = [.. walk.SkipWhile(i => i != at).Reverse()];
        int first = cycle.IndexOf(cycle.Min());
        IEnumerable<int> turned = [.. cycle.Skip(first), .. cycle.Take(first), cycle[first]];
        string names = string.Join(" → ", turned.Select(i => $"'{declared[i].Name}'"));
        throw DistNetException.BadInput($"The nodes {names} form a cycle; a node's output cannot come back to its own input.");
    }
}
