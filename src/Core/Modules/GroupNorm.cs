using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>Group normalisation: y = (x − m) / √(v + ε) · weight + bias over the channels of a group and their pixels, for each sample by itself, with a weight and a bias for each channel.</summary>
/// <remarks>
/// m and v are mean and biased variance of a group: of [C], [C, L] or [C, H, W], cut along C into equal groups of consecutive channels. As PyTorch's GroupNorm; one group is a
/// layer-norm with a weight for each channel, as many groups as channels an instance normalisation. Training and evaluation are alike. Order of sums and operations:
/// <see cref="RowNormKernels"/>; the gradients of weight and bias are chains by sample in a slice, then the canonical tree.
/// </remarks>
public sealed class GroupNorm : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="groups">The number of groups, at least 1.</param>
    /// <param name="epsilon">ε, above 0.</param>
    /// <param name="affine">Whether weight and bias are there.</param>
    public GroupNorm(int groups, double epsilon = 1e-5, bool affine = true)
    {
        if (groups < 1)
        {
            throw DistNetException.BadInput($"A group-norm module has {groups.ToString(CultureInfo.InvariantCulture)} groups; it needs at least 1.");
        }

        Norms.CheckEpsilon("group-norm", epsilon);
        Groups = groups;
        Epsilon = epsilon;
        Affine = affine;
    }

    /// <summary>The number of groups.</summary>
    public int Groups { get; }

    /// <summary>ε.</summary>
    public double Epsilon { get; }

    /// <summary>Whether weight and bias are there.</summary>
    public bool Affine { get; }

    /// <inheritdoc/>
    public override string Kind => "group-norm";

    /// <inheritdoc/>
    public override string ShortName => "gn";

    /// <inheritdoc/>
    public override bool BackwardKeepsSums => true;

    internal override bool GradientNeedsSumsAlone => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        if (inputs[0].Rank == 0)
        {
            throw DistNetException.BadInput("its input has no dimensions, but it needs channels, the first of them");
        }

        return inputs[0][0] % Groups == 0
            ? inputs[0]
            : throw DistNetException.BadInput($"its input has the shape {inputs[0]}, whose {inputs[0][0]} {(inputs[0][0] == 1 ? "channel" : "channels")} cannot be cut into {Groups} equal groups");
    }

    /// <inheritdoc/>
    public override ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => Affine ? Norms.Parameters(new Shape(inputs[0][0])) : [];

    // Of each sample: mean and inverse deviation of each group, and what each channel adds to the gradients of weight and bias.
    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices)
    {
        int channels = inputs[0][0];
        return new ModuleMemory(SavedPerSample: checked(2 * (Groups + channels)), Scratch: Math.Max(checked(2 * channels), SliceSum.Scratch(channels, slices)));
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        int channels = context.InputShapes[0][0], width = context.InputShapes[0].Length, kept = 2 * (Groups + channels);
        Norms.Scales scales = Norms.ScalesOf(context, channels, Affine);
        for (int row = 0; row < context.Rows; row++)
        {
            RowNormKernels.ForwardGroups(
                context.Unit, context.Input(0).Slice(row * width, width), scales.Weight, scales.Bias, Groups, (float)Epsilon,
                context.Saved.Slice(row * kept, 2 * Groups), context.Output.Slice(row * width, width));
        }
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context)
    {
        int channels = context.InputShapes[0][0], width = context.InputShapes[0].Length, kept = 2 * (Groups + channels);
        Norms.Scales scales = Norms.ScalesOf(context, channels, Affine);
        for (int row = 0; row < context.Rows; row++)
        {
            Span<float> saved = context.Saved.Slice(row * kept, kept);
            RowNormKernels.BackwardGroups(
                context.Unit, context.Input(0).Slice(row * width, width), context.OutputGradient.Slice(row * width, width), scales.Weight, Groups,
                saved[..(2 * Groups)], saved.Slice(2 * Groups, channels), saved[^channels..],
                context.NeedsInputGradient(0) ? context.InputGradient(0).Slice(row * width, width) : default);
        }
    }

    /// <inheritdoc/>
    public override void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to)
    {
        int channels = context.InputShapes[0][0];
        SampleTerm term = new() { Unit = context.Unit, Saved = context.Saved, Width = 2 * (Groups + channels), First = (2 * Groups) + (parameter * channels) };
        SliceSum.Run(context.Slices, ref term, context.Gradient, from, to, context.Scratch);
    }

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        int channels = context.OutputShape[0], pixels = context.Output.Length / channels, length = context.Output.Length / Groups;
        for (int start = 0; start < context.Output.Length; start += length)
        {
            (double mean, double variance) = Norms.Moments(context.Input(0).Slice(start, length));
            for (int i = start; i < start + length; i++)
            {
                double normalised = (context.Input(0)[i] - mean) / Math.Sqrt(variance + Epsilon);
                context.Output[i] = Affine ? (normalised * context.Parameter(0)[i / pixels]) + context.Parameter(1)[i / pixels] : normalised;
            }
        }
    }

    private ref struct SampleTerm : ISampleTerm
    {
        public VectorUnit Unit;
        public ReadOnlySpan<float> Saved;
        public int Width;
        public int First;

        public readonly void AddTo(int row, int from, Span<float> sum) => Elementwise.Add(Unit, sum, Saved.Slice((row * Width) + First + from, sum.Length), sum);
    }
}
