using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Graphs;

/// <summary>Where the first value was that is not finite.</summary>
/// <param name="Slice">The global index of the slice.</param>
/// <param name="Node">The node that computed it; <c>input</c> for the sample, <c>loss</c> for the loss.</param>
/// <param name="What">What it is: <c>output</c>, <c>loss</c>, <c>input gradient</c>, <c>gradient of fc1.weight</c>, or <c>change of bn1.running_var</c>.</param>
public sealed record NonFiniteFinding(int Slice, string Node, string What);

/// <summary>Looks through the memory of a pass over one slice, in the order of computation: after its forward half, and after the whole.</summary>
internal static class NonFiniteSearch
{
    public static (string Node, string What)? InForward(Graph graph, ExecutionMemory memory, NodeMetrics metrics)
    {
        if (!IsFinite(memory, 0, memory.Sample, graph.InputShape.Length))
        {
            return (ModelDefinition.InputName, "input");
        }

        foreach (NodeMemory node in memory.Nodes)
        {
            for (int output = 0; output < node.Outputs.Length; output++)
            {
                int domain = graph.Values[node.Node.Outputs[output]].Domain;
                if (!IsFinite(memory, domain, node.Outputs[output], node.Node.OutputShape.Length))
                {
                    return (node.Node.Name, "output");
                }
            }
        }

        if (!double.IsFinite(metrics.Loss) || (memory.OutputGradient is { } start && !IsFinite(memory, 0, start, graph.OutputShape.Length)))
        {
            return ("loss", double.IsFinite(metrics.Loss) ? "gradient" : "loss");
        }

        return null;
    }

    public static (string Node, string What)? InBackward(Graph graph, ExecutionMemory memory, Arena gradient)
    {
        for (int index = memory.Nodes.Length - 1; index >= 0; index--)
        {
            if (InBackward(graph, memory, memory.Nodes[index], gradient) is { } what)
            {
                return (memory.Nodes[index].Node.Name, what);
            }
        }

        return null;
    }

    private static string? InBackward(Graph graph, ExecutionMemory memory, NodeMemory node, Arena gradient)
    {
        foreach (ParameterUse use in node.Node.Parameters)
        {
            if (!IsFinite(gradient[use.Entry]))
            {
                return $"{(use.Entry.IsBuffer ? "change" : "gradient")} of {use.Entry.Name}";
            }
        }

        for (int input = 0; input < node.InputGradients.Length; input++)
        {
            int domain = graph.Values[node.Node.Inputs[input]].Domain;
            if (node.Node.InputNeedsGradient[input] && !IsFinite(memory, domain, node.InputGradients[input], node.Node.InputShapes[input].Length))
            {
                return "input gradient";
            }
        }

        return null;
    }

    private static bool IsFinite(ExecutionMemory memory, int domain, RowBuffer buffer, int width)
    {
        Kernels.SliceRows rows = memory.Domains[domain].Slices[0];
        return IsFinite(buffer.Span.Slice(rows.First * width, rows.Count * width));
    }

    private static bool IsFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }
}
