using System.Runtime.InteropServices;
using DistNet.Graphs;
using DistNet.Onnx.Wire;
using DistNet.Tensors;
using Google.Protobuf;

namespace DistNet.Onnx;

/// <summary>Turns a checked graph into ONNX's nodes, in the graph's own order, which is topological as ONNX wants it.</summary>
internal sealed class OnnxWriter
{
    private readonly Graph graph;
    private readonly Arena parameters;
    private readonly GraphProto file = new() { Name = "model" };
    private readonly string[] names;
    private readonly HashSet<string> taken = [OnnxExport.InputName, OnnxExport.OutputName];

    public OnnxWriter(Graph graph, Arena parameters)
    {
        this.graph = graph;
        this.parameters = parameters;
        names = new string[graph.Values.Length];
        names[0] = OnnxExport.InputName;
    }

    public GraphProto Write()
    {
        file.Input.Add(Value(OnnxExport.InputName, graph.InputShape));
        file.Output.Add(Value(OnnxExport.OutputName, graph.OutputShape));
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            taken.Add(entry.Name);
            AddInitializer(entry.Name, [.. entry.Shape.Dimensions.Select(dimension => (long)dimension)], TensorProto.Types.DataType.Float, MemoryMarshal.AsBytes(parameters[entry]));
        }

        foreach (GraphNode node in graph.Nodes)
        {
            string output = OnnxForms.Write(node, new OnnxNode(this, node, [.. node.Inputs.Select(input => names[input])]));
            foreach (int value in node.Outputs)
            {
                // All outputs of a fan-out or a route are its input.
                names[value] = output;
            }
        }

        Add("Identity", OnnxExport.OutputName, [names[graph.OutputValue]], OnnxExport.OutputName, []);
        return file;
    }

    /// <summary>The node that routes the samples of a Select, found by its merge.</summary>
    public (GraphNode Node, string Input) RouteOf(GraphNode merge)
    {
        GraphNode route = graph.Nodes.First(node => node.Name == merge.Name + ".route");
        return (route, names[route.Inputs[0]]);
    }

    /// <summary>A name that no value of the file has yet.</summary>
    public string Unused(string name)
    {
        while (!taken.Add(name))
        {
            name += "_";
        }

        return name;
    }

    public void Add(string operation, string name, IEnumerable<string> inputs, string output, ReadOnlySpan<(string Name, object Value)> attributes)
    {
        NodeProto node = new() { Name = name, OpType = operation, Input = { inputs }, Output = { output } };
        foreach ((string attribute, object value) in attributes)
        {
            node.Attribute.Add(Attribute(attribute, value));
        }

        file.Node.Add(node);
    }

    public void AddInitializer(string name, long[] dimensions, TensorProto.Types.DataType type, ReadOnlySpan<byte> values)
    {
        Invariant.Holds(BitConverter.IsLittleEndian);
        file.Initializer.Add(new TensorProto { Name = name, DataType = type, Dims = { dimensions }, RawData = ByteString.CopyFrom(values) });
    }

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        int number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = number },
        float number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = number },
        long[] numbers => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { numbers } },
        _ => throw new InvalidOperationException($"The attribute '{name}' is a {value.GetType()}."),
    };

    private static ValueInfoProto Value(string name, Shape sample)
    {
        TensorShapeProto shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "batch" } } };
        shape.Dim.AddRange(sample.Dimensions.Select(dimension => new TensorShapeProto.Types.Dimension { DimValue = dimension }));
        return new() { Name = name, Type = new() { TensorType = new() { ElemType = TensorProto.Types.DataType.Float, Shape = shape } } };
    }
}
