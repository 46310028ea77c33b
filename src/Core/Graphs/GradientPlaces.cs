using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Finds where gradients lie, by going through the backward pass once. A rule that works element by element writes its input gradient over its output gradient, unless somebody else still
/// reads that. Any other takes a buffer that nobody reads any more, of a value or of an earlier gradient: the one of the value whose gradient it is, or the one that was read last, which is likely
/// in the caches; or a new one.</summary>
/// <remarks>Buffers change hands between rows of one width alone: threads do not wait for each other in a pass, and each keeps to the floats of its own slices.</remarks>
/// <param name="graph">The graph.</param>
/// <param name="memory">The buffers of its nodes; those of the gradients are set here.</param>
/// <param name="values">The buffer of each value.</param>
/// <param name="make">Makes a new buffer for a value's gradient.</param>
internal sealed class GradientPlaces(Graph graph, ExecutionMemory memory, RowBuffer[] values, Func<int, RowBuffer> make)
{
    private static readonly RowBuffer NoRows = new(0);

    private readonly RowBuffer?[] gradients = new RowBuffer?[graph.Values.Length];

    // How many rules will still read a buffer in the backward pass.
    private readonly Dictionary<RowBuffer, int> readers = values.Distinct().ToDictionary(buffer => buffer, _ => 0);

    // What is read after the backward pass of a wave, or by the caller.
    private readonly HashSet<RowBuffer> held = [memory.Output];

    // What nobody reads any more, the latest last.
    private readonly List<RowBuffer> free = [];

    /// <summary>Sets the nodes' gradients.</summary>
    /// <returns>The gradient by the model's output; null where no parameter that is trained lies upstream.</returns>
    public RowBuffer? Place()
    {
        foreach (NodeMemory node in memory.Nodes)
        {
            Announce(node);
        }

        free.AddRange(readers.Where(buffer => buffer.Value == 0 && !held.Contains(buffer.Key)).Select(buffer => buffer.Key));
        if (graph.Values[graph.OutputValue].NeedsGradient)
        {
            gradients[graph.OutputValue] = make(graph.OutputValue);
            readers[gradients[graph.OutputValue]!] = 1;
        }

        for (int index = memory.Nodes.Length - 1; index >= 0; index--)
        {
            Place(memory.Nodes[index]);
        }

        return gradients[graph.OutputValue];
    }

    // The values that a rule will read again.
    private void Announce(NodeMemory node)
    {
        RowBuffer[] read = ReadBack(node);
        if (node.Node.NeedsBackward)
        {
            Array.ForEach(read, buffer => readers[buffer]++);
        }

        if (GradientReadsRows(node))
        {
            held.UnionWith(read);
        }
    }

    private void Place(NodeMemory node)
    {
        bool isGiven = graph.Values[node.Node.Outputs[0]].NeedsGradient;
        if (isGiven)
        {
            node.OutputGradients = [.. node.Node.Outputs.Select(output => gradients[output]!)];
            if (GradientReadsRows(node))
            {
                held.UnionWith(node.OutputGradients);
            }

            if (node.IsKept)
            {
                node.OutputGradients[0].Keep();
            }
        }

        if (!node.Node.NeedsBackward)
        {
            return;
        }

        RowBuffer outgoing = node.OutputGradients[0];
        bool isPassedOn = node.Node.Module.InputGradientIsOutputGradient || node.IsTakenIn
            || (node.Node.Module.BackwardInPlace && readers[outgoing] == 1 && !held.Contains(outgoing));
        bool isNeeded = node.Node.InputNeedsGradient.Contains(true);
        node.InputGradients = [.. node.Node.Inputs.Select(input => !isNeeded ? NoRows : isPassedOn ? outgoing : Take(input))];
        for (int index = 0; index < node.InputGradients.Length; index++)
        {
            gradients[node.Node.Inputs[index]] = node.InputGradients[index];
            readers[node.InputGradients[index]] = readers.GetValueOrDefault(node.InputGradients[index]) + 1;
        }

        // What nobody needs is written all the same, and read by nobody.
        for (int index = 0; index < node.InputGradients.Length; index++)
        {
            if (!node.Node.InputNeedsGradient[index])
            {
                Done(node.InputGradients[index]);
            }
        }

        Array.ForEach([.. node.OutputGradients], Done);
        Array.ForEach(ReadBack(node), Done);
    }

    private RowBuffer Take(int value)
    {
        int width = values[value].Width, index = free.IndexOf(values[value]);
        index = index >= 0 ? index : free.FindLastIndex(buffer => buffer.Width == width);
        if (index < 0)
        {
            return make(value);
        }

        RowBuffer taken = free[index];
        free.RemoveAt(index);
        return taken;
    }

    private void Done(RowBuffer buffer)
    {
        readers[buffer]--;
        if (readers[buffer] == 0 && !held.Contains(buffer) && buffer != NoRows)
        {
            free.Add(buffer);
        }
    }

    // Without repetition. The rule of a node that is taken in is computed by the node after it.
    private static RowBuffer[] ReadBack(NodeMemory node)
    {
        ForwardValues reads = node.IsTakenIn ? ForwardValues.None : node.Node.Module.BackwardReads;
        return [.. (reads.HasFlag(ForwardValues.Inputs) ? node.Inputs : []).Union(reads.HasFlag(ForwardValues.Outputs) ? node.Outputs : [])];
    }

    // Parameters' gradients are computed when the rows of a wave, or of the pass, are through.
    private static bool GradientReadsRows(NodeMemory node) => !node.Node.Module.GradientNeedsSumsAlone && node.Node.Parameters.Any(use => use.Entry.IsTrained);
}
