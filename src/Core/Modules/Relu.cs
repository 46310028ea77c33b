using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = max(x, 0).</summary>
/// <remarks>dx = 0 where x &lt; 0, else dy: the gradient passes at x = 0, as in the lecture (PyTorch gives 0 there).</remarks>
public sealed class Relu : Module
{
    /// <inheritdoc/>
    public override string Kind => "relu";

    /// <inheritdoc/>
    public override double? Gain => Math.Sqrt(2);

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Relu(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.ReluBackward(context.Unit, context.Input(0), context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ReadOnlySpan<double> input = context.Input(0);
        for (int i = 0; i < input.Length; i++)
        {
            context.Output[i] = input[i] < 0 ? 0 : input[i];
        }
    }
}
