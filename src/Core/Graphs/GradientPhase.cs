using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The parameters' gradients of every node of the sum: each thread takes a range of every parameter, and no sum is ever split.</summary>
/// <remarks>A parameter used by several nodes is a Duplicate of the parameter: its gradient is ((use 0 + use 1) + use 2) + …, in the order of the graph, where each
/// use's gradient is already summed over the slices. So the sum over uses is a part of the value of each node of the sum.</remarks>
internal sealed class GradientPhase : ITeamWork
{
    private readonly PassState pass;
    private readonly Layout layout;
    private readonly ExecutionMemory memory;
    private readonly ParameterGradientContext[] contexts;
    private readonly AlignedBuffer? shared;
    private readonly SliceRange[] ranges;
    private readonly Memory<float>[] gradients;
    private int count;

    public GradientPhase(PassState pass, Graph graph, ExecutionMemory memory, AlignedBuffer[] scratch, int maximumSlices)
    {
        this.pass = pass;
        this.memory = memory;
        layout = graph.Layout;
        contexts = [.. scratch.Select(own => new ParameterGradientContext(pass, own))];
        ranges = new SliceRange[maximumSlices];
        gradients = new Memory<float>[maximumSlices];
        if (graph.Nodes.Any(node => node.Parameters.Any(use => use.Use > 0)))
        {
            shared = new AlignedBuffer(layout.ArenaLength);
        }
    }

    /// <summary>Starts a new list of nodes of the sum.</summary>
    public void Clear()
    {
        gradients.AsSpan(0, count).Clear();
        count = 0;
    }

    /// <summary>Adds a node of the sum.</summary>
    /// <param name="slices">Its slices, counted within the pass.</param>
    /// <param name="gradient">Where its gradient goes, as long as the arena.</param>
    public void Add(SliceRange slices, Memory<float> gradient)
    {
        Invariant.Holds(gradient.Length == layout.ArenaLength);
        ranges[count] = slices;
        gradients[count++] = gradient;
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        for (int index = 0; index < count; index++)
        {
            if (part == 0)
            {
                ClearPadding(gradients[index].Span);
            }

            foreach (NodeMemory node in memory.Nodes)
            {
                if (!node.Node.Parameters.IsEmpty)
                {
                    contexts[part].Bind(node, pass.Rows, memory.Domains[node.Node.Domain].Slices, ranges[index].First, ranges[index].Count);
                    Compute(contexts[part], node.Node, gradients[index], part, parts);
                }
            }
        }
    }

    private void Compute(ParameterGradientContext context, GraphNode node, Memory<float> gradient, int part, int parts)
    {
        for (int parameter = 0; parameter < node.Parameters.Length; parameter++)
        {
            ParameterUse use = node.Parameters[parameter];
            (int from, int to) = Range(use, part, parts);
            if (from == to)
            {
                continue;
            }

            Memory<float> destination = gradient.Slice(use.Entry.Offset, use.Entry.Length);
            if (use.Use == 0)
            {
                context.WriteTo(destination);
                node.Module.ParameterGradient(context, parameter, from, to);
            }
            else
            {
                Memory<float> term = shared!.Memory.Slice(use.Entry.Offset, use.Entry.Length);
                context.WriteTo(term);
                node.Module.ParameterGradient(context, parameter, from, to);
                Span<float> sum = destination.Span[from..to];
                Elementwise.Add(pass.Unit, sum, term.Span[from..to], sum);
            }
        }
    }

    private static (int From, int To) Range(ParameterUse use, int part, int parts)
    {
        int unit = use.Definition.SplitLength;
        long units = (use.Entry.Length + (long)unit - 1) / unit;
        return ((int)Math.Min(units * part / parts * unit, use.Entry.Length), (int)Math.Min(units * (part + 1) / parts * unit, use.Entry.Length));
    }

    private void ClearPadding(Span<float> gradient)
    {
        for (int index = 0; index < layout.Entries.Length; index++)
        {
            int end = index + 1 < layout.Entries.Length ? layout.Entries[index + 1].Offset : layout.ArenaLength;
            int start = layout.Entries[index].Offset + layout.Entries[index].Length;
            gradient[start..end].Clear();
        }
    }
}
