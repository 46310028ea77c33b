namespace DistNet.Modules;

/// <summary>Decides, from a sample's input to a <see cref="Select"/>, which branch it takes. Immutable. Derive from it to write a rule of your own.</summary>
public abstract class SelectRule
{
    /// <summary>How many branches the rule chooses among.</summary>
    public abstract int Branches { get; }

    /// <summary>The branch of one sample, in [0, <see cref="Branches"/>): a function of the values alone.</summary>
    /// <param name="sample">The sample's values at the Select's input.</param>
    public abstract int Choose(ReadOnlySpan<float> sample);

    /// <summary>Checks that the rule fits an input of <paramref name="length"/> values.</summary>
    /// <exception cref="DistNetException">It does not: one sentence without the node's name.</exception>
    public virtual void Check(int length)
    {
    }

    /// <summary>Branch 0 where x[feature] &lt; threshold, else branch 1 (NaN too).</summary>
    /// <param name="feature">The index of the value looked at.</param>
    /// <param name="threshold">The threshold.</param>
    public static SelectRule Threshold(int feature, float threshold) => new ThresholdRule(feature, threshold);

    /// <summary>The branch whose value is the greatest among x[first], …, x[first + count − 1]; the first wins a tie.</summary>
    /// <param name="first">The index of branch 0's value.</param>
    /// <param name="count">The number of branches, at least 2.</param>
    public static SelectRule ArgMax(int first, int count) => new ArgMaxRule(first, count);
}
