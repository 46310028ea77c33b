using System.Collections.Immutable;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>One node of a model as written: not yet checked.</summary>
/// <param name="Name">Its name; parameters are named after it, <c>fc1.weight</c>.</param>
/// <param name="Module">Its derivative rule.</param>
/// <param name="Inputs">The names of the nodes it takes its inputs from; <c>input</c> is the sample.</param>
public sealed record NodeDefinition(string Name, Module Module, ImmutableArray<string> Inputs)
{
    /// <summary>The node whose parameters this one uses instead of its own (weight sharing); null for its own. A slice's gradient of a shared
    /// parameter is the sum over its uses, in the order of the graph.</summary>
    public string? Shares { get; init; }

    /// <summary>Whether its parameters, and those who share them, stay as they start: they get no gradient and no update. What lies below it gets no gradient either, where
    /// nothing there is trained. Without meaning for a module without parameters.</summary>
    public bool Frozen { get; init; }
}

/// <summary>A model as written: the nodes of a DAG, in the order of declaration, and the name of the output node.</summary>
/// <param name="Nodes">The nodes; they may be declared in any order.</param>
/// <param name="Output">The node whose output goes into the loss.</param>
public sealed record ModelDefinition(ImmutableArray<NodeDefinition> Nodes, string Output)
{
    /// <summary>The name by which nodes refer to the sample.</summary>
    public const string InputName = "input";

    /// <summary>The name of the node that <see cref="WithNormalization"/> adds.</summary>
    public const string NormalizationName = "normalize";

    /// <summary>A chain of modules, each fed by the one before. Nodes are named by kind and number: <c>fc1, fc2, …</c> (linear), <c>relu1, relu2, …</c>; see <see cref="Module.ShortName"/>.</summary>
    /// <param name="modules">The modules, the one that takes the sample first.</param>
    public static ModelDefinition Chain(params ReadOnlySpan<Module> modules)
    {
        ChainBuilder chain = new();
        foreach (Module module in modules)
        {
            chain.Add(module);
        }

        return chain.Model;
    }

    /// <summary>A chain of modules with names of their own, each fed by the one before.</summary>
    /// <param name="modules">The modules and their names, the one that takes the sample first.</param>
    public static ModelDefinition Chain(params ReadOnlySpan<(string Name, Module Module)> modules)
    {
        ChainBuilder chain = new();
        foreach ((string name, Module module) in modules)
        {
            chain.Add(module, name);
        }

        return chain.Model;
    }

    /// <summary>A residual: the sum, as node <c>add1</c>, of a chain and of a shortcut around it.</summary>
    /// <param name="main">The chain, its nodes named as in every chain.</param>
    /// <param name="shortcut">The chain around it, its nodes named <c>shortcut1.conv1</c>, …; empty for the input itself.</param>
    public static ModelDefinition Residual(ReadOnlySpan<Module> main, ReadOnlySpan<Module> shortcut = default)
    {
        ChainBuilder chain = new();
        foreach (Module module in main)
        {
            chain.Add(module);
        }

        string around = InputName;
        if (!shortcut.IsEmpty)
        {
            ChainBuilder side = chain.Shortcut(InputName);
            foreach (Module module in shortcut)
            {
                side.Add(module);
            }

            around = side.Output;
        }

        chain.AddSum(around);
        return chain.Model;
    }

    /// <summary>This model with modules after its output, named as in a chain that goes on.</summary>
    /// <param name="modules">The modules, the one that takes this model's output first.</param>
    public ModelDefinition Then(params ReadOnlySpan<Module> modules)
    {
        ChainBuilder chain = ChainBuilder.From(this);
        foreach (Module module in modules)
        {
            chain.Add(module);
        }

        return chain.Model;
    }

    /// <summary>The same model with some nodes frozen (<see cref="NodeDefinition.Frozen"/>); one without parameters stays as it is.</summary>
    /// <param name="patterns">Names, <c>*</c> for any characters: <c>"conv*"</c>, <c>"layer1.*"</c> for the nodes of a block.</param>
    /// <exception cref="DistNetException">A pattern matches no node.</exception>
    public ModelDefinition Freeze(params ReadOnlySpan<string> patterns)
    {
        if (Nodes.Any(node => node.Module is Block))
        {
            return BlockExpansion.Of(this).Freeze(patterns);
        }

        ImmutableArray<NodeDefinition> nodes = Nodes;
        foreach (string pattern in patterns)
        {
            if (!nodes.Any(node => NamePattern.Matches(pattern, node.Name)))
            {
                throw DistNetException.BadInput($"The model has no node '{pattern}' to freeze{NearestName.Question(pattern, nodes.Select(node => node.Name))}");
            }

            nodes = [.. nodes.Select(node => NamePattern.Matches(pattern, node.Name) ? node with { Frozen = true } : node)];
        }

        return this with { Nodes = nodes };
    }

    /// <summary>The same model with a normalisation, as node <c>normalize</c>, between the sample and everything else but the augmentations at the front.</summary>
    /// <remarks>Augmentations that stand one behind the other at the front, and are all that takes the sample, see it raw, and the normalisation follows the last of them: a pixel that a crop fills or a
    /// cutout clears is then 0 in the data's own values, a black one, and is normalised like any other. An augmentation anywhere else sees what stands before it.</remarks>
    /// <exception cref="DistNetException">The model has a node of that name already.</exception>
    public ModelDefinition WithNormalization(Normalization normalization)
    {
        if (Nodes.Any(node => node.Module is Block))
        {
            return BlockExpansion.Of(this).WithNormalization(normalization);
        }

        if (Nodes.Any(node => node.Name == NormalizationName))
        {
            throw DistNetException.BadInput($"The model has a node '{NormalizationName}', a name that is kept for the normalisation of the data; give it another name.");
        }

        string raw = AugmentedSample();
        string Renamed(string name) => name == raw ? NormalizationName : name;
        IEnumerable<NodeDefinition> rest = Nodes.Select(node => node with { Inputs = [.. node.Inputs.Select(Renamed)] });
        return new ModelDefinition([new NodeDefinition(NormalizationName, normalization, [raw]), .. rest], Renamed(Output));
    }

    // The last of the augmentations at the front; the sample where there are none.
    private string AugmentedSample()
    {
        string raw = InputName;
        List<NodeDefinition> rest = [.. Nodes];
        while (raw != Output && rest.FindAll(node => node.Inputs.Contains(raw)) is [{ Module: Augmentation, Inputs.Length: 1 } only] && rest.Remove(only))
        {
            raw = only.Name;
        }

        return raw;
    }
}
