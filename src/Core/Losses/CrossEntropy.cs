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
/// </remarks>
public sealed class CrossEntropy : Loss
{
    internal CrossEntropy(ImmutableArray<float> classWeights)
    {
        ClassWeights = classWeights.IsDefault ? [] : classWeights;
        if (ClassWeights.Any(weight => !(weight >= 0 && float.IsFinite(weight))) || (!ClassWeights.IsEmpty && ClassWeights.All(weight => weight == 0)))
        {
            throw DistNetException.BadInput("loss.classWeights has a weight that is negative or not finite, or only weights of 0; weights must be at least 0 and one above it.");
        }
    }

    /// <summary>A weight per class; empty where all weigh 1.</summary>
    public ImmutableArray<float> ClassWeights { get; }

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

        RowKernels.CrossEntropy(context.Unit, context.Outputs, context.Width, labels, weights, losses, context.Gradient);
        double loss = 0;
        double weight = 0;
        long correct = 0;
        for (int row = 0; row < rows; row++)
        {
            double own = weights.IsEmpty ? 1 : weights[row];
            loss += own * losses[row];
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

        return (ClassWeights.IsEmpty ? 1 : ClassWeights[label]) * (CanonicalFunctions.Log(sum) - (output[label] - greatest));
    }

    internal override int ScratchLength(int rows, int width) => 2 * rows;
}
