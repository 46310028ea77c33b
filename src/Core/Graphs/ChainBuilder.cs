using System.Collections.Immutable;
using System.Globalization;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Builds a chain: each node takes from the one before. Nodes are named by kind and number, <c>fc1</c>, <c>relu1</c>, <c>fc2</c>, unless they are given a name.</summary>
internal sealed class ChainBuilder
{
    private readonly List<NodeDefinition> nodes;
    private readonly Dictionary<string, int> counts = [];
    private readonly string prefix;

    public ChainBuilder()
        : this([], "", ModelDefinition.InputName)
    {
    }

    private ChainBuilder(List<NodeDefinition> nodes, string prefix, string output)
    {
        this.nodes = nodes;
        this.prefix = prefix;
        Output = output;
    }

    public IReadOnlyList<NodeDefinition> Nodes => nodes;

    /// <summary>The node that the next one takes from.</summary>
    public string Output { get; private set; }

    public ModelDefinition Model => new([.. nodes], Output);

    /// <summary>Goes on with a model that is there.</summary>
    public static ChainBuilder From(ModelDefinition model)
    {
        ChainBuilder chain = new([.. model.Nodes], "", model.Output);
        foreach (NodeDefinition node in model.Nodes.Where(node => !node.Name.Contains('.', StringComparison.Ordinal)))
        {
            chain.Next(node.Module.ShortName);
        }

        return chain;
    }

    /// <summary>Adds a module, fed by the chain's output.</summary>
    public NodeDefinition Add(Module module, string? name = null, string? shares = null, bool frozen = false) => Add(module, name, [Output], shares, frozen);

    /// <summary>Adds the sum of the chain's output and another node's.</summary>
    public NodeDefinition AddSum(string other, string? name = null) => Add(new Add(), name, [Output, other]);

    /// <summary>A side chain from a node on, whose nodes are named <c>shortcut1.…</c>.</summary>
    public ChainBuilder Shortcut(string from) => new(nodes, $"{prefix}{Next("shortcut")}.", from);

    private NodeDefinition Add(Module module, string? name, ImmutableArray<string> inputs, string? shares = null, bool frozen = false)
    {
        string unnamed = Next(module.ShortName);
        NodeDefinition node = new(prefix + (name ?? unnamed), module, inputs) { Shares = shares, Frozen = frozen };
        nodes.Add(node);
        Output = node.Name;
        return node;
    }

    private string Next(string word)
    {
        int number = counts[word] = counts.GetValueOrDefault(word) + 1;
        return word + number.ToString(CultureInfo.InvariantCulture);
    }
}
