using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Batch normalisation: y = (x − m) / √(v + ε) · weight + bias for each channel, the first dimension of [C], [C, L] or [C, H, W].</summary>
/// <remarks>
/// In training, m and v are mean and biased variance of the channel over the samples (and pixels) of one slice, and gradients pass through them. In evaluation they are the
/// running buffers <c>running_mean</c> and <c>running_var</c>, which start at 0 and 1; once a step each moves by momentum · (the slices' mean or unbiased variance − its value),
/// averaged over the slices, each weighted by its samples. Order of sums and operations: <see cref="BatchNormKernels"/>.
/// <para>A slice with a single value of a channel (one sample of a [C], as the last slice of a batch may be, or in a branch of a Select) has no variance: it is normalised as in
/// evaluation, its gradient is that of evaluation, and it leaves its share of the buffers as it is. So does a slice without samples in a branch. A frozen node is as in evaluation
/// always, and its buffers stay as they are.</para>
/// <para>Parameters as PyTorch has them, in the order of its <c>state_dict</c> (<c>num_batches_tracked</c> is left out: a fixed momentum needs no count). Equal to PyTorch's
/// BatchNorm where a slice is the whole batch; otherwise to DistributedDataParallel without SyncBatchNorm with a slice on each rank ("ghost batch normalisation"), with running
/// statistics of all ranks. A larger <c>training.slice</c> gives larger statistics.</para>
/// </remarks>
public sealed class BatchNorm : Module
{
    // What is kept of a slice, each of [C]: mean, unbiased variance, inverse deviation, gradients of weight and bias.
    private const int MeanPart = 0;
    private const int VariancePart = 1;
    private const int InversePart = 2;
    private const int WeightGradientPart = 3;
    private const int BiasGradientPart = 4;
    private const int Parts = 5;

    /// <summary>Creates the rule.</summary>
    /// <param name="epsilon">ε, above 0.</param>
    /// <param name="momentum">How far the running buffers move in a step, in [0, 1].</param>
    /// <param name="affine">Whether weight and bias are there.</param>
    public BatchNorm(double epsilon = 1e-5, double momentum = 0.1, bool affine = true)
    {
        Norms.CheckEpsilon("batch-norm", epsilon);
        if (!(momentum >= 0 && momentum <= 1))
        {
            throw DistNetException.BadInput($"A batch-norm module has the momentum {momentum.ToString(CultureInfo.InvariantCulture)}; it must be from 0 to 1.");
        }

        Epsilon = epsilon;
        Momentum = momentum;
        Affine = affine;
    }

    /// <summary>ε.</summary>
    public double Epsilon { get; }

    /// <summary>How far the running buffers move in a step.</summary>
    public double Momentum { get; }

    /// <summary>Whether weight and bias are there.</summary>
    public bool Affine { get; }

    /// <inheritdoc/>
    public override string Kind => "batch-norm";

    /// <inheritdoc/>
    public override string ShortName => "bn";

    /// <inheritdoc/>
    public override bool BackwardKeepsSums => true;

    private int RunningMean => Affine ? 2 : 0;

    private int RunningVariance => RunningMean + 1;

    internal override bool GradientNeedsSumsAlone => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0].Rank > 0
        ? inputs[0]
        : throw DistNetException.BadInput("its input has no dimensions, but it needs channels, the first of them");

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs)
    {
        Shape channels = new(inputs[0][0]);
        ImmutableArray<ParameterDefinition> buffers =
        [
            new("running_mean", channels, ParameterRole.Buffer, Start: 0), new("running_var", channels, ParameterRole.Buffer, Start: 1),
        ];
        return Affine ? [.. Norms.Parameters(channels), .. buffers] : buffers;
    }

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices)
    {
        int channels = inputs[0][0];
        return new ModuleMemory(
            Scratch: Math.Max(checked((BatchNormKernels.ScratchPerChannel + 3) * channels), SliceSum.Scratch(channels, slices)), SavedPerSlice: checked(Parts * channels));
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        int channels = context.InputShapes[0][0], width = context.InputShapes[0].Length;
        Norms.Scales scales = Norms.ScalesOf(context, channels, Affine);
        if (!context.Training)
        {
            Span<float> ofBuffer = scales.Scratch[..channels];
            WriteInverse(context, ofBuffer);
            BatchNormKernels.Apply(
                context.Unit, context.Input(0), context.Rows, scales.Weight, scales.Bias, context.Parameter(RunningMean), ofBuffer, context.Output, scales.Scratch[channels..]);
            return;
        }

        for (int slice = 0; slice < context.SliceCount; slice++)
        {
            SliceRows rows = context.Slice(slice);
            ReadOnlySpan<float> x = context.Input(0).Slice(rows.First * width, rows.Count * width);
            Span<float> y = context.Output.Slice(rows.First * width, rows.Count * width);
            Span<float> saved = context.SavedOf(slice);
            Span<float> mean = Part(saved, MeanPart), inverse = Part(saved, InversePart);
            if (HasStatistics(context, rows))
            {
                BatchNormKernels.Forward(
                    context.Unit, x, rows.Count, scales.Weight, scales.Bias, (float)Epsilon, mean, Part(saved, VariancePart), inverse, y, scales.Scratch);
            }
            else
            {
                context.Parameter(RunningMean).CopyTo(mean);
                WriteInverse(context, inverse);
                BatchNormKernels.Apply(context.Unit, x, rows.Count, scales.Weight, scales.Bias, mean, inverse, y, scales.Scratch);
            }
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        int channels = context.InputShapes[0][0], width = context.InputShapes[0].Length;
        Norms.Scales scales = Norms.ScalesOf(context, channels, Affine);
        for (int slice = 0; slice < context.SliceCount; slice++)
        {
            SliceRows rows = context.Slice(slice);
            Range range = (rows.First * width)..((rows.First + rows.Count) * width);
            Span<float> saved = context.SavedOf(slice);
            BatchNormKernels.Backward(
                context.Unit,
                context.Input(0)[range],
                context.OutputGradient[range],
                rows.Count,
                scales.Weight,
                Part(saved, MeanPart),
                Part(saved, InversePart),
                HasStatistics(context, rows),
                Part(saved, WeightGradientPart),
                Part(saved, BiasGradientPart),
                context.NeedsInputGradient(0) ? context.InputGradient(0)[range] : default,
                scales.Scratch);
        }
    }

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        if (parameter >= RunningMean)
        {
            BufferTerm change = new() { Context = context, Buffer = parameter, Part = parameter == RunningMean ? MeanPart : VariancePart, Momentum = (float)Momentum };
            SliceSum.RunSlices(context.SliceCount, ref change, context.Gradient, from, to, context.Scratch);
            return;
        }

        GradientTerm gradient = new() { Context = context, Part = parameter == 0 ? WeightGradientPart : BiasGradientPart };
        SliceSum.RunSlices(context.SliceCount, ref gradient, context.Gradient, from, to, context.Scratch);
    }

    /// <inheritdoc/>
    public override void ForwardReferences(ReadOnlySpan<ReferenceContext> slice)
    {
        int channels = slice[0].OutputShape[0], pixels = slice[0].OutputShape.Length / channels, count = slice.Length * pixels;
        for (int channel = 0; channel < channels; channel++)
        {
            (double mean, double variance) = (slice[0].Parameter(RunningMean)[channel], slice[0].Parameter(RunningVariance)[channel]);
            if (slice[0].Training && !slice[0].Frozen && count > 1)
            {
                (mean, variance) = (0, 0);
                foreach (ReferenceContext sample in slice)
                {
                    foreach (double x in sample.Input(0).Slice(channel * pixels, pixels))
                    {
                        mean += x / count;
                    }
                }

                foreach (ReferenceContext sample in slice)
                {
                    foreach (double x in sample.Input(0).Slice(channel * pixels, pixels))
                    {
                        variance += (x - mean) * (x - mean) / count;
                    }
                }
            }

            foreach (ReferenceContext sample in slice)
            {
                for (int i = channel * pixels; i < (channel + 1) * pixels; i++)
                {
                    double normalised = (sample.Input(0)[i] - mean) / Math.Sqrt(variance + Epsilon);
                    sample.Output[i] = Affine ? (normalised * sample.Parameter(0)[channel]) + sample.Parameter(1)[channel] : normalised;
                }
            }
        }
    }

    private static Span<float> Part(Span<float> saved, int part) => saved.Slice(part * (saved.Length / Parts), saved.Length / Parts);

    // A channel has one value for each sample and pixel; of one alone there is no variance.
    private static bool HasStatistics(ModuleContext context, SliceRows rows) =>
        !context.Frozen && (long)rows.Count * (context.InputShapes[0].Length / context.InputShapes[0][0]) > 1;

    private void WriteInverse(ForwardContext context, Span<float> inverse)
    {
        ReadOnlySpan<float> variance = context.Parameter(RunningVariance);
        for (int channel = 0; channel < inverse.Length; channel++)
        {
            inverse[channel] = 1 / MathF.Sqrt(variance[channel] + (float)Epsilon);
        }
    }

    // What the backward pass has summed of a slice.
    private struct GradientTerm : ISliceTerm
    {
        public ParameterGradientContext Context;
        public int Part;

        public readonly void Write(int slice, int from, Span<float> term)
        {
            if (Context.Slices[slice].Count > 0)
            {
                BatchNorm.Part(Context.SavedOf(slice), Part).Slice(from, term.Length).CopyTo(term);
            }
        }
    }

    // (momentum · (statistic − buffer)) · samples.
    private struct BufferTerm : ISliceTerm
    {
        public ParameterGradientContext Context;
        public int Buffer;
        public int Part;
        public float Momentum;

        public readonly void Write(int slice, int from, Span<float> term)
        {
            if (!HasStatistics(Context, Context.Slices[slice]))
            {
                return;
            }

            ReadOnlySpan<float> statistic = BatchNorm.Part(Context.SavedOf(slice), Part).Slice(from, term.Length), buffer = Context.Parameter(Buffer).Slice(from, term.Length);
            float samples = Context.SamplesOf(slice);
            for (int i = 0; i < term.Length; i++)
            {
                term[i] = Momentum * (statistic[i] - buffer[i]) * samples;
            }
        }
    }
}
