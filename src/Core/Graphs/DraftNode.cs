using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Where a draft node takes an input from: a node's output. The sample is output 0 of the node <c>input</c>.</summary>
/// <param name="Node">The full name of the node.</param>
/// <param name="Output">Which of its outputs.</param>
internal readonly record struct DraftSource(string Node, int Output);

/// <summary>A node on its way through the builder: branches are flattened, names are full names.</summary>
/// <param name="name">Its full name.</param>
/// <param name="module">Its derivative rule.</param>
/// <param name="domain">The rows it works on.</param>
internal sealed class DraftNode(string name, Module module, int domain)
{
    public string Name { get; } = name;

    public Module Module { get; } = module;

    public int Domain { get; } = domain;

    public List<DraftSource> Inputs { get; } = [];

    /// <summary>The full name of the node whose parameters it uses; its own where it shares none.</summary>
    public string Owner { get; set; } = name;

    /// <summary>Whether its own parameters stay as they start.</summary>
    public bool Frozen { get; set; }

    /// <summary>For a route: the domains of its outputs. Elsewhere null: all outputs have the node's own.</summary>
    public int[]? OutputDomains { get; set; }

    public int DomainOf(int output) => OutputDomains?[output] ?? Domain;
}
