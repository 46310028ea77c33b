using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Randomness;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Graphs;

/// <summary>How well one parameter's gradient agrees with central differences.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Checked">How many of its floats were compared.</param>
/// <param name="Kinks">How many more lie at a kink of the loss (a ReLU at 0, a tie of a Max), where it has no derivative; not compared.</param>
/// <param name="LargestGradient">The largest magnitude among the central differences.</param>
/// <param name="MaximumError">The largest |gradient − difference|, as a share of <see cref="LargestGradient"/>, or of a thousandth of the largest of all parameters
/// (at least 10⁻⁵) where that is larger: gradients that small are lost in the rounding of those they are computed from.</param>
public sealed record ParameterCheck(string Name, int Checked, int Kinks, double LargestGradient, double MaximumError);

/// <summary>What a gradient check found.</summary>
/// <param name="Parameters">The parameters, in the order of the layout; frozen ones and buffers have no gradient.</param>
public sealed record GradientCheckReport(ImmutableArray<ParameterCheck> Parameters)
{
    /// <summary>The largest error that passes: float rounding gives about 10⁻⁶ in small models and 10⁻⁴ in deep ones, a wrong rule 10⁻¹ or more.</summary>
    public const double Tolerance = 1e-3;

    /// <summary>The largest error of all parameters; 0 where there are none.</summary>
    public double MaximumError => Parameters.Select(parameter => parameter.MaximumError).DefaultIfEmpty(0).Max();

    /// <summary>Whether there are parameters, something of each was compared, and every error is at most <see cref="Tolerance"/>.</summary>
    public bool Passed => !Parameters.IsEmpty && NotCompared.IsEmpty && MaximumError <= Tolerance;

    /// <summary>The names of parameters whose floats that were looked at all lie at kinks.</summary>
    public ImmutableArray<string> NotCompared => [.. Parameters.Where(parameter => parameter.Checked == 0).Select(parameter => parameter.Name)];
}

/// <summary>Compares the gradients of a training pass with central differences of a second, plain evaluation in double precision.</summary>
public static class GradientCheck
{
    private const double Step = 1e-5;
    private const double KinkShare = 1e-3;
    private const double SmallestScale = 1e-5;
    private const double SmallestShare = 1e-3;
    private const int Refinements = 3;

    /// <summary>Checks the gradients at given parameters. Dropout acts, with the same masks on both sides.</summary>
    /// <param name="graph">The model; each module needs a <see cref="Modules.Module.ForwardReference"/>.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="input">The samples; a dozen say enough.</param>
    /// <param name="parameters">The parameters, as long as the arena.</param>
    /// <param name="sliceSize">Samples of a slice.</param>
    /// <param name="maximumPerParameter">The most floats of one parameter that are compared, chosen by the seed.</param>
    /// <param name="unit">The vector width; null for the widest.</param>
    public static GradientCheckReport Run(
        Graph graph, LossOptions loss, in PassInput input, ReadOnlySpan<float> parameters, int sliceSize = 32, int maximumPerParameter = 64, VectorUnit? unit = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Arena gradient = Gradient(graph, loss, input, parameters, sliceSize, unit ?? VectorUnit.Widest);
        ReferenceEvaluation reference = new(graph, Loss.Create(loss), input, sliceSize, training: true);
        for (int index = 0; index < reference.Parameters.Length; index++)
        {
            ParameterEntry entry = graph.Layout.Entries[index];
            for (int i = 0; i < entry.Length; i++)
            {
                reference.Parameters[index][i] = parameters[entry.Offset + i];
            }
        }

        var checks = ImmutableArray.CreateBuilder<ParameterCheck>();
        for (int index = 0; index < reference.Parameters.Length; index++)
        {
            ParameterEntry entry = graph.Layout.Entries[index];
            if (!entry.IsTrained)
            {
                continue;
            }

            checks.Add(Compare(entry, gradient[entry], reference, reference.Parameters[index], Choose(entry, maximumPerParameter, input.Seed)));
        }

        double smallest = Math.Max(SmallestScale, SmallestShare * checks.Select(check => check.LargestGradient).DefaultIfEmpty(0).Max());
        return new GradientCheckReport([.. checks.Select(check => check with { MaximumError = check.MaximumError / Math.Max(check.LargestGradient, smallest) })]);
    }

    private static Arena Gradient(Graph graph, LossOptions loss, in PassInput input, ReadOnlySpan<float> parameters, int sliceSize, VectorUnit unit)
    {
        int slices = (input.Samples.Length + sliceSize - 1) / sliceSize;
        using ThreadTeam team = new(1, "gradient check");
        GraphExecution execution = new(graph, loss, sliceSize, slices, unit, team);
        int first = input.FirstPlace / sliceSize;
        ImmutableArray<SumNode> nodes = CanonicalSum.Cover(new SliceRange(first, slices), first + slices);
        Arena[] gradients = [.. nodes.Select(_ => new Arena(graph.Layout))];
        execution.Train(input, parameters, nodes.AsSpan(), [.. gradients.Select(arena => arena.Memory)], new NodeMetrics[nodes.Length]);
        for (int index = 1; index < gradients.Length; index++)
        {
            Elementwise.Add(unit, gradients[0].Span, gradients[index].Span, gradients[0].Span);
        }

        return gradients[0];
    }

    // With the absolute error: what it is a share of is known when all parameters are.
    private static ParameterCheck Compare(ParameterEntry entry, ReadOnlySpan<float> gradient, ReferenceEvaluation reference, double[] values, int[] chosen)
    {
        double start = reference.Loss();
        double largest = 0;
        double difference = 0;
        int kinks = 0;
        foreach (int index in chosen)
        {
            if (CentralDifference(reference, values, index, start) is { } slope)
            {
                largest = Math.Max(largest, Math.Abs(slope));
                double error = Math.Abs(gradient[index] - slope);
                difference = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(difference, error);
            }
            else
            {
                kinks++;
            }
        }

        return new ParameterCheck(entry.Name, chosen.Length - kinks, kinks, largest, difference);
    }

    // Null at a kink: the slopes to both sides differ however near.
    private static double? CentralDifference(ReferenceEvaluation reference, double[] values, int index, double start)
    {
        double value = values[index];
        double step = Step * Math.Max(1, Math.Abs(value));
        for (int refinement = 0; refinement <= Refinements; refinement++)
        {
            values[index] = value + step;
            double above = reference.Loss();
            values[index] = value - step;
            double below = reference.Loss();
            values[index] = value;
            double right = (above - start) / step;
            double left = (start - below) / step;
            if (Math.Abs(right - left) <= KinkShare * Math.Max(1e-3, Math.Max(Math.Abs(right), Math.Abs(left))))
            {
                return (above - below) / (2 * step);
            }

            step /= 10;
        }

        return null;
    }

    private static int[] Choose(ParameterEntry entry, int maximum, ulong seed)
    {
        if (entry.Length <= maximum)
        {
            return [.. Enumerable.Range(0, entry.Length)];
        }

        double[] uniform = new double[maximum];
        KeyedRandom.Uniform(seed, KeyedRandom.Stream(RandomPurpose.Check, entry.Name), 0, 0, uniform);
        return [.. uniform.Select(share => (int)(share * entry.Length)).Distinct()];
    }
}
