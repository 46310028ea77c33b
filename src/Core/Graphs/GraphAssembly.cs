using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The last step of the builder: numbers values, finds which gradients are needed, and binds nodes to the layout.</summary>
internal sealed class GraphAssembly
{
    private readonly List<DraftNode> order;
    private readonly ShapeInference shapes;
    private readonly Layout layout;
    private readonly Dictionary<DraftSource, int> indexes = [];
    private readonly List<GraphValue> values = [];

    public GraphAssembly(List<DraftNode> order, ShapeInference shapes, Layout layout, Shape inputShape)
    {
        this.order = order;
        this.shapes = shapes;
        this.layout = layout;
        Add(new DraftSource(ModelDefinition.InputName, 0), new GraphValue(inputShape, 0, -1, false));
    }

    public ImmutableArray<GraphValue> Values => [.. values];

    public int IndexOf(DraftSource source) => indexes[source];

    public GraphValue ValueOf(DraftSource source) => values[indexes[source]];

    public ImmutableArray<GraphNode> Nodes()
    {
        Dictionary<string, int> uses = [];
        var nodes = ImmutableArray.CreateBuilder<GraphNode>();
        foreach (DraftNode draft in order)
        {
            ImmutableArray<int> inputs = [.. draft.Inputs.Select(IndexOf)];
            ImmutableArray<bool> needed = [.. inputs.Select(input => values[input].NeedsGradient)];
            ImmutableArray<ParameterUse> parameters = Parameters(draft, uses);
            bool gives = needed.Contains(true) || parameters.Any(use => use.Entry.IsTrained);
            Shape shape = shapes.Output(draft.Name);
            for (int output = 0; output < draft.Module.Outputs; output++)
            {
                Add(new DraftSource(draft.Name, output), new GraphValue(shape, draft.DomainOf(output), nodes.Count, gives));
            }

            nodes.Add(new GraphNode
            {
                Name = draft.Name,
                Module = draft.Module,
                InputShapes = shapes.Inputs(draft),
                OutputShape = shape,
                Frozen = order.Find(owner => owner.Name == draft.Owner)!.Frozen,
                Parameters = parameters,
                Inputs = inputs,
                Outputs = [.. Enumerable.Range(0, draft.Module.Outputs).Select(output => indexes[new DraftSource(draft.Name, output)])],
                InputNeedsGradient = needed,
                Domain = draft.Domain,
            });
        }

        return nodes.ToImmutable();
    }

    private ImmutableArray<ParameterUse> Parameters(DraftNode draft, Dictionary<string, int> uses)
    {
        var parameters = ImmutableArray.CreateBuilder<ParameterUse>();
        foreach (Modules.ParameterDefinition definition in shapes.Parameters(draft))
        {
            string name = GraphBuilder.FullName(draft.Owner, definition);
            bool found = layout.TryFind(name, out ParameterEntry? entry);
            Invariant.Holds(found);
            int use = uses.GetValueOrDefault(name);
            uses[name] = use + 1;
            parameters.Add(new ParameterUse(definition, entry!, use));
        }

        return parameters.ToImmutable();
    }

    private void Add(DraftSource source, GraphValue value)
    {
        indexes[source] = values.Count;
        values.Add(value);
    }
}
