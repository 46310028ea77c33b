using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = W·x + b, with W of [outputs, inputs] as PyTorch has it.</summary>
/// <remarks>
/// dx = Wᵀ·dy; dW = Σ dy·xᵀ and db = Σ dy over the samples, by the canonical tree (lecture, "Basic neural net modules").
/// Each y is one chain of fused multiply-adds over the inputs in index order, from +0; the bias is added last, once. Each dx is the same over the outputs.
/// </remarks>
public sealed class Linear : Module
{
    // The tallest tile of the matrix kernel: threads split dW between tiles.
    private const int SplitRows = 12;

    /// <summary>Creates the rule.</summary>
    /// <param name="outputs">The number of outputs, at least 1.</param>
    /// <param name="bias">Whether a bias is added.</param>
    public Linear(int outputs, bool bias = true)
    {
        if (outputs < 1)
        {
            throw DistNetException.BadInput($"A linear module has {outputs} outputs; it needs at least 1.");
        }

        OutputCount = outputs;
        HasBias = bias;
    }

    /// <summary>The number of outputs.</summary>
    public int OutputCount { get; }

    /// <summary>Whether a bias is added.</summary>
    public bool HasBias { get; }

    /// <inheritdoc/>
    public override string Kind => "linear";

    /// <inheritdoc/>
    public override string ShortName => "fc";

    internal override bool GradientNeedsOperandsAlone => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        if (inputs[0].Rank != 1)
        {
            throw DistNetException.BadInput($"its input has the shape {inputs[0]}, but a linear module takes one dimension; put a flatten before it");
        }

        if ((long)inputs[0].Length * OutputCount > int.MaxValue)
        {
            throw DistNetException.BadInput($"its weights would be [{OutputCount}, {inputs[0].Length}], more than {int.MaxValue} floats");
        }

        return new Shape(OutputCount);
    }

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs)
    {
        int width = inputs[0].Length;
        ParameterDefinition weight = new("weight", new Shape(OutputCount, width), ParameterRole.Weight, width, width * Math.Min(SplitRows, OutputCount));
        return HasBias ? [weight, new ParameterDefinition("bias", new Shape(OutputCount), ParameterRole.Bias, width)] : [weight];
    }

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices)
    {
        int width = inputs[0].Length;
        int products = Math.Max(MatrixProduct.TransposedScratch(rows, width), Math.Max(MatrixProduct.MultiplyScratch(rows, OutputCount), MatrixProduct.SlicedScratch(rows, OutputCount, slices)));
        return new ModuleMemory(Scratch: Math.Max(products, MatrixProduct.ColumnSumScratch(slices)));
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        ReadOnlySpan<float> bias = HasBias ? context.Parameter(1) : default;
        MatrixProduct.MultiplyTransposed(
            context.Unit, context.Input(0), context.Rows, context.InputShapes[0].Length, context.Parameter(0), OutputCount, bias, context.Output, context.Scratch);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        MatrixProduct.Multiply(
            context.Unit, context.OutputGradient, context.Rows, OutputCount, context.Parameter(0), context.InputShapes[0].Length, context.InputGradient(0), context.Scratch);

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        int width = context.InputShapes[0].Length;
        if (parameter == 0)
        {
            MatrixProduct.SlicedProduct(
                context.Unit, context.OutputGradient, OutputCount, context.Input(0), width, context.Slices, context.Gradient, from / width, to / width, context.Scratch);
        }
        else
        {
            MatrixProduct.SlicedColumnSum(context.Unit, context.OutputGradient, OutputCount, context.Slices, context.Gradient, from, to, context.Scratch);
        }
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        ReadOnlySpan<double> input = context.Input(0);
        ReadOnlySpan<double> weight = context.Parameter(0);
        for (int output = 0; output < OutputCount; output++)
        {
            double sum = HasBias ? context.Parameter(1)[output] : 0;
            for (int i = 0; i < input.Length; i++)
            {
                sum += weight[(output * input.Length) + i] * input[i];
            }

            context.Output[output] = sum;
        }
    }
}
