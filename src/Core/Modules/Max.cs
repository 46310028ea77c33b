using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Y = X₁ where X₁ &gt; X₂, else X₂: the greater of two inputs, element by element.</summary>
/// <remarks>dX₁ = dY where X₁ &gt; X₂, else 0; dX₂ the other way round: at a tie the second input gets the gradient, as in the lecture (PyTorch gives each half).</remarks>
public sealed class Max : Module
{
    /// <inheritdoc/>
    public override string Kind => "max";

    /// <inheritdoc/>
    public override InputCount Inputs => new(2, 2);

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => SameShapes.Of(inputs);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.Max(context.Unit, context.Input(0), context.Input(1), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.MaxBackward(context.Unit, context.Input(0), context.Input(1), context.OutputGradient, context.InputGradient(0), context.InputGradient(1));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int i = 0; i < context.Output.Length; i++)
        {
            (double first, double second) = (context.Input(0)[i], context.Input(1)[i]);
            context.Output[i] = first > second ? first : second;
        }
    }
}
