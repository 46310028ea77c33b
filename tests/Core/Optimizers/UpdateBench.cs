using System.Runtime.InteropServices;
using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Tests.Optimizers;

/// <summary>A small model's parameters, exact pseudo-random values, and steps over them: what every test of the update needs.</summary>
internal static class UpdateBench
{
    /// <summary>More than two blocks, tails in every parameter, and all roles.</summary>
    public static Layout Layout { get; } = new(
    [
        ("a.weight", new Shape(67, 71), ParameterRole.Weight),
        ("a.bias", new Shape(67), ParameterRole.Bias),
        ("norm.scale", new Shape(3), ParameterRole.Scale),
        ("b.weight", new Shape(5, 7), ParameterRole.Weight),
        ("b.bias", new Shape(1), ParameterRole.Bias),
    ]);

    public static VectorUnit Unit => VectorUnit.Widest;

    /// <summary>Values in [−1, 1], of very different magnitudes where asked, the padding left at +0.</summary>
    public static Arena RandomArena(Layout layout, int seed, bool wild = false)
    {
        Random random = new(seed);
        Arena arena = new(layout);
        foreach (ParameterEntry entry in layout.Entries)
        {
            foreach (ref float value in arena[entry])
            {
                double scale = wild ? Math.Pow(10, random.Next(-6, 3)) : 1;
                value = (float)(((random.NextDouble() * 2) - 1) * scale);
            }
        }

        return arena;
    }

    public static ParameterUpdate Create(OptimizerCase row, Crew crew, VectorUnit? unit = null, Layout? layout = null)
    {
        layout ??= Layout;
        ParameterUpdate update = new(layout, row.Optimizer, row.Regularization, unit ?? Unit, crew);
        RandomArena(layout, 1).Span.CopyTo(update.Parameters.Span);
        return update;
    }

    /// <summary>Runs steps with one node per step and returns the state after them.</summary>
    public static TrainingState Steps(ParameterUpdate update, OptimizerCase row, int count, Func<int, Arena> gradient, TrainingState? from = null)
    {
        Job job = new() { Model = new([], ""), Optimizer = row.Optimizer };
        TrainingPlan plan = new(1000, 1, 1, 1);
        TrainingState state = from ?? new();
        for (int step = 0; step < count; step++)
        {
            UpdateOutcome outcome = update.Apply([new NodeGradient(new SumNode(0, 0), gradient(step).Memory)], 1, 1, 1, row.Optimizer.LearningRate, state);
            Invariant.Holds(outcome.Finite);
            state = TrainingRules.AfterStep(job, plan, state, default, applied: true);
        }

        return state;
    }

    /// <summary>The bits of parameters and slots, padding included.</summary>
    public static int[] Bits(ParameterUpdate update)
    {
        List<int> bits = [.. MemoryMarshal.Cast<float, int>(update.Parameters.Span)];
        foreach (OptimizerSlot slot in update.Slots)
        {
            bits.AddRange(MemoryMarshal.Cast<float, int>(slot.Values.Span));
        }

        return [.. bits];
    }
}
