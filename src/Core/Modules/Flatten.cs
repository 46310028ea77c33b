using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The same values as one dimension: [1, 28, 28] becomes [784]. Costs nothing: output and input share storage.</summary>
public sealed class Flatten : Module
{
    /// <inheritdoc/>
    public override string Kind => "flatten";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override bool OutputIsInput => true;

    internal override bool InputGradientIsOutputGradient => true;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => new(inputs[0].Length);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => context.Input(0).CopyTo(context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => context.OutputGradient.CopyTo(context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) => context.Input(0).CopyTo(context.Output);
}
