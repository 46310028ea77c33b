using System.Collections.Immutable;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>What all trained normalisations have in common.</summary>
internal static class Norms
{
    /// <summary>The scale <c>weight</c>, which starts at 1, and the <c>bias</c>, which starts at 0.</summary>
    public static ImmutableArray<ParameterDefinition> Parameters(Shape shape) =>
        [new("weight", shape, ParameterRole.Scale), new("bias", shape, ParameterRole.Bias, Start: 0)];

    /// <summary>Weight and bias; where a norm has none, ones and zeros in the first scratch.</summary>
    /// <param name="context">The node.</param>
    /// <param name="length">The floats of each.</param>
    /// <param name="affine">Whether they are parameters 0 and 1.</param>
    public static Scales ScalesOf(ModuleContext context, int length, bool affine)
    {
        Span<float> ones = context.Scratch[..length], zeros = context.Scratch.Slice(length, length);
        if (!affine)
        {
            ones.Fill(1);
            zeros.Clear();
        }

        return new Scales
        {
            Weight = affine ? context.Parameter(0) : ones,
            Bias = affine ? context.Parameter(1) : zeros,
            Scratch = context.Scratch[(2 * length)..],
        };
    }

    /// <summary>What outputs are scaled by, and the scratch that is left.</summary>
    public ref struct Scales
    {
        public ReadOnlySpan<float> Weight;
        public ReadOnlySpan<float> Bias;
        public Span<float> Scratch;
    }

    /// <summary>Mean and biased variance, plainly.</summary>
    public static (double Mean, double Variance) Moments(ReadOnlySpan<double> values)
    {
        double mean = 0, variance = 0;
        foreach (double value in values)
        {
            mean += value / values.Length;
        }

        foreach (double value in values)
        {
            variance += (value - mean) * (value - mean) / values.Length;
        }

        return (mean, variance);
    }

    public static void CheckEpsilon(string kind, double epsilon)
    {
        if (!((float)epsilon > 0 && float.IsFinite((float)epsilon)))
        {
            throw DistNetException.BadInput($"A {kind} module has the epsilon {epsilon.ToString(CultureInfo.InvariantCulture)}; expected a finite number above 0, as a 32-bit float too.");
        }
    }
}
