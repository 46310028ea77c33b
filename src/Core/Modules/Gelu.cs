using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = x·Φ(x), Φ being the normal distribution's function: the exact form, PyTorch's default (its tanh approximation is left out).</summary>
/// <remarks>dx = dy · (Φ(x) + x·φ(x)), φ being the normal density.</remarks>
public sealed class Gelu : Module
{
    /// <inheritdoc/>
    public override string Kind => "gelu";

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Gelu(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => Elementwise.GeluBackward(context.Unit, context.Input(0), context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int i = 0; i < context.Output.Length; i++)
        {
            double x = context.Input(0)[i];
            context.Output[i] = x * CanonicalFunctions.NormalDistribution(x);
        }
    }
}
