using System.Collections.Immutable;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>A checked model: nodes in topological order, every fan-out an explicit Duplicate, shapes and parameters known. Immutable; safe to use from any thread.</summary>
public sealed class Graph
{
    internal Graph()
    {
    }

    /// <summary>The model as written.</summary>
    public required ModelDefinition Definition { get; init; }

    /// <summary>Names, shapes and offsets of all parameters, in the order in which the model declares its nodes.</summary>
    public required Layout Layout { get; init; }

    /// <summary>The shape of one sample.</summary>
    public required Shape InputShape { get; init; }

    /// <summary>The shape of one sample's output.</summary>
    public required Shape OutputShape { get; init; }

    /// <summary>The name of the node that gives the output; <c>input</c> for a model without nodes.</summary>
    public required string OutputName { get; init; }

    /// <summary>What is probably not meant, one sentence each.</summary>
    public required ImmutableArray<string> Warnings { get; init; }

    /// <summary>The nodes in topological order, those included that the builder inserted.</summary>
    public required ImmutableArray<GraphNode> Nodes { get; init; }

    /// <summary>Every output of every node, the sample first.</summary>
    internal ImmutableArray<GraphValue> Values { get; init; } = [];

    /// <summary>The sets of rows: all, then one per branch of each Select, parents first.</summary>
    internal ImmutableArray<GraphDomain> Domains { get; init; } = [];

    /// <summary>The value that goes into the loss.</summary>
    internal int OutputValue { get; init; }

    /// <summary>Checks a model and puts it in order.</summary>
    /// <param name="definition">The model as written.</param>
    /// <param name="inputShape">The shape of one sample.</param>
    /// <param name="loss">The loss it will be trained with, for warnings that depend on it; null to look at the model alone.</param>
    /// <exception cref="DistNetException">The model is wrong: one sentence that names the node, with found and expected.</exception>
    public static Graph Build(ModelDefinition definition, Shape inputShape, LossOptions? loss = null) => GraphBuilder.Build(definition, inputShape, loss);

    /// <summary>A table of nodes, shapes and parameters, for people.</summary>
    public string Describe() => GraphDescription.Of(this);
}
