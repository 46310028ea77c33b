using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The mean of each channel of an image: [C, H, W] becomes [C].</summary>
/// <remarks>y = (Σ x) / (H·W), the sum in 16 virtual lanes; dx = dy / (H·W). PyTorch: AdaptiveAvgPool2d(1) and a flatten.</remarks>
public sealed class GlobalAveragePool : Module
{
    /// <inheritdoc/>
    public override string Kind => "global-average-pool";

    /// <inheritdoc/>
    public override string ShortName => "pool";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => new(ImageShape.Of(inputs[0], Kind).Channels);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => PlaneMeans.Forward(context.Unit, context.Input(0), Plane(context), context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => PlaneMeans.Backward(context.OutputGradient, Plane(context), context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        int plane = context.InputShapes[0].Length / context.OutputShape.Length;
        for (int channel = 0; channel < context.Output.Length; channel++)
        {
            context.Output[channel] = context.Input(0).Slice(channel * plane, plane).ToArray().Sum() / plane;
        }
    }

    private static int Plane(ModuleContext context) => context.InputShapes[0].Length / context.OutputShape.Length;
}
