using System.Collections.Immutable;

namespace DistNet.Advice;

/// <summary>One measurement.</summary>
/// <param name="At">Of what: samples, or workers.</param>
/// <param name="Value">What was measured: seconds, or a factor.</param>
public readonly record struct CostPoint(double At, double Value);

/// <summary>A cost between its measurements: straight lines from one to the next, and constant outside them.</summary>
public sealed class CostCurve
{
    private readonly ImmutableArray<CostPoint> points;

    /// <summary>Takes the measurements, in any order.</summary>
    /// <param name="points">At least one; no two at the same place.</param>
    public CostCurve(IEnumerable<CostPoint> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        this.points = [.. points.OrderBy(point => point.At)];
        Invariant.Holds(!this.points.IsEmpty);
        for (int i = 1; i < this.points.Length; i++)
        {
            Invariant.Holds(this.points[i - 1].At < this.points[i].At);
        }
    }

    /// <summary>The measurements, ascending.</summary>
    public ImmutableArray<CostPoint> Points => points;

    /// <summary>The cost at a place.</summary>
    public double At(double place)
    {
        if (place <= points[0].At)
        {
            return points[0].Value;
        }

        for (int i = 1; i < points.Length; i++)
        {
            if (place <= points[i].At)
            {
                (CostPoint before, CostPoint after) = (points[i - 1], points[i]);
                return before.Value + ((after.Value - before.Value) * (place - before.At) / (after.At - before.At));
            }
        }

        return points[^1].Value;
    }
}
