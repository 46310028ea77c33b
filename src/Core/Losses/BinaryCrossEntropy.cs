using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Losses;

/// <summary>Binary cross-entropy on one logit x, for a label t of 0 or 1: log(1 + eˣ) − t·x.</summary>
/// <remarks>Computed as softplus(x) for t = 0 and softplus(−x) for t = 1, so that nothing overflows or cancels; the gradient is σ(x) − t, as σ(x) and −σ(−x).
/// The label is the class index; a sample is correct where (x &gt; 0) = (t = 1). PyTorch: BCEWithLogitsLoss.</remarks>
public sealed class BinaryCrossEntropy : Loss
{
    internal BinaryCrossEntropy()
    {
    }

    /// <inheritdoc/>
    public override string Kind => "binary-cross-entropy";

    /// <inheritdoc/>
    public override void CheckFits(Graph graph, Dataset data)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(data);
        RequireLabels(data);
        if (graph.OutputShape.Length != 1)
        {
            throw DistNetException.BadInput($"{OutputWords(graph)}, but the loss {Kind} needs one output.");
        }

        if (data.ClassNames.Length != 2)
        {
            throw DistNetException.BadInput($"The data has {data.ClassNames.Length} classes, but the loss {Kind} needs 2.");
        }
    }

    /// <inheritdoc/>
    public override NodeMetrics Compute(LossContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Invariant.Holds(context.Width == 1);
        double loss = 0;
        long correct = 0;
        for (int row = 0; row < context.Rows; row++)
        {
            float logit = context.Outputs[row];
            bool positive = context.Labels[row] == 1;
            loss += CanonicalFunctions.Softplus(positive ? -logit : logit);
            correct += logit > 0 == positive ? 1 : 0;
            if (!context.Gradient.IsEmpty)
            {
                context.Gradient[row] = positive ? -CanonicalFunctions.Sigmoid(-logit) : CanonicalFunctions.Sigmoid(logit);
            }
        }

        return new NodeMetrics(loss, context.Rows, context.Rows, correct);
    }

    /// <inheritdoc/>
    public override double Reference(ReadOnlySpan<double> output, int label, ReadOnlySpan<float> target)
    {
        double x = label == 1 ? -output[0] : output[0];
        return Math.Max(x, 0) + CanonicalFunctions.Log(1 + CanonicalFunctions.Exp(-Math.Abs(x)));
    }
}
