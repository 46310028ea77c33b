using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y[o, i, j] = Σ over c, k, l of W[o, c, k, l] · x[c, i · stride + k · dilation − padding, …] + b[o], with W of [outputs, channels ÷ groups, kernel rows, kernel columns] as PyTorch has it.</summary>
/// <remarks>
/// A sample is [channels, rows, columns], or [rows, columns] as one channel; a padded place counts as an input of +0, in every sum. The outputs of group g see the channels of group g alone.
/// <para>dx = Σ W · dy over the outputs and taps that reach an input; dW = Σ dy · x over the pixels and samples, and db = Σ dy, by the canonical tree. The order of each sum: docs/numerics.md.</para>
/// </remarks>
public sealed class Conv2d : Module
{
    // Outputs of a vector: threads split dW between vectors.
    private const int SplitOutputs = 16;

    private readonly ImageWindow window;

    /// <summary>Creates the rule.</summary>
    /// <param name="outputs">The number of output channels, at least 1.</param>
    /// <param name="kernel">The kernel's rows and columns, at least 1.</param>
    /// <param name="stride">From one output to the next, in inputs, at least 1.</param>
    /// <param name="padding">Rows and columns of +0 added at each edge, or <see cref="Same"/>.</param>
    /// <param name="dilation">From one tap to the next, in inputs, at least 1; null for 1.</param>
    /// <param name="groups">Groups of channels that do not see each other, a divisor of both numbers of channels; as many as there are channels for a depthwise convolution.</param>
    /// <param name="bias">Whether a bias is added.</param>
    public Conv2d(int outputs, Size2d kernel, Size2d? stride = null, Size2d padding = default, Size2d? dilation = null, int groups = 1, bool bias = true)
    {
        window = new ImageWindow(Kind, kernel, stride ?? 1, padding, dilation ?? 1);
        OutputCount = AtLeastOne(outputs, "outputs");
        Groups = AtLeastOne(groups, "groups");
        HasBias = bias;
        if (Padding == Same && Stride != 1)
        {
            throw DistNetException.BadInput($"A module of kind {Kind} has the padding 'same' and the stride {Stride}; 'same' needs a stride of 1.");
        }
    }

    /// <summary>The padding that gives as many outputs as there are inputs; where it is odd, the last place is at the end, as in PyTorch.</summary>
    public static Size2d Same => ImageWindow.Same;

    /// <summary>The number of output channels.</summary>
    public int OutputCount { get; }

    /// <summary>The kernel's rows and columns.</summary>
    public Size2d Kernel => window.Kernel;

    /// <summary>From one output to the next, in inputs.</summary>
    public Size2d Stride => window.Stride;

    /// <summary>Rows and columns of +0 added at each edge, or <see cref="Same"/>.</summary>
    public Size2d Padding => window.Padding;

    /// <summary>From one tap to the next, in inputs.</summary>
    public Size2d Dilation => window.Dilation;

    /// <summary>Groups of channels that do not see each other.</summary>
    public int Groups { get; }

    /// <summary>Whether a bias is added.</summary>
    public bool HasBias { get; }

    /// <inheritdoc/>
    public override string Kind => "conv2d";

    /// <inheritdoc/>
    public override string ShortName => "conv";

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        ConvolutionShape shape = ShapeOf(inputs);
        WindowAxis rows = shape.Rows, columns = shape.Columns;
        int channels = shape.Channels;
        if (channels % Groups != 0 || OutputCount % Groups != 0)
        {
            throw DistNetException.BadInput($"it has {Groups} groups, but its input has {channels} {(channels == 1 ? "channel" : "channels")} and its output {OutputCount}; take a divisor of both");
        }

        if ((Int128)OutputCount * (channels / Groups) * Kernel.Height * Kernel.Width > int.MaxValue)
        {
            throw DistNetException.BadInput($"its weights would be [{OutputCount}, {channels / Groups}, {Kernel.Height}, {Kernel.Width}], more than {int.MaxValue} floats");
        }

        if ((Int128)rows.Output * columns.Output * OutputCount > int.MaxValue || (Int128)rows.Padded * columns.Padded * channels > int.MaxValue)
        {
            throw DistNetException.BadInput($"its output would be [{OutputCount}, {rows.Output}, {columns.Output}] from a padded input of [{channels}, {rows.Padded}, {columns.Padded}], more than {int.MaxValue} floats");
        }

        return new Shape(OutputCount, rows.Output, columns.Output);
    }

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs)
    {
        ConvolutionShape shape = ShapeOf(inputs);
        ParameterDefinition weight = new(
            "weight", new Shape(OutputCount, shape.Channels / Groups, Kernel.Height, Kernel.Width), ParameterRole.Weight, shape.Taps, shape.Taps * Math.Min(SplitOutputs, OutputCount));
        return HasBias ? [weight, new ParameterDefinition("bias", new Shape(OutputCount), ParameterRole.Bias, shape.Taps)] : [weight];
    }

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices)
    {
        ConvolutionShape shape = ShapeOf(inputs);
        int products = Math.Max(Convolution.ForwardScratch(shape, rows), Convolution.InputGradientScratch(shape, rows));
        return new ModuleMemory(Scratch: Math.Max(products, Math.Max(Convolution.WeightGradientScratch(shape, slices), SliceSum.Scratch(OutputCount, slices))));
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        ReadOnlySpan<float> bias = HasBias ? context.Parameter(1) : default;
        Convolution.Forward(context.Unit, ShapeOf(context.InputShapes), context.Rows, context.Input(0), context.Parameter(0), bias, context.Output, context.Scratch);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Convolution.InputGradient(
            context.Unit, ShapeOf(context.InputShapes), context.Rows, context.OutputGradient, context.Parameter(0), context.InputGradient(0), context.Scratch);

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        ConvolutionShape shape = ShapeOf(context.InputShapes);
        if (parameter == 0)
        {
            Convolution.WeightGradient(
                context.Unit, shape, context.Input(0), context.OutputGradient, context.Slices, context.Gradient, from / shape.Taps, to / shape.Taps, context.Scratch);
        }
        else
        {
            BiasTerm term = new() { Unit = context.Unit, OutputGradient = context.OutputGradient, Outputs = OutputCount, Pixels = shape.OutputPixels };
            SliceSum.Run(context.Slices, ref term, context.Gradient, from, to, context.Scratch);
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ConvolutionShape shape = ShapeOf(context.InputShapes);
        ReadOnlySpan<double> weight = context.Parameter(0);
        int index = 0;
        for (int output = 0; output < OutputCount; output++)
        {
            int firstChannel = output / (OutputCount / Groups) * (shape.Channels / Groups);
            for (int row = 0; row < shape.Rows.Output; row++)
            {
                for (int column = 0; column < shape.Columns.Output; column++)
                {
                    double sum = Sum(shape, context.Input(0), weight.Slice(output * shape.Taps, shape.Taps), firstChannel, row, column);
                    context.Output[index++] = HasBias ? sum + context.Parameter(1)[output] : sum;
                }
            }
        }
    }

    private static double Sum(in ConvolutionShape shape, ReadOnlySpan<double> input, ReadOnlySpan<double> weight, int firstChannel, int row, int column)
    {
        double sum = 0;
        for (int tap = 0; tap < weight.Length; tap++)
        {
            int channel = firstChannel + (tap / (shape.Rows.Kernel * shape.Columns.Kernel));
            int y = shape.Rows.Start(row) + (tap / shape.Columns.Kernel % shape.Rows.Kernel * shape.Rows.Dilation);
            int x = shape.Columns.Start(column) + (tap % shape.Columns.Kernel * shape.Columns.Dilation);
            bool inside = y >= 0 && y < shape.Rows.Input && x >= 0 && x < shape.Columns.Input;
            sum += inside ? weight[tap] * input[(((channel * shape.Rows.Input) + y) * shape.Columns.Input) + x] : 0;
        }

        return sum;
    }

    private int AtLeastOne(int found, string option) => found >= 1
        ? found
        : throw DistNetException.BadInput(FormattableString.Invariant($"A module of kind {Kind} has {found} {option}; it needs at least 1."));

    private ConvolutionShape ShapeOf(ImmutableArray<Shape> inputs)
    {
        PlaneWindow plane = window.Over(inputs[0], Kind);
        return new ConvolutionShape(ImageShape.Of(inputs[0], Kind).Channels, OutputCount, Groups, plane.Rows, plane.Columns);
    }

    // The pixels of each channel.
    internal ref struct BiasTerm : ISampleTerm
    {
        public VectorUnit Unit;
        public ReadOnlySpan<float> OutputGradient;
        public int Outputs;
        public int Pixels;

        public readonly void AddTo(int row, int from, Span<float> sum) =>
            PlaneMeans.AddSums(Unit, OutputGradient.Slice(((row * Outputs) + from) * Pixels, sum.Length * Pixels), Pixels, sum);
    }
}
