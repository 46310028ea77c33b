using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The beginning of a <see cref="Select"/>: output b holds the samples of branch b, moved together within each slice. The execution moves the rows.</summary>
internal sealed class Route(SelectRule rule) : Module
{
    public SelectRule Rule { get; } = rule;

    public override string Kind => "route";

    public override int Outputs => Rule.Branches;

    public override double? Gain => null;

    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        Rule.Check(inputs[0].Length);
        return inputs[0];
    }

    public override void Forward(ForwardContext context) => Invariant.Holds(false);

    public override void Backward(BackwardContext context) => Invariant.Holds(false);
}

/// <summary>The end of a <see cref="Select"/>: each sample's output from the branch that it took. The execution moves the rows.</summary>
internal sealed class Merge(int branches) : Module
{
    public override string Kind => "select";

    public override InputCount Inputs => new(branches, branches);

    public override double? Gain => null;

    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        for (int branch = 1; branch < inputs.Length; branch++)
        {
            if (inputs[branch] != inputs[0])
            {
                throw DistNetException.BadInput($"its branch 0 gives the shape {inputs[0]}, but its branch {branch} gives {inputs[branch]}; all branches must give one shape");
            }
        }

        return inputs[0];
    }

    public override void Forward(ForwardContext context) => Invariant.Holds(false);

    public override void Backward(BackwardContext context) => Invariant.Holds(false);
}
