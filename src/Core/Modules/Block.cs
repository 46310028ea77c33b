using System.Collections.Immutable;
using System.Globalization;
using DistNet.Graphs;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>A model used as one module of another. The builder puts its nodes in its place, named after it: the node <c>conv1</c> of a block <c>layer1</c> is
/// <c>layer1.conv1</c>, and its weight <c>layer1.conv1.weight</c>.</summary>
/// <remarks>The nodes are those that would have been written out by hand: a block changes nothing in what is computed or where the parameters lie.</remarks>
public sealed class Block : Module
{
    /// <summary>Creates the block.</summary>
    /// <param name="model">Its model; <c>input</c> is the block's input.</param>
    /// <param name="shortName">The word by which a chain names it, a number after it.</param>
    public Block(ModelDefinition model, string shortName = "block")
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        ShortName = shortName;
    }

    /// <summary>The model.</summary>
    public ModelDefinition Model { get; }

    /// <inheritdoc/>
    public override string Kind => "block";

    /// <inheritdoc/>
    public override string ShortName { get; }

    /// <summary>A chain whose nodes are named by their number, <c>0</c>, <c>1</c>, …, as PyTorch's Sequential names them.</summary>
    /// <param name="modules">The modules; one instance may stand several times.</param>
    public static Block Sequential(params ReadOnlySpan<Module> modules)
    {
        var named = new (string, Module)[modules.Length];
        for (int index = 0; index < named.Length; index++)
        {
            named[index] = (index.ToString(CultureInfo.InvariantCulture), modules[index]);
        }

        return new Block(ModelDefinition.Chain(named));
    }

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => Graph.Build(Model, inputs[0]).OutputShape;

    /// <summary>Never called: the builder replaces a block by its nodes.</summary>
    public override void Forward(ForwardContext context) => Invariant.Holds(false);

    /// <summary>Never called: the builder replaces a block by its nodes.</summary>
    public override void Backward(BackwardContext context) => Invariant.Holds(false);
}
