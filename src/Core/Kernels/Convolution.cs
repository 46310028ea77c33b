namespace DistNet.Kernels;

/// <summary>Two-dimensional convolutions (cross-correlations, as everywhere in the field) of samples [channels, rows, columns], whose every output is a sum in a fixed order, whatever the vector
/// width, the tiles and the threads.</summary>
/// <remarks>A padded place counts as an input of +0 and is multiplied like any other. Nothing is turned into columns: the taps of a pixel are read where they lie in padded planes
/// (<see cref="Planes"/>), by a list of steps. Where <see cref="Winograd.Suits"/>, all three products are by Winograd's tiles instead, in the order that docs/numerics.md gives for them.</remarks>
public static class Convolution
{
    /// <summary>The floats of scratch for <see cref="Forward"/>; enough for fewer samples too.</summary>
    public static int ForwardScratch(in ConvolutionShape shape, int samples) => ProductScratch(shape, samples, isGradient: false);

    /// <summary>The floats of scratch for <see cref="InputGradient"/>; enough for fewer samples too.</summary>
    public static int InputGradientScratch(in ConvolutionShape shape, int samples) => ProductScratch(shape, samples, isGradient: true);

    /// <summary>The floats of scratch for <see cref="WeightGradient"/>; enough for fewer slices too.</summary>
    public static int WeightGradientScratch(in ConvolutionShape shape, int sliceCount) => shape.Method switch
    {
        ConvolutionMethod.Winograd => ConvolutionWeightGradient<WinogradWeightGradient>.ScratchLength(shape, sliceCount),
        ConvolutionMethod.Depthwise => ConvolutionWeightGradient<DepthwiseWeightGradient>.ScratchLength(shape.Simplified, sliceCount),
        _ => ConvolutionWeightGradient<DirectWeightGradient>.ScratchLength(shape.Simplified, sliceCount),
    };

    /// <summary>Each output is one chain of fused multiply-adds over its taps in the weights' order (channel, kernel row, kernel column), from +0; the bias is added last, once.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="samples">The number of samples.</param>
    /// <param name="input">[samples, channels, rows, columns].</param>
    /// <param name="weight">[outputs, channels ÷ groups, kernel rows, kernel columns].</param>
    /// <param name="bias">[outputs], or empty for none.</param>
    /// <param name="output">[samples, outputs, output rows, output columns]; must not overlap the operands.</param>
    /// <param name="scratch"><see cref="ForwardScratch"/> floats of this caller's own.</param>
    public static void Forward(
        VectorUnit unit,
        in ConvolutionShape shape,
        int samples,
        ReadOnlySpan<float> input,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(samples >= 0 && input.Length == (long)samples * shape.InputLength && output.Length == (long)samples * shape.OutputLength);
        Invariant.Holds(weight.Length == shape.WeightLength && (bias.IsEmpty || bias.Length == shape.Outputs) && scratch.Length >= ForwardScratch(shape, samples));
        Product(unit, shape, samples, input, weight, bias, output, scratch, isGradient: false);
    }

    /// <summary>Each input's gradient is one chain of fused multiply-adds, from +0, over the outputs' channels, kernel rows and kernel columns in the weights' order, of those taps whose
    /// stride meets the input; where such a tap's output lies outside, its gradient counts as +0.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="samples">The number of samples.</param>
    /// <param name="outputGradient">[samples, outputs, output rows, output columns].</param>
    /// <param name="weight">[outputs, channels ÷ groups, kernel rows, kernel columns].</param>
    /// <param name="inputGradient">[samples, channels, rows, columns]; must not overlap the operands.</param>
    /// <param name="scratch"><see cref="InputGradientScratch"/> floats of this caller's own.</param>
    public static void InputGradient(
        VectorUnit unit, in ConvolutionShape shape, int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> weight, Span<float> inputGradient, Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(samples >= 0 && outputGradient.Length == (long)samples * shape.OutputLength && inputGradient.Length == (long)samples * shape.InputLength);
        Invariant.Holds(weight.Length == shape.WeightLength && scratch.Length >= InputGradientScratch(shape, samples));
        Product(unit, shape, samples, outputGradient, weight, bias: default, inputGradient, scratch, isGradient: true);
    }

    /// <summary>Each weight's gradient is, for each slice, one chain of fused multiply-adds over its samples and their output pixels in index order, from +0; then the canonical tree over slices.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="input">[rows, channels, rows, columns].</param>
    /// <param name="outputGradient">[rows, outputs, output rows, output columns].</param>
    /// <param name="slices">The slices in order; one without rows counts as +0. No slices at all give +0.</param>
    /// <param name="result">[outputs, channels ÷ groups, kernel rows, kernel columns], of which only the outputs [from, to) are written; must not overlap the operands.</param>
    /// <param name="from">The caller's first output.</param>
    /// <param name="to">The output after the caller's last.</param>
    /// <param name="scratch"><see cref="WeightGradientScratch"/> floats of this caller's own.</param>
    public static void WeightGradient(
        VectorUnit unit,
        in ConvolutionShape shape,
        ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<SliceRows> slices,
        Span<float> result,
        int from,
        int to,
        Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(from >= 0 && from <= to && to <= shape.Outputs && result.Length == shape.WeightLength);
        MatrixProduct.CheckSlices(slices, input.Length / shape.InputLength, outputGradient.Length / shape.OutputLength);
        if (slices.IsEmpty)
        {
            result[(from * shape.Taps)..(to * shape.Taps)].Clear();
            return;
        }

        Invariant.Holds(scratch.Length >= WeightGradientScratch(shape, slices.Length));
        switch (shape.Method)
        {
            case ConvolutionMethod.Winograd:
                WeightGradient<WinogradWeightGradient>(unit, shape, input, outputGradient, slices, result, from, to, scratch);
                break;
            case ConvolutionMethod.Depthwise:
                WeightGradient<DepthwiseWeightGradient>(unit, shape.Simplified, input, outputGradient, slices, result, from, to, scratch);
                break;
            default:
                WeightGradient<DirectWeightGradient>(unit, shape.Simplified, input, outputGradient, slices, result, from, to, scratch);
                break;
        }
    }

    private static int ProductScratch(in ConvolutionShape shape, int samples, bool isGradient) => shape.Method switch
    {
        ConvolutionMethod.Winograd => WinogradProduct.ScratchLength(shape, samples, isGradient),
        ConvolutionMethod.Depthwise => DepthwiseProduct.ScratchLength(shape, isGradient),
        _ => ConvolutionProduct.ScratchLength(shape, samples, isGradient),
    };

    private static void Product(
        VectorUnit unit,
        in ConvolutionShape shape,
        int samples,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> result,
        Span<float> scratch,
        bool isGradient)
    {
        switch (shape.Method)
        {
            case ConvolutionMethod.Winograd:
                WinogradProduct transformed = new() { Shape = shape, IsGradient = isGradient, Source = source, Weight = weight, Bias = bias, Result = result, Samples = samples, Scratch = scratch };
                unit.Run(ref transformed);
                break;
            case ConvolutionMethod.Depthwise:
                DepthwiseProduct depthwise = new(shape, isGradient) { Source = source, Weight = weight, Bias = bias, Result = result, Samples = samples, Scratch = scratch };
                unit.Run(ref depthwise);
                break;
            default:
                ConvolutionProduct direct = new() { Shape = shape.Simplified, IsGradient = isGradient, Source = source, Weight = weight, Bias = bias, Result = result, Samples = samples, Scratch = scratch };
                unit.Run(ref direct);
                break;
        }
    }

    private static void WeightGradient<TSlice>(
        VectorUnit unit,
        in ConvolutionShape shape,
        ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<SliceRows> slices,
        Span<float> result,
        int from,
        int to,
        Span<float> scratch)
        where TSlice : struct, ISliceWeightGradient<TSlice>
    {
        ConvolutionWeightGradient<TSlice> kernel = new()
        {
            Shape = shape,
            Input = input,
            OutputGradient = outputGradient,
            Slices = slices,
            Result = result,
            From = from,
            To = to,
            Scratch = scratch,
        };
        unit.Run(ref kernel);
    }
}
