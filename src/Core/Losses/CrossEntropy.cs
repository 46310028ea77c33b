using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Losses;

/// <summary>Cross-entropy on the log-softmax of the logits x, fused: w·(log Σ e^xⱼ − x_label), with the weight w of the label's class.</summary>
/// <remarks>
/// Lecture, "Use cross-entropy loss" and "LogSoftMax vs. SoftMax". The greatest logit is subtracted first, so that logits of ±10⁴ are exact. The gradient is w·(softmax(x) − onehot).
/// A sample is correct where its label has the greatest logit; the first of equal ones wins. PyTorch: CrossEntropyLoss, whose weighted mean divides by Σw as the root of
/// the canonical sum does.
/// <para>With label smoothing s, K classes and weights w, as in PyTorch: (1 − s)·w_label·ℓ_label + s/K · Σ w_c·ℓ_c, where ℓ_c = log Σ e^xⱼ − x_c; the sum over classes is a chain in
/// double. The gradient is ((1 − s)·w_label + s/K · Σ w_c)·softmax(x)ⱼ − (1 − s)·w_label·[j = label] − s/K · w_j.</para>
/// </remarks>
public sealed class CrossEntropy : Loss
{
    internal CrossEntropy(ImmutableArray<float> classWeights, double labelSmoothing = 0)
    {
        LabelSmoothing = labelSmoothing;
        ClassWeights = classWeights.IsDefault ? [] : classWeights;
    }

    /// <summary>A weight per class; empty where all weigh 1.</summary>
    public ImmutableArray<float> ClassWeights { get; }

    /// <summary>The share of a sample's target that all classes share alike.</summary>
    public double LabelSmoothing { get; }

    /// <inheritdoc/>
    public override string Kind => "cross-entropy";

    /// <inheritdoc/>
    public override void CheckFits(Graph graph, Dataset data)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(data);
        RequireLabels(data);
        int classes = data.ClassNames.Length;
        if (graph.OutputShape.Rank != 1 || graph.OutputShape.Length != classes)
        {
            throw DistNetException.BadInput($"{OutputWords(graph)}, but the data has {classes} classes; the loss {Kind} needs the shape [{classes}], one logit per class.");
        }

        if (!ClassWeights.IsEmpty && ClassWeights.Length != classes)
        {
            throw DistNetException.BadInput($"loss.classWeights has {ClassWeights.Length} weights, but the data has {classes} classes; it needs one weight per class.");
        }
    }

    /// <inheritdoc/>
    public override NodeMetrics Compute(LossContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows;
        ReadOnlySpan<int> labels = context.Labels;
        Span<float> losses = context.Scratch[..rows];
        Span<float> weights = ClassWeights.IsEmpty ? default : context.Scratch.Slice(rows, rows);
        for (int row = 0; row < rows; row++)
        {
            Invariant.Holds((uint)labels[row] < (uint)context.Width);
            if (!weights.IsEmpty)
            {
                weights[row] = ClassWeights[labels[row]];
            }
        }

        // Smoothing takes the gradient softmax − onehot and weighs it itself.
        ReadOnlySpan<float> gradientWeights = LabelSmoothing > 0 ? default : weights;
        RowKernels.CrossEntropy(context.Unit, context.Outputs, context.Width, labels, gradientWeights, losses, context.Gradient);
        double allWeights = 0;
        for (int index = 0; LabelSmoothing > 0 && index < context.Width; index++)
        {
            allWeights += Weight(index);
        }

        double loss = 0;
        double weight = 0;
        long correct = 0;
        for (int row = 0; row < rows; row++)
        {
            double own = weights.IsEmpty ? 1 : weights[row];
            loss += LabelSmoothing > 0 ? Smoothed(context, row, losses[row], own, allWeights) : own * losses[row];
            weight += own;
            correct += RowKernels.ArgMax(context.Outputs.Slice(row * context.Width, context.Width)) == labels[row] ? 1 : 0;
        }

        return new NodeMetrics(loss, weight, rows, correct);
    }

    /// <inheritdoc/>
    public override double Reference(ReadOnlySpan<double> output, int label, ReadOnlySpan<float> target)
    {
        double greatest = double.NegativeInfinity;
        foreach (double x in output)
        {
            greatest = Math.Max(greatest, x);
        }

        double sum = 0;
        foreach (double x in output)
        {
            sum += CanonicalFunctions.Exp(x - greatest);
        }

        double own = Weight(label) * (CanonicalFunctions.Log(sum) - (output[label] - greatest));
        double all = 0;
        for (int index = 0; index < output.Length; index++)
        {
            all += Weight(index) * (CanonicalFunctions.Log(sum) - (output[index] - greatest));
        }

        return ((1 - LabelSmoothing) * own) + (LabelSmoothing / output.Length * all);
    }

    internal override long ScratchLength(int rows, int width) => 2L * rows;

    private double Weight(int index) => ClassWeights.IsEmpty ? 1 : ClassWeights[index];

    // One sample's smoothed loss from that of its label; its gradient g = softmax − onehot becomes ((1 − s)·w + s/K · Σ w_c)·g − s/K · w_j, and s/K · Σ w_c more at the label.
    private double Smoothed(LossContext context, int row, double ofLabel, double weight, double allWeights)
    {
        ReadOnlySpan<float> logits = context.Outputs.Slice(row * context.Width, context.Width);
        int label = context.Labels[row];
        double share = LabelSmoothing / context.Width, all = 0;
        for (int index = 0; index < logits.Length; index++)
        {
            all += Weight(index) * (ofLabel + ((double)logits[label] - logits[index]));
        }

        double own = (1 - LabelSmoothing) * weight;
        if (!context.Gradient.IsEmpty)
        {
            Span<float> gradient = context.Gradient.Slice(row * context.Width, context.Width);
            float factor = (float)(own + (share * allWeights));
            for (int index = 0; index < gradient.Length; index++)
            {
                gradient[index] = (gradient[index] * factor) - (float)(share * Weight(index));
            }

            gradient[label] += (float)(share * allWeights);
        }

        return (own * ofLabel) + (share * all);
    }
}
