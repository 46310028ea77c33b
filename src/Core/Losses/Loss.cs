using DistNet.Data;
using DistNet.Graphs;
using DistNet.Training;

namespace DistNet.Losses;

/// <summary>A loss: what a model's output costs, and its gradient. Immutable.</summary>
/// <remarks>Losses are sums over samples, weighted by the samples' weights, and so are gradients; the division by the sum of weights happens once, at the root of the canonical sum.
/// A slice's loss is a chain over its samples in double, from +0.</remarks>
public abstract class Loss
{
    private protected Loss()
    {
    }

    /// <summary>The word for it in a job file, <c>cross-entropy</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Makes the loss that a job names.</summary>
    /// <exception cref="DistNetException">As <see cref="JobChecks.Check(LossOptions)"/>.</exception>
    public static Loss Create(LossOptions options)
    {
        JobChecks.Check(options);
        return options.Kind switch
        {
            LossKind.CrossEntropy => new CrossEntropy(options.ClassWeights, options.LabelSmoothing),
            LossKind.BinaryCrossEntropy => new BinaryCrossEntropy(),
            _ => new MeanSquaredError(),
        };
    }

    /// <summary>Checks that a model's output and a data set's labels or targets fit this loss and each other.</summary>
    /// <exception cref="DistNetException">They do not: one sentence that names the output node, with found and expected.</exception>
    public abstract void CheckFits(Graph graph, Dataset data);

    /// <summary>The loss and counts of one slice; writes the gradient where one is wanted.</summary>
    public abstract NodeMetrics Compute(LossContext context);

    /// <summary>One sample's weighted loss in double precision, by the plainest code: what gradients are checked against.</summary>
    /// <param name="output">The model's output for the sample.</param>
    /// <param name="label">The sample's class; 0 for a regression.</param>
    /// <param name="target">The sample's targets; empty for a classification.</param>
    public abstract double Reference(ReadOnlySpan<double> output, int label, ReadOnlySpan<float> target);

    /// <summary>The floats of scratch for <paramref name="rows"/> samples of <paramref name="width"/> outputs.</summary>
    internal virtual long ScratchLength(int rows, int width) => 0;

    private protected static string OutputWords(Graph graph)
    {
        string module = graph.Nodes.FirstOrDefault(node => node.Name == graph.OutputName)?.Module.Kind ?? "the sample";
        return $"The model's output, node '{graph.OutputName}' ({module}), has the shape {graph.OutputShape}";
    }

    private protected void RequireLabels(Dataset data)
    {
        if (data.ClassNames.IsEmpty)
        {
            throw DistNetException.BadInput($"The loss {Kind} needs a class label for each sample, but the data has numeric targets; take mean-squared-error or label the samples.");
        }
    }
}
