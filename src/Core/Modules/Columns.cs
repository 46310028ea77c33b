using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Some of the input along its first dimension: features of a table, channels of an image.</summary>
/// <remarks>What is not taken gets the gradient +0. PyTorch: <c>x[:, first:first + count]</c>.</remarks>
public sealed class Columns : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="first">The first one taken, from 0.</param>
    /// <param name="count">How many are taken, at least 1.</param>
    public Columns(int first, int count = 1)
    {
        if (first < 0 || count < 1)
        {
            throw DistNetException.BadInput($"A module of kind columns takes {count} from {first} on; it needs at least 1, from at least 0 on.");
        }

        First = first;
        Count = count;
    }

    /// <summary>The first one taken.</summary>
    public int First { get; }

    /// <summary>How many are taken.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public override string Kind => "columns";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        Shape input = inputs[0];
        if (input.Rank == 0 || First > input[0] - Count)
        {
            throw DistNetException.BadInput($"it takes the columns {First} to {First + (long)Count - 1}, but its input {input} has {(input.Rank == 0 ? "none" : $"0 to {input[0] - 1}")}");
        }

        return new Shape([Count, .. input.Dimensions.AsSpan()[1..]]);
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        (int width, int taken) = (context.InputShapes[0].Length, context.OutputShape.Length);
        for (int row = 0; row < context.Rows; row++)
        {
            context.Input(0).Slice((row * width) + Start(taken), taken).CopyTo(context.Output[(row * taken)..]);
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        (int width, int taken) = (context.InputShapes[0].Length, context.OutputShape.Length);
        context.InputGradient(0).Clear();
        for (int row = 0; row < context.Rows; row++)
        {
            context.OutputGradient.Slice(row * taken, taken).CopyTo(context.InputGradient(0)[((row * width) + Start(taken))..]);
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) => context.Input(0).Slice(Start(context.Output.Length), context.Output.Length).CopyTo(context.Output);

    private int Start(int taken) => taken / Count * First;
}
