namespace DistNet.Training;

/// <summary>Loss and counts of one node of the canonical sum: sums over samples, never means.</summary>
/// <param name="Loss">The sum of weighted losses, in double, penalties excluded.</param>
/// <param name="Weight">The sum of the samples' weights (the number of samples where all weigh 1): what sums are divided by at the root.</param>
/// <param name="Samples">How many samples.</param>
/// <param name="Correct">How many were classified correctly; 0 for a regression.</param>
public readonly record struct NodeMetrics(double Loss, double Weight, long Samples, long Correct)
{
    /// <summary>A node's value from its children's: left + right.</summary>
    public static NodeMetrics operator +(NodeMetrics left, NodeMetrics right) =>
        new(left.Loss + right.Loss, left.Weight + right.Weight, left.Samples + right.Samples, left.Correct + right.Correct);

    /// <summary>The same as the operator.</summary>
    public static NodeMetrics Add(NodeMetrics left, NodeMetrics right) => left + right;
}
