using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>From a model as written to a flat list of draft nodes: checks names, and replaces each Select by a route, the nodes of its branches and a merge.</summary>
internal sealed class ModelFlattening
{
    private readonly HashSet<string> names = new(StringComparer.Ordinal) { ModelDefinition.InputName };

    public List<DraftNode> Nodes { get; } = [];

    public List<GraphDomain> Domains { get; } = [new GraphDomain(-1)];

    public DraftSource Output { get; private set; }

    public static ModelFlattening Of(ModelDefinition definition)
    {
        ModelFlattening flattening = new();
        flattening.Output = flattening.Flatten(new Scope(definition, "", null), new DraftSource(ModelDefinition.InputName, 0), 0);
        return flattening;
    }

    // Adds a model's nodes and returns where its output comes from.
    private DraftSource Flatten(Scope scope, DraftSource sample, int domain)
    {
        CheckNames(scope);
        foreach (NodeDefinition node in scope.Model.Nodes)
        {
            DraftSource[] inputs = [.. node.Inputs.Select(input => Resolve(scope, node, input, sample))];
            if (node.Module is Select select)
            {
                AddSelect(scope, node, select, inputs, domain);
            }
            else
            {
                DraftNode draft = Add(scope.Prefix + node.Name, node.Module, domain, inputs);
                draft.Owner = Owner(scope, node);
                draft.Frozen = node.Frozen;
            }
        }

        string output = scope.Model.Output;
        if (output != ModelDefinition.InputName && !scope.Has(output))
        {
            throw DistNetException.BadInput($"The {scope.Words} names '{output}' as its output, which is no node{NearestName.Question(output, scope.Names)}");
        }

        return output == ModelDefinition.InputName ? sample : new DraftSource(scope.Prefix + output, 0);
    }

    private void AddSelect(Scope scope, NodeDefinition node, Select select, DraftSource[] inputs, int domain)
    {
        string name = scope.Prefix + node.Name;
        if (inputs.Length != 1)
        {
            throw DistNetException.BadInput($"Node '{name}' (select) has {inputs.Length} inputs; it takes 1.");
        }

        if (node.Shares is not null)
        {
            throw DistNetException.BadInput($"Node '{name}' (select) shares the parameters of '{node.Shares}', but a select has none of its own.");
        }

        string routeName = name + ".route";
        DraftNode route = Add(routeName, new Route(select.Rule), domain, inputs);
        route.OutputDomains = new int[select.Branches.Length];
        DraftSource[] outputs = new DraftSource[select.Branches.Length];
        for (int branch = 0; branch < outputs.Length; branch++)
        {
            route.OutputDomains[branch] = Domains.Count;
            Domains.Add(new GraphDomain(domain));
            Scope inner = new(select.Branches[branch], $"{name}.branch{branch}.", scope);
            outputs[branch] = Flatten(inner, new DraftSource(routeName, branch), route.OutputDomains[branch]);
        }

        Add(name, new Merge(outputs.Length), domain, outputs);
    }

    private DraftNode Add(string name, Module module, int domain, DraftSource[] inputs)
    {
        if (!names.Add(name))
        {
            throw DistNetException.BadInput($"Two nodes are named '{name}'; each needs a name of its own.");
        }

        DraftNode node = new(name, module, domain);
        node.Inputs.AddRange(inputs);
        Nodes.Add(node);
        return node;
    }

    private static void CheckNames(Scope scope)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (NodeDefinition node in scope.Model.Nodes)
        {
            if (string.IsNullOrWhiteSpace(node.Name))
            {
                throw DistNetException.BadInput($"A node of the {scope.Words} ({node.Module.Kind}) has no name.");
            }

            if (node.Name == ModelDefinition.InputName)
            {
                throw DistNetException.BadInput($"A node of the {scope.Words} ({node.Module.Kind}) is named '{ModelDefinition.InputName}', which is the name of the sample; give it another name.");
            }

            if (!seen.Add(node.Name))
            {
                throw DistNetException.BadInput($"Two nodes are named '{scope.Prefix}{node.Name}'; each needs a name of its own.");
            }
        }
    }

    private static DraftSource Resolve(Scope scope, NodeDefinition node, string input, DraftSource sample)
    {
        if (input == ModelDefinition.InputName)
        {
            return sample;
        }

        return scope.Has(input)
            ? new DraftSource(scope.Prefix + input, 0)
            : throw DistNetException.BadInput(
                $"Node '{scope.Prefix}{node.Name}' takes an input from '{input}', which is no node{NearestName.Question(input, scope.Names.Where(name => name != node.Name))}");
    }

    // A node may share the parameters of a node beside it or of the models around it, the innermost first.
    private static string Owner(Scope scope, NodeDefinition node)
    {
        string own = scope.Prefix + node.Name;
        if (node.Shares is null)
        {
            return own;
        }

        for (Scope? place = scope; place is not null; place = place.Outer)
        {
            NodeDefinition? owner = place.Model.Nodes.FirstOrDefault(candidate => candidate.Name == node.Shares);
            if (owner is null || place.Prefix + owner.Name == own)
            {
                continue;
            }

            return owner.Shares is null
                ? place.Prefix + owner.Name
                : throw DistNetException.BadInput($"Node '{own}' shares the parameters of '{node.Shares}', which itself shares those of '{owner.Shares}'; name '{owner.Shares}'.");
        }

        throw DistNetException.BadInput($"Node '{own}' shares the parameters of '{node.Shares}', which is no other node{NearestName.Question(node.Shares, scope.Names.Where(name => name != node.Name))}");
    }

    private sealed record Scope(ModelDefinition Model, string Prefix, Scope? Outer)
    {
        public string Words => Prefix.Length == 0 ? "model" : $"branch '{Prefix[..^1]}'";

        public IEnumerable<string> Names => Model.Nodes.Select(node => node.Name).Append(ModelDefinition.InputName);

        public bool Has(string name) => Model.Nodes.Any(node => node.Name == name);
    }
}
