using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = log(1 + e^x), a smooth ReLU.</summary>
/// <remarks>dx = dy · σ(x). Kaiming initialisation takes the gain of ReLU, √2: PyTorch names none.</remarks>
public sealed class Softplus : Module
{
    /// <inheritdoc/>
    public override string Kind => "softplus";

    /// <inheritdoc/>
    public override double? Gain => Math.Sqrt(2);

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Softplus(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.SoftplusBackward(context.Unit, context.Input(0), context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ReadOnlySpan<double> input = context.Input(0);
        for (int i = 0; i < input.Length; i++)
        {
            context.Output[i] = Math.Max(input[i], 0) + CanonicalFunctions.Log(1 + CanonicalFunctions.Exp(-Math.Abs(input[i])));
        }
    }
}
