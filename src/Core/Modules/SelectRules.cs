namespace DistNet.Modules;

/// <summary>Branch 0 where a value is below a threshold, else branch 1.</summary>
/// <param name="feature">The index of the value looked at.</param>
/// <param name="threshold">The threshold.</param>
public sealed class ThresholdRule(int feature, float threshold) : SelectRule
{
    /// <summary>The index of the value looked at.</summary>
    public int Feature => feature;

    /// <summary>The threshold.</summary>
    public float Below => threshold;

    /// <inheritdoc/>
    public override int Branches => 2;

    /// <inheritdoc/>
    public override int Choose(ReadOnlySpan<float> sample) => sample[feature] < threshold ? 0 : 1;

    /// <inheritdoc/>
    public override void Check(int length)
    {
        if ((uint)feature >= (uint)length)
        {
            throw DistNetException.BadInput($"its rule looks at value {feature}, but its input has the values 0 to {length - 1}");
        }
    }
}

/// <summary>The branch whose value is the greatest; the first wins a tie.</summary>
/// <param name="first">The index of branch 0's value.</param>
/// <param name="count">The number of branches.</param>
public sealed class ArgMaxRule(int first, int count) : SelectRule
{
    /// <summary>The index of branch 0's value.</summary>
    public int First => first;

    /// <inheritdoc/>
    public override int Branches => count;

    /// <inheritdoc/>
    public override int Choose(ReadOnlySpan<float> sample)
    {
        int best = 0;
        for (int branch = 1; branch < count; branch++)
        {
            if (sample[first + branch] > sample[first + best])
            {
                best = branch;
            }
        }

        return best;
    }

    /// <inheritdoc/>
    public override void Check(int length)
    {
        if (first < 0 || count < 2 || first > length - count)
        {
            throw DistNetException.BadInput($"its rule looks at {count} values from value {first} on, but it needs at least 2 and its input has the values 0 to {length - 1}");
        }
    }
}
