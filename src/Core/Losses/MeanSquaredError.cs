using DistNet.Data;
using DistNet.Graphs;
using DistNet.Training;

namespace DistNet.Losses;

/// <summary>Mean squared error: a sample's loss is the mean over its n targets of (y − t)².</summary>
/// <remarks>The batch's mean over samples is then PyTorch's MSELoss with reduction 'mean'. The gradient is 2·(y − t)/n. The squares of a sample are summed in double, in index order.</remarks>
public sealed class MeanSquaredError : Loss
{
    internal MeanSquaredError()
    {
    }

    /// <inheritdoc/>
    public override string Kind => "mean-squared-error";

    /// <inheritdoc/>
    public override void CheckFits(Graph graph, Dataset data)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(data);
        if (data.TargetWidth == 0)
        {
            throw DistNetException.BadInput($"The loss {Kind} needs numeric targets, but the data has {data.ClassNames.Length} classes; take cross-entropy.");
        }

        if (graph.OutputShape.Length != data.TargetWidth)
        {
            throw DistNetException.BadInput($"{OutputWords(graph)}, but the data has {data.TargetWidth} targets for each sample; the loss {Kind} needs one output for each.");
        }
    }

    /// <inheritdoc/>
    public override NodeMetrics Compute(LossContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        double loss = 0;
        int width = context.Width;
        for (int row = 0; row < context.Rows; row++)
        {
            ReadOnlySpan<float> output = context.Outputs.Slice(row * width, width);
            ReadOnlySpan<float> target = context.Target(row);
            Invariant.Holds(target.Length == width);
            double sum = 0;
            for (int i = 0; i < width; i++)
            {
                double difference = (double)output[i] - target[i];
                sum += difference * difference;
            }

            loss += sum / width;
            if (!context.Gradient.IsEmpty)
            {
                Span<float> gradient = context.Gradient.Slice(row * width, width);
                for (int i = 0; i < width; i++)
                {
                    gradient[i] = 2 * (output[i] - target[i]) / width;
                }
            }
        }

        return new NodeMetrics(loss, context.Rows, context.Rows, 0);
    }

    /// <inheritdoc/>
    public override double Reference(ReadOnlySpan<double> output, int label, ReadOnlySpan<float> target)
    {
        double sum = 0;
        for (int i = 0; i < output.Length; i++)
        {
            sum += (output[i] - target[i]) * (output[i] - target[i]);
        }

        return sum / output.Length;
    }
}
