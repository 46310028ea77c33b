using System.Collections.Immutable;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The shapes and parameters of every draft node; a node that does not fit is named in the sentence.</summary>
internal sealed class ShapeInference
{
    private readonly Dictionary<string, Shape> outputs = [];
    private readonly Dictionary<string, ImmutableArray<Shape>> inputs = [];
    private readonly Dictionary<string, ImmutableArray<ParameterDefinition>> parameters = [];

    public static ShapeInference Of(List<DraftNode> order, Shape inputShape)
    {
        ShapeInference shapes = new();
        shapes.outputs[ModelDefinition.InputName] = inputShape;
        foreach (DraftNode node in order)
        {
            shapes.Add(node);
        }

        foreach (DraftNode node in order)
        {
            shapes.CheckShared(node);
        }

        return shapes;
    }

    public Shape Output(string node) => outputs[node];

    public ImmutableArray<Shape> Inputs(DraftNode node) => inputs[node.Name];

    public ImmutableArray<ParameterDefinition> Parameters(DraftNode node) => parameters[node.Name];

    private void Add(DraftNode node)
    {
        ImmutableArray<Shape> shapes = [.. node.Inputs.Select(source => outputs[source.Node])];
        inputs[node.Name] = shapes;
        try
        {
            outputs[node.Name] = node.Module.OutputShape(shapes);
            parameters[node.Name] = node.Module.Parameters(shapes);
        }
        catch (DistNetException failure)
        {
            throw DistNetException.BadInput($"Node '{node.Name}' ({node.Module.Kind}) does not fit: {failure.Message.TrimEnd('.')}.", failure);
        }
    }

    private void CheckShared(DraftNode node)
    {
        if (node.Owner == node.Name)
        {
            return;
        }

        string own = Words(parameters[node.Name]);
        string owners = Words(parameters[node.Owner]);
        if (own != owners)
        {
            throw DistNetException.BadInput(
                $"Node '{node.Name}' ({node.Module.Kind}) shares the parameters of '{node.Owner}', but it needs {own} and '{node.Owner}' has {owners}.");
        }
    }

    private static string Words(ImmutableArray<ParameterDefinition> definitions) =>
        definitions.IsEmpty ? "none" : string.Join(" and ", definitions.Select(definition => $"{definition.Name} {definition.Shape}"));
}
