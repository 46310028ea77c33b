using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Several inputs one after the other along the first dimension: the channels of images, the features of a table.</summary>
/// <remarks>Each input gets its part of the gradient. PyTorch: <c>torch.cat(inputs, dim=1)</c>, where dimension 0 is the batch.</remarks>
public sealed class Concat : Module
{
    /// <inheritdoc/>
    public override string Kind => "concat";

    /// <inheritdoc/>
    public override InputCount Inputs => new(2, int.MaxValue);

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        long first = 0;
        foreach (Shape input in inputs)
        {
            if (input.Rank == 0 || !input.Dimensions.AsSpan()[1..].SequenceEqual(inputs[0].Dimensions.AsSpan()[1..]))
            {
                throw DistNetException.BadInput($"its inputs have the shapes {string.Join(" and ", inputs)}, but all dimensions after the first must be the same");
            }

            first += input[0];
        }

        return ModuleShape.Of([first, .. inputs[0].Dimensions.Skip(1)]);
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        int start = 0;
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            int width = context.InputShapes[input].Length;
            for (int row = 0; row < context.Rows; row++)
            {
                context.Input(input).Slice(row * width, width).CopyTo(context.Output[((row * context.OutputShape.Length) + start)..]);
            }

            start += width;
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        int start = 0;
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            int width = context.InputShapes[input].Length;
            for (int row = 0; row < context.Rows; row++)
            {
                context.OutputGradient.Slice((row * context.OutputShape.Length) + start, width).CopyTo(context.InputGradient(input)[(row * width)..]);
            }

            start += width;
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        int start = 0;
        for (int input = 0; input < context.InputShapes.Length; input++)
        {
            context.Input(input).CopyTo(context.Output[start..]);
            start += context.InputShapes[input].Length;
        }
    }
}
