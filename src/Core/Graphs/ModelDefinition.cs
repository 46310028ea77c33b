using System.Collections.Immutable;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>One node of a model as written: not yet checked.</summary>
/// <param name="Name">Its name; parameters are named after it, <c>fc1.weight</c>.</param>
/// <param name="Module">Its derivative rule.</param>
/// <param name="Inputs">The names of the nodes it takes its inputs from; <c>input</c> is the sample.</param>
public sealed record NodeDefinition(string Name, Module Module, ImmutableArray<string> Inputs);

/// <summary>A model as written: the nodes of a DAG, in the order of declaration, and the name of the output node.</summary>
/// <param name="Nodes">The nodes; they may be declared in any order.</param>
/// <param name="Output">The node whose output goes into the loss.</param>
public sealed record ModelDefinition(ImmutableArray<NodeDefinition> Nodes, string Output)
{
    /// <summary>The name by which nodes refer to the sample.</summary>
    public const string InputName = "input";
}
