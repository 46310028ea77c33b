using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Y = ((X₁ · X₂) · X₃) · …, element by element, all of one shape.</summary>
/// <remarks>dXᵢ = dY times the other inputs, in their order.</remarks>
public sealed class Multiply : Module
{
    /// <inheritdoc/>
    public override string Kind => "multiply";

    /// <inheritdoc/>
    public override InputCount Inputs => new(2, int.MaxValue);

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => SameShapes.Of(inputs);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        Elementwise.Multiply(context.Unit, context.Input(0), context.Input(1), context.Output);
        for (int input = 2; input < context.InputShapes.Length; input++)
        {
            Elementwise.Multiply(context.Unit, context.Output, context.Input(input), context.Output);
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            Span<float> gradient = context.InputGradient(input);
            ReadOnlySpan<float> product = context.OutputGradient;
            for (int other = 0; other < context.InputShapes.Length; other++)
            {
                if (other != input)
                {
                    Elementwise.Multiply(context.Unit, product, context.Input(other), gradient);
                    product = gradient;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        context.Output.Fill(1);
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            for (int i = 0; i < context.Output.Length; i++)
            {
                context.Output[i] *= context.Input(input)[i];
            }
        }
    }
}
