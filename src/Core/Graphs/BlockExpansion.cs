using System.Collections.Immutable;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Puts the nodes of each <see cref="Block"/> in its place: a model without blocks that computes the same, with the names that the nodes have in the end.</summary>
internal static class BlockExpansion
{
    /// <exception cref="DistNetException">A block has several inputs or a name that is taken, or blocks go round in a circle.</exception>
    public static ModelDefinition Of(ModelDefinition model)
    {
        var nodes = ImmutableArray.CreateBuilder<NodeDefinition>();
        Dictionary<string, string> outputs = [];
        foreach (NodeDefinition node in model.Nodes)
        {
            switch (node.Module)
            {
                case Block block:
                    outputs[Checked(node, outputs)] = Add(nodes, node, Of(block.Model));
                    break;
                case Select select:
                    nodes.Add(node with { Module = new Select(select.Rule, [.. select.Branches.Select(Of)]) });
                    break;
                default:
                    nodes.Add(node);
                    break;
            }
        }

        if (outputs.Count == 0)
        {
            return model with { Nodes = nodes.ToImmutable() };
        }

        if (nodes.FirstOrDefault(node => outputs.ContainsKey(node.Name)) is { } twice)
        {
            throw DistNetException.BadInput($"Two nodes are named '{twice.Name}'; each needs a name of its own.");
        }

        // Who takes from a block takes from the node that gives its output.
        string Resolved(string name)
        {
            string first = name;
            for (int steps = 0; outputs.TryGetValue(name, out string? output); steps++)
            {
                name = steps < outputs.Count
                    ? output
                    : throw DistNetException.BadInput($"The block '{first}' gives its own input, which comes from itself; a node's output cannot come back to its own input.");
            }

            return name;
        }

        return new ModelDefinition([.. nodes.Select(node => node with { Inputs = [.. node.Inputs.Select(Resolved)] })], Resolved(model.Output));
    }

    // Adds a block's nodes under its name and returns what gives its output.
    private static string Add(ImmutableArray<NodeDefinition>.Builder nodes, NodeDefinition block, ModelDefinition model)
    {
        HashSet<string> own = [.. model.Nodes.Select(node => node.Name)];
        string Named(string name) => $"{block.Name}.{name}";
        string Source(string name) => name == ModelDefinition.InputName ? block.Inputs[0] : Named(name);

        // The nodes of a frozen block are frozen, branches too. A branch may share the parameters of a node of the block around it.
        NodeDefinition Placed(NodeDefinition node, HashSet<string> beside, bool inBranch) => node with
        {
            Frozen = node.Frozen || (block.Frozen && node.Shares is null && node.Module is not Select),
            Shares = node.Shares is { } shares && own.Contains(shares) && !(inBranch && beside.Contains(shares)) ? Named(shares) : node.Shares,
            Module = node.Module is Select select ? new Select(select.Rule, [.. select.Branches.Select(Branch)]) : node.Module,
        };
        ModelDefinition Branch(ModelDefinition branch)
        {
            HashSet<string> beside = [.. branch.Nodes.Select(node => node.Name)];
            return branch with { Nodes = [.. branch.Nodes.Select(node => Placed(node, beside, inBranch: true))] };
        }

        foreach (NodeDefinition node in model.Nodes)
        {
            nodes.Add(Placed(node, own, inBranch: false) with { Name = Named(node.Name), Inputs = [.. node.Inputs.Select(Source)] });
        }

        return Source(model.Output);
    }

    private static string Checked(NodeDefinition block, Dictionary<string, string> outputs)
    {
        if (block.Inputs.Length != 1)
        {
            throw DistNetException.BadInput($"Node '{block.Name}' (block) has {block.Inputs.Length} inputs; it takes 1.");
        }

        if (block.Shares is not null)
        {
            throw DistNetException.BadInput($"Node '{block.Name}' (block) shares the parameters of '{block.Shares}', but a block has none of its own.");
        }

        if (string.IsNullOrWhiteSpace(block.Name) || block.Name == ModelDefinition.InputName)
        {
            throw DistNetException.BadInput($"A block is named '{block.Name}'; it needs a name, other than '{ModelDefinition.InputName}', which is the sample.");
        }

        return outputs.ContainsKey(block.Name) ? throw DistNetException.BadInput($"Two nodes are named '{block.Name}'; each needs a name of its own.") : block.Name;
    }
}
