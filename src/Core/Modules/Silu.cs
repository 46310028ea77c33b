using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = x·σ(x), σ being the logistic sigmoid; also called swish.</summary>
/// <remarks>dx = dy · (σ(x) + x·σ(x)·σ(−x)).</remarks>
public sealed class Silu : Module
{
    /// <inheritdoc/>
    public override string Kind => "silu";

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Silu(context.Unit, context.Input(0), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => Elementwise.SiluBackward(context.Unit, context.Input(0), context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int i = 0; i < context.Output.Length; i++)
        {
            double x = context.Input(0)[i];
            context.Output[i] = x / (1 + CanonicalFunctions.Exp(-x));
        }
    }
}
