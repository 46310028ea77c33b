using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Y₁ = X, …, Yₙ = X: a fan-out. The builder inserts one wherever several nodes use one output.</summary>
/// <remarks>dX = ((dY₁ + dY₂) + dY₃) + …, in the order in which the users stand in the graph (lecture, "Basic neural net modules"). The outputs share the input's storage.</remarks>
public sealed class Duplicate : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="outputs">The number of outputs, at least 2.</param>
    public Duplicate(int outputs)
    {
        if (outputs < 2)
        {
            throw DistNetException.BadInput($"A duplicate module has {outputs} outputs; it needs at least 2.");
        }

        Outputs = outputs;
    }

    /// <inheritdoc/>
    public override string Kind => "duplicate";

    /// <inheritdoc/>
    public override int Outputs { get; }

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override bool OutputIsInput => true;

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => context.Input(0).CopyTo(context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        Span<float> sum = context.InputGradient(0);
        Elementwise.Add(context.Unit, context.OutputGradientOf(0), context.OutputGradientOf(1), sum);
        for (int output = 2; output < Outputs; output++)
        {
            Elementwise.Add(context.Unit, sum, context.OutputGradientOf(output), sum);
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) => context.Input(0).CopyTo(context.Output);
}
