using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The mean under each place of a window that moves over each channel of an image: [C, H, W] becomes [C, H′, W′].</summary>
/// <remarks>H′ = ⌊(H + 2·padding − kernel) / stride⌋ + 1, and W′ likewise. Each element of a window gets the gradient over the same divisor; where windows overlap, gradients add up in the
/// order of the outputs. PyTorch: AvgPool2d.</remarks>
public sealed class AvgPool2d : Module
{
    private readonly ImageWindow window;

    /// <summary>Creates the rule.</summary>
    /// <param name="kernel">The window's rows and columns, at least 1.</param>
    /// <param name="stride">From one place of the window to the next, at least 1; null for the kernel.</param>
    /// <param name="padding">Rows and columns of 0 added at each edge, at most half the kernel.</param>
    /// <param name="countIncludePadding">Whether a window that reaches into the padding is divided by all its places, or by those on the image alone.</param>
    public AvgPool2d(Size2d kernel, Size2d? stride = null, Size2d padding = default, bool countIncludePadding = true)
    {
        window = PoolWindow.Create(Kind, kernel, stride, padding, 1);
        CountIncludePadding = countIncludePadding;
    }

    /// <summary>The window's rows and columns.</summary>
    public Size2d Kernel => window.Kernel;

    /// <summary>From one place of the window to the next.</summary>
    public Size2d Stride => window.Stride;

    /// <summary>Rows and columns of 0 added at each edge.</summary>
    public Size2d Padding => window.Padding;

    /// <summary>Whether padding counts in the divisor.</summary>
    public bool CountIncludePadding { get; }

    /// <inheritdoc/>
    public override string Kind => "avg-pool2d";

    /// <inheritdoc/>
    public override string ShortName => "pool";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => PoolWindow.OutputShape(window, inputs[0], Kind);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        PlaneWindow plane = window.Over(context.InputShapes[0], Kind);
        PoolKernels.Mean(context.Unit, plane, CountIncludePadding, context.Input(0), context.Output);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        PlaneWindow plane = window.Over(context.InputShapes[0], Kind);
        PoolKernels.MeanBackward(context.Unit, plane, CountIncludePadding, context.OutputGradient, context.InputGradient(0));
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) =>
        PoolReference.Write(context, window.Over(context.InputShapes[0], Kind), (elements, taps) => elements.Sum() / (CountIncludePadding ? taps : elements.Count));
}
