using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Layer normalisation: y = (x − m) / √(v + ε) · weight + bias over the last dimensions of each sample, with a weight and a bias for each of their places.</summary>
/// <remarks>
/// m and v are mean and biased variance of the values normalised together: of the last dimension ([C], or each of the L rows of [L, C]) unless more are asked for; with three, of a whole
/// [C, H, W]. PyTorch's LayerNorm names these dimensions themselves (<c>normalized_shape</c>). Training and evaluation are alike. Order of sums and operations: <see cref="RowNormKernels"/>;
/// the gradients of weight and bias are chains by sample, and in it by position, in a slice, then the canonical tree.
/// </remarks>
public sealed class LayerNorm : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="dimensions">How many of the last dimensions are normalised together, at least 1.</param>
    /// <param name="epsilon">ε, above 0.</param>
    /// <param name="affine">Whether weight and bias are there.</param>
    public LayerNorm(int dimensions = 1, double epsilon = 1e-5, bool affine = true)
    {
        if (dimensions < 1)
        {
            throw DistNetException.BadInput($"A layer-norm module normalises {dimensions.ToString(CultureInfo.InvariantCulture)} dimensions; it needs at least 1.");
        }

        Norms.CheckEpsilon("layer-norm", epsilon);
        NormalizedDimensions = dimensions;
        Epsilon = epsilon;
        Affine = affine;
    }

    /// <summary>How many of the last dimensions are normalised together.</summary>
    public int NormalizedDimensions { get; }

    /// <summary>ε.</summary>
    public double Epsilon { get; }

    /// <summary>Whether weight and bias are there.</summary>
    public bool Affine { get; }

    /// <inheritdoc/>
    public override string Kind => "layer-norm";

    /// <inheritdoc/>
    public override string ShortName => "ln";

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0].Rank >= NormalizedDimensions
        ? inputs[0]
        : throw DistNetException.BadInput($"its input has the shape {inputs[0]}, but it normalises the last {NormalizedDimensions} dimensions");

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => Affine ? Norms.Parameters(new Shape([.. inputs[0].Dimensions.TakeLast(NormalizedDimensions)])) : [];

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices)
    {
        int columns = ColumnsOf(inputs[0]);
        return new ModuleMemory(SavedPerSample: checked(2 * (inputs[0].Length / columns)), Scratch: Math.Max(checked(3 * columns), SliceSum.Scratch(columns, slices)));
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        Norms.Scales scales = Norms.ScalesOf(context, ColumnsOf(context.InputShapes[0]), Affine);
        RowNormKernels.Forward(context.Unit, context.Input(0), scales.Weight, scales.Bias, (float)Epsilon, context.Saved, context.Output);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        Norms.Scales scales = Norms.ScalesOf(context, ColumnsOf(context.InputShapes[0]), Affine);
        RowNormKernels.Backward(context.Unit, context.Input(0), context.OutputGradient, scales.Weight, context.Saved, context.InputGradient(0), scales.Scratch);
    }

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        int columns = ColumnsOf(context.InputShapes[0]);
        SampleTerm term = new()
        {
            Unit = context.Unit, X = context.Input(0), Dy = context.OutputGradient, Statistics = context.Saved, Columns = columns, Width = context.OutputShape.Length, OfWeight = parameter == 0,
        };
        SliceSum.Run(context.Slices, ref term, context.Gradient, from, to, context.Scratch);
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        int columns = ColumnsOf(context.OutputShape);
        for (int start = 0; start < context.Output.Length; start += columns)
        {
            ReadOnlySpan<double> x = context.Input(0).Slice(start, columns);
            (double mean, double variance) = Norms.Moments(x);
            for (int i = 0; i < columns; i++)
            {
                double normalised = (x[i] - mean) / Math.Sqrt(variance + Epsilon);
                context.Output[start + i] = Affine ? (normalised * context.Parameter(0)[i]) + context.Parameter(1)[i] : normalised;
            }
        }
    }

    // The values that are normalised together.
    private int ColumnsOf(Shape input)
    {
        int columns = 1;
        for (int dimension = input.Rank - NormalizedDimensions; dimension < input.Rank; dimension++)
        {
            columns *= input[dimension];
        }

        return columns;
    }

    // Row by row of a sample.
    private ref struct SampleTerm : ISampleTerm
    {
        public VectorUnit Unit;
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Dy;
        public ReadOnlySpan<float> Statistics;
        public int Columns;
        public int Width;
        public bool OfWeight;

        public readonly void AddTo(int row, int from, Span<float> sum)
        {
            for (int start = row * Width; start < (row + 1) * Width; start += Columns)
            {
                ReadOnlySpan<float> dy = Dy.Slice(start + from, sum.Length);
                if (OfWeight)
                {
                    int line = start / Columns;
                    RowNormKernels.AddWeightGradient(Unit, X.Slice(start + from, sum.Length), dy, Statistics[2 * line], Statistics[(2 * line) + 1], sum);
                }
                else
                {
                    Elementwise.Add(Unit, sum, dy, sum);
                }
            }
        }
    }
}
