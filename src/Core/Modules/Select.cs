using System.Collections.Immutable;
using DistNet.Graphs;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Routes each sample, by a rule on its input, to one of several branches; only that branch is computed for it and gets a gradient.</summary>
/// <remarks>
/// The lecture's data-dependent graph ("we could choose neural net module depending on the length of input vector"). The choice has no gradient. The builder replaces
/// it by a route, the branches' nodes (named <c>select1.branch0.fc1</c>) and a merge that bears the Select's name; branches may hold Selects of their own.
/// </remarks>
public sealed class Select : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="rule">Chooses the branch.</param>
    /// <param name="branches">The branches: models with one output shape; <c>input</c> is the Select's input.</param>
    public Select(SelectRule rule, ImmutableArray<ModelDefinition> branches)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (branches.IsDefault || branches.Length != rule.Branches)
        {
            throw DistNetException.BadInput(
                $"A select module has {(branches.IsDefault ? 0 : branches.Length)} branches, but its rule chooses among {rule.Branches}.");
        }

        Rule = rule;
        Branches = branches;
    }

    /// <summary>Chooses the branch.</summary>
    public SelectRule Rule { get; }

    /// <summary>The branches.</summary>
    public ImmutableArray<ModelDefinition> Branches { get; }

    /// <inheritdoc/>
    public override string Kind => "select";

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) =>
        SameShapes.Of([.. Branches.Select(branch => Graph.Build(branch, inputs[0]).OutputShape)]);

    /// <summary>Never called: the builder replaces a Select by other nodes.</summary>
    public override void Forward(ForwardContext context) => Invariant.Holds(false);

    /// <summary>Never called: the builder replaces a Select by other nodes.</summary>
    public override void Backward(BackwardContext context) => Invariant.Holds(false);
}
