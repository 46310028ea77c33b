using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The greatest element under each place of a window that moves over each channel of an image: [C, H, W] becomes [C, H′, W′].</summary>
/// <remarks>
/// H′ = ⌊(H + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, and W′ likewise; padding is never the greatest. PyTorch: MaxPool2d.
/// <para>The gradient goes to the greatest element, the first in index order of several equal ones, as in PyTorch (the lecture's <see cref="Max"/> of two inputs has another rule); where
/// windows overlap, gradients add up in the order of the outputs.</para>
/// </remarks>
public sealed class MaxPool2d : Module
{
    private readonly ImageWindow window;

    /// <summary>Creates the rule.</summary>
    /// <param name="kernel">The window's rows and columns, at least 1.</param>
    /// <param name="stride">From one place of the window to the next, at least 1; null for the kernel.</param>
    /// <param name="padding">Rows and columns added at each edge, at most half the kernel.</param>
    /// <param name="dilation">From one row or column of the window to the next, at least 1.</param>
    public MaxPool2d(Size2d kernel, Size2d? stride = null, Size2d padding = default, Size2d? dilation = null) =>
        window = PoolWindow.Create(Kind, kernel, stride, padding, dilation ?? 1);

    /// <summary>The window's rows and columns.</summary>
    public Size2d Kernel => window.Kernel;

    /// <summary>From one place of the window to the next.</summary>
    public Size2d Stride => window.Stride;

    /// <summary>Rows and columns added at each edge.</summary>
    public Size2d Padding => window.Padding;

    /// <summary>From one row or column of the window to the next.</summary>
    public Size2d Dilation => window.Dilation;

    /// <inheritdoc/>
    public override string Kind => "max-pool2d";

    /// <inheritdoc/>
    public override string ShortName => "pool";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => PoolWindow.OutputShape(window, inputs[0], Kind);

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) =>
        new(SavedPerSample: PoolKernels.PlaceFloats(window.Over(inputs[0], Kind), OutputShape(inputs).Length));

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        PlaneWindow plane = window.Over(context.InputShapes[0], Kind);
        int width = context.InputShapes[0].Length, outputs = context.OutputShape.Length, places = PoolKernels.PlaceFloats(plane, outputs);
        for (int row = 0; row < context.Rows; row++)
        {
            ReadOnlySpan<float> x = context.Input(0).Slice(row * width, width);
            Span<float> y = context.Output.Slice(row * outputs, outputs), place = context.Saved.Slice(row * places, places);
            if (context.TakesIn)
            {
                PoolKernels.MaximumOfRelu(context.Unit, plane, x, y, place);
            }
            else
            {
                PoolKernels.Maximum(context.Unit, plane, x, y, place);
            }
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        PlaneWindow plane = window.Over(context.InputShapes[0], Kind);
        int width = context.InputShapes[0].Length, outputs = context.OutputShape.Length, places = PoolKernels.PlaceFloats(plane, outputs);
        for (int row = 0; row < context.Rows; row++)
        {
            PoolKernels.MaximumBackward(
                context.Unit, plane, context.OutputGradient.Slice(row * outputs, outputs), context.Saved.Slice(row * places, places), context.InputGradient(0).Slice(row * width, width));
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) =>
        PoolReference.Write(context, window.Over(context.InputShapes[0], Kind), (elements, _) => elements.Max());

    internal override bool CanTakeIn(Module before, ImmutableArray<Shape> inputs) => before is Relu && window.Over(inputs[0], Kind).IsHalving;
}
