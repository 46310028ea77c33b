using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Y = ((X₁ + X₂) + X₃) + …, all of one shape.</summary>
/// <remarks>dXᵢ = dY for every input (lecture, "Basic neural net modules"): the gradients share storage.</remarks>
public sealed class Add : Module
{
    /// <inheritdoc/>
    public override string Kind => "add";

    /// <inheritdoc/>
    public override InputCount Inputs => new(2, int.MaxValue);

    internal override bool InputGradientIsOutputGradient => true;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => SameShapes.Of(inputs);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        Elementwise.Add(context.Unit, context.Input(0), context.Input(1), context.Output);
        for (int input = 2; input < context.InputShapes.Length; input++)
        {
            Elementwise.Add(context.Unit, context.Output, context.Input(input), context.Output);
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            context.OutputGradient.CopyTo(context.InputGradient(input));
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        context.Output.Clear();
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            for (int i = 0; i < context.Output.Length; i++)
            {
                context.Output[i] += context.Input(input)[i];
            }
        }
    }
}
