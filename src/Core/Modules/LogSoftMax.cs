using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>yᵢ = xᵢ − log Σ e^xⱼ over the last dimension (lecture, "LogSoftMax vs. SoftMax").</summary>
/// <remarks>dxᵢ = dyᵢ − e^yᵢ · Σ dyⱼ. The greatest x is subtracted first, so that no exponential overflows.</remarks>
public sealed class LogSoftMax : Module
{
    /// <inheritdoc/>
    public override string Kind => "log-softmax";

    internal override ForwardValues BackwardReads => ForwardValues.Outputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0].Rank > 0
        ? inputs[0]
        : throw DistNetException.BadInput("its input has no dimensions, but it needs at least one");

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        int columns = context.OutputShape.Dimensions[^1];
        RowKernels.LogSoftMax(context.Unit, context.Input(0), columns, context.Output);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        int columns = context.OutputShape.Dimensions[^1];
        RowKernels.LogSoftMaxBackward(context.Unit, context.Output, context.OutputGradient, columns, context.InputGradient(0));
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        int columns = context.OutputShape.Dimensions[^1];
        for (int start = 0; start < context.Output.Length; start += columns)
        {
            ReadOnlySpan<double> input = context.Input(0).Slice(start, columns);
            double greatest = double.NegativeInfinity;
            foreach (double x in input)
            {
                greatest = Math.Max(greatest, x);
            }

            double sum = 0;
            foreach (double x in input)
            {
                sum += CanonicalFunctions.Exp(x - greatest);
            }

            for (int i = 0; i < columns; i++)
            {
                context.Output[start + i] = input[i] - greatest - CanonicalFunctions.Log(sum);
            }
        }
    }
}
