using System.Collections.Immutable;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>One node of a checked graph.</summary>
public sealed class GraphNode
{
    internal GraphNode()
    {
    }

    /// <summary>Its name: in a branch of a Select, with the branch before it (<c>select1.branch0.fc1</c>).</summary>
    public required string Name { get; init; }

    /// <summary>Its derivative rule.</summary>
    public required Module Module { get; init; }

    /// <summary>The shapes of one sample's inputs.</summary>
    public required ImmutableArray<Shape> InputShapes { get; init; }

    /// <summary>The shape of one sample's output.</summary>
    public required Shape OutputShape { get; init; }

    /// <summary>The parameters and buffers it uses, in the module's order.</summary>
    public required ImmutableArray<ParameterUse> Parameters { get; init; }

    /// <summary>Whether its parameters and buffers stay as they start.</summary>
    public required bool Frozen { get; init; }

    /// <summary>The values it takes, as indexes into <see cref="Graph.Values"/>.</summary>
    internal ImmutableArray<int> Inputs { get; init; } = [];

    /// <summary>The values it gives, as indexes into <see cref="Graph.Values"/>.</summary>
    internal ImmutableArray<int> Outputs { get; init; } = [];

    /// <summary>Whether an input's gradient is needed: a parameter that is trained lies upstream of it.</summary>
    internal ImmutableArray<bool> InputNeedsGradient { get; init; } = [];

    /// <summary>The rows it works on, an index into <see cref="Graph.Domains"/>.</summary>
    internal int Domain { get; init; }

    /// <summary>Whether the backward rule runs at all.</summary>
    internal bool NeedsBackward => InputNeedsGradient.Contains(true) || (Module.BackwardKeepsSums && Parameters.Any(use => use.Entry.IsTrained));
}

/// <summary>One use of a parameter by a node.</summary>
/// <param name="Definition">What the module says of it.</param>
/// <param name="Entry">Its place in the arena.</param>
/// <param name="Use">Which use of the parameter this is, from 0, in the order of the graph: its gradient is the sum over the uses in that order.</param>
public sealed record ParameterUse(ParameterDefinition Definition, ParameterEntry Entry, int Use);

/// <summary>One output of a node, with its only consumer.</summary>
/// <param name="Shape">One sample's shape.</param>
/// <param name="Domain">The rows that exist, an index into <see cref="Graph.Domains"/>.</param>
/// <param name="Producer">The node that gives it; −1 for the sample.</param>
/// <param name="NeedsGradient">Whether a parameter that is trained lies upstream.</param>
internal sealed record GraphValue(Shape Shape, int Domain, int Producer, bool NeedsGradient);

/// <summary>A set of rows: all of them, or those that took one branch.</summary>
/// <param name="Parent">The set it is a part of; −1 for all rows.</param>
internal sealed record GraphDomain(int Parent);
