using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = 1 / (1 + e^−x).</summary>
/// <remarks>dx = dy · y · (1 − y).</remarks>
public sealed class Sigmoid : Module
{
    /// <inheritdoc/>
    public override string Kind => "sigmoid";

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Outputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Sigmoid(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.SigmoidBackward(context.Unit, context.Output, context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ReadOnlySpan<double> input = context.Input(0);
        for (int i = 0; i < input.Length; i++)
        {
            context.Output[i] = 1 / (1 + CanonicalFunctions.Exp(-input[i]));
        }
    }
}
