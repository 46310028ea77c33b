using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = tanh x.</summary>
/// <remarks>dx = dy · (1 − y²).</remarks>
public sealed class Tanh : Module
{
    /// <inheritdoc/>
    public override string Kind => "tanh";

    /// <inheritdoc/>
    public override double? Gain => 5.0 / 3.0;

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Outputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Tanh(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.TanhBackward(context.Unit, context.Output, context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ReadOnlySpan<double> input = context.Input(0);
        for (int i = 0; i < input.Length; i++)
        {
            context.Output[i] = CanonicalFunctions.Tanh(input[i]);
        }
    }
}
