using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>Where the first value was that is not finite.</summary>
/// <param name="Slice">The global index of the slice.</param>
/// <param name="Node">The node that computed it; <c>input</c> for the sample, <c>loss</c> for the loss.</param>
/// <param name="What">What it is: <c>output</c>, <c>loss</c>, <c>input gradient</c>, <c>gradient of fc1.weight</c>, or <c>change of bn1.running_var</c>.</param>
public sealed record NonFiniteFinding(int Slice, string Node, string What);

/// <summary>Looks at the values of a pass over one slice when they have just been computed, since others may be written over them later.</summary>
/// <param name="graph">The graph.</param>
/// <param name="memory">The pass's memory.</param>
internal sealed class NonFiniteWatch(Graph graph, ExecutionMemory memory)
{
    private readonly HashSet<NodeMemory> outputs = [];
    private readonly HashSet<NodeMemory> inputGradients = [];
    private bool ofSample;
    private bool ofLoss;

    /// <summary>The samples are there.</summary>
    public void Sample() => ofSample = !IsFinite(0, memory.Sample);

    /// <summary>A node's output is there.</summary>
    public void Forward(NodeMemory node)
    {
        for (int output = 0; output < node.Outputs.Length; output++)
        {
            if (!IsFinite(node.Node.Outputs[output], node.Outputs[output]))
            {
                outputs.Add(node);
            }
        }
    }

    /// <summary>The gradient of the loss is there.</summary>
    public void Loss() => ofLoss = memory.OutputGradient is { } gradient && !IsFinite(graph.OutputValue, gradient);

    /// <summary>The gradients by a node's inputs are there.</summary>
    public void Backward(NodeMemory node)
    {
        for (int input = 0; input < node.InputGradients.Length; input++)
        {
            if (node.Node.InputNeedsGradient[input] && !IsFinite(node.Node.Inputs[input], node.InputGradients[input]))
            {
                inputGradients.Add(node);
            }
        }
    }

    /// <summary>After the pass: the first in the order of computation.</summary>
    /// <param name="loss">The slice's loss.</param>
    /// <param name="gradient">The parameters' gradients.</param>
    public (string Node, string What)? First(double loss, Arena gradient)
    {
        if (ofSample)
        {
            return (ModelDefinition.InputName, "input");
        }

        if (memory.Nodes.FirstOrDefault(outputs.Contains) is { } node)
        {
            return (node.Node.Name, "output");
        }

        return !double.IsFinite(loss) ? ("loss", "loss") : ofLoss ? ("loss", "gradient") : memory.Nodes.Reverse().Select(node => InBackward(node, gradient)).FirstOrDefault(found => found is not null);
    }

    private (string Node, string What)? InBackward(NodeMemory node, Arena gradient) =>
        node.Node.Parameters.FirstOrDefault(use => !IsFinite(gradient[use.Entry])) is { } use ? (node.Node.Name, $"{(use.Entry.IsBuffer ? "change" : "gradient")} of {use.Entry.Name}")
        : inputGradients.Contains(node) ? (node.Node.Name, "input gradient")
        : null;

    private bool IsFinite(int value, RowBuffer buffer)
    {
        SliceRows rows = memory.Domains[graph.Values[value].Domain].Slices[0];
        int width = graph.Values[value].Shape.Length;
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
