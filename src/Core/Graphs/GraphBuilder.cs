using System.Collections.Immutable;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>From a model as written to a checked graph: put blocks in their places, flatten, order, make fan-outs explicit, then give every node its shapes, parameters and values.</summary>
internal static class GraphBuilder
{
    public static Graph Build(ModelDefinition definition, Shape inputShape, LossOptions? loss)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ModelFlattening flat = ModelFlattening.Of(BlockExpansion.Of(definition));
        List<DraftNode> order = TopologicalOrder.Of(flat.Nodes);
        CheckInputCounts(order);
        CheckUsed(flat.Nodes, flat.Output);
        CheckFrozen(flat.Nodes);
        FanOut.MakeExplicit(order);

        // Shapes follow the topological order; the layout follows the declaration.
        ShapeInference shapes = ShapeInference.Of(order, inputShape);
        Layout layout = new(flat.Nodes.Where(node => node.Owner == node.Name).SelectMany(
            node => shapes.Parameters(node).Select(parameter => (FullName(node.Name, parameter), parameter.Shape, node.Frozen && parameter.Role != ParameterRole.Buffer ? ParameterRole.Frozen : parameter.Role))));

        GraphAssembly assembly = new(order, shapes, layout, inputShape);
        ImmutableArray<GraphNode> nodes = assembly.Nodes();
        return new Graph
        {
            Definition = definition,
            Layout = layout,
            InputShape = inputShape,
            OutputShape = assembly.ValueOf(flat.Output).Shape,
            OutputName = flat.Output.Node,
            Nodes = nodes,
            Values = assembly.Values,
            Domains = [.. flat.Domains],
            OutputValue = assembly.IndexOf(flat.Output),
            Warnings = loss is null ? [] : GraphWarnings.Of(nodes, assembly.Values, assembly.IndexOf(flat.Output), loss),
        };
    }

    public static string FullName(string node, ParameterDefinition parameter) => $"{node}.{parameter.Name}";

    private static void CheckInputCounts(List<DraftNode> nodes)
    {
        foreach (DraftNode node in nodes)
        {
            InputCount expected = node.Module.Inputs;
            if (node.Inputs.Count < expected.Minimum || node.Inputs.Count > expected.Maximum)
            {
                throw DistNetException.BadInput(
                    $"Node '{node.Name}' ({node.Module.Kind}) has {node.Inputs.Count} {(node.Inputs.Count == 1 ? "input" : "inputs")}; it takes {expected}.");
            }
        }
    }

    private static void CheckFrozen(List<DraftNode> nodes)
    {
        foreach (DraftNode node in nodes.Where(node => node.Frozen && node.Owner != node.Name))
        {
            if (!nodes.Any(owner => owner.Name == node.Owner && owner.Frozen))
            {
                throw DistNetException.BadInput($"Node '{node.Name}' ({node.Module.Kind}) is frozen, but shares the parameters of '{node.Owner}', which is not; freeze '{node.Owner}'.");
            }
        }
    }

    private static void CheckUsed(List<DraftNode> nodes, DraftSource output)
    {
        HashSet<string> used = [output.Node, .. nodes.SelectMany(node => node.Inputs).Select(source => source.Node)];
        if (nodes.Find(node => !used.Contains(node.Name)) is { } unused)
        {
            throw DistNetException.BadInput(
                $"Node '{unused.Name}' ({unused.Module.Kind}) is used by no node and is not the output '{output.Node}'; use its output or remove it.");
        }
    }
}
