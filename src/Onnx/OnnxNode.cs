using System.Runtime.InteropServices;
using DistNet.Graphs;
using DistNet.Onnx.Wire;
using DistNet.Tensors;

namespace DistNet.Onnx;

/// <summary>One node of the model on its way into the file: its inputs and parameters by name, and the operations it is made of.</summary>
/// <param name="writer">The file.</param>
/// <param name="node">The node.</param>
/// <param name="inputs">The names of its inputs.</param>
internal sealed class OnnxNode(OnnxWriter writer, GraphNode node, string[] inputs)
{
    /// <summary>The names of its inputs; the first dimension of each is the batch.</summary>
    public IReadOnlyList<string> Inputs => inputs;

    /// <summary>The name of its first input.</summary>
    public string Input => inputs[0];

    /// <summary>The shape of one sample's first input.</summary>
    public Shape InputShape => node.InputShapes[0];

    /// <summary>The shape of one sample's output.</summary>
    public Shape OutputShape => node.OutputShape;

    /// <summary>The names of its parameters, in the module's order.</summary>
    public IEnumerable<string> Parameters => node.Parameters.Select(use => use.Entry.Name);

    /// <summary>The name of a parameter.</summary>
    public string Parameter(string name) => node.Parameters.First(use => use.Definition.Name == name).Entry.Name;

    /// <summary>For the end of a Select: the node that routes the samples, and its input's name.</summary>
    public (GraphNode Node, string Input) Route => writer.RouteOf(node);

    /// <summary>Adds an operation and returns its output's name.</summary>
    public string Add(string operation, IEnumerable<string> operands, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        string output = writer.Unused(node.Name);
        writer.Add(operation, output, operands, output, attributes);
        return output;
    }

    /// <summary>Adds constants of floats and returns their name.</summary>
    public string Floats(string name, ReadOnlySpan<float> values, params long[] dimensions) => Constant(name, MemoryMarshal.AsBytes(values), TensorProto.Types.DataType.Float, dimensions);

    /// <summary>Adds a list of whole numbers (a shape, say) and returns its name.</summary>
    public string Integers(string name, params ReadOnlySpan<long> values) => Constant(name, MemoryMarshal.AsBytes(values), TensorProto.Types.DataType.Int64, [values.Length]);

    /// <summary>The same samples in another shape.</summary>
    /// <param name="operand">What is reshaped.</param>
    /// <param name="sample">The shape of one sample; −1 for what is left over.</param>
    public string Reshape(string operand, params ReadOnlySpan<long> sample) => Add("Reshape", [operand, Integers("shape", [0, .. sample])]);

    private string Constant(string name, ReadOnlySpan<byte> values, TensorProto.Types.DataType type, long[] dimensions)
    {
        string constant = writer.Unused($"{node.Name}.{name}");
        writer.AddInitializer(constant, dimensions, type, values);
        return constant;
    }
}
