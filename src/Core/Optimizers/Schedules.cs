using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>Where a run stands, as far as a learning-rate schedule looks at it.</summary>
/// <param name="Step">The step about to be done, from 0.</param>
/// <param name="TotalSteps">All steps of the run, at least 1.</param>
/// <param name="Epoch">The epoch under way, from 0.</param>
/// <param name="PlateauFactor">The plateau schedule's factor so far; 1 at the start.</param>
public readonly record struct SchedulePoint(long Step, long TotalSteps, int Epoch, double PlateauFactor);

/// <summary>The learning-rate schedules: factors on the job's learning rate, pure functions of the step, in double.</summary>
/// <remarks>
/// <para>The rate of a step is <c>learningRate · Warmup · Schedule</c>. Warm-up reaches its full rate where the cosine starts, and a cosine
/// spans the steps after it. The schedules by epoch change at the ends of epochs and count them from the run's start, warm-up or not.</para>
/// <para>Cosine and one-cycle stretch over the whole run, so a run with more epochs is another run: see <see cref="DependsOnEpochs"/>.</para>
/// </remarks>
public static class Schedules
{
    /// <summary>The factor on the job's learning rate at a step, warm-up included.</summary>
    /// <param name="options">The job's schedule.</param>
    /// <param name="point">Where the run stands.</param>
    public static double Factor(ScheduleOptions options, SchedulePoint point)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Kind switch
        {
            ScheduleKind.Constant => Warmup(options, point),
            ScheduleKind.Step => Warmup(options, point) * Power(options.Factor, point.Epoch / options.EveryEpochs),
            ScheduleKind.Exponential => Warmup(options, point) * Power(options.Factor, point.Epoch),
            ScheduleKind.Cosine => Warmup(options, point) * Cosine(options, point),
            ScheduleKind.OneCycle => OneCycle(options, point),
            ScheduleKind.Plateau => Warmup(options, point) * point.PlateauFactor,
            _ => throw new InvalidOperationException($"A bug in DistNet: no schedule {options.Kind}."),
        };
    }

    /// <summary>Whether the rate of a step depends on the number of epochs, so that training on for more of them would change what came before.</summary>
    public static bool DependsOnEpochs(ScheduleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Kind is ScheduleKind.Cosine or ScheduleKind.OneCycle;
    }

    /// <summary>Linear warm-up: <c>(step + 1) / (warmupSteps + 1)</c> for the first <c>warmupSteps</c> steps, then 1: never 0, and 1 for
    /// the first time at step <c>warmupSteps</c>. PyTorch's <c>LinearLR(start_factor=1/(warmupSteps+1), total_iters=warmupSteps)</c>.</summary>
    public static double Warmup(ScheduleOptions options, SchedulePoint point)
    {
        ArgumentNullException.ThrowIfNull(options);
        return point.Step < options.WarmupSteps ? (point.Step + 1.0) / (options.WarmupSteps + 1.0) : 1;
    }

    /// <summary><c>minimum + (1 − minimum) · (1 + cos(π·t/T)) / 2</c> with <c>t = step − warmupSteps</c> and <c>T = totalSteps − warmupSteps</c>; 1
    /// during warm-up. PyTorch's <c>CosineAnnealingLR(T_max=T, eta_min=minimum·learningRate)</c> stepped once per step: the last step is just above the minimum.</summary>
    public static double Cosine(ScheduleOptions options, SchedulePoint point)
    {
        ArgumentNullException.ThrowIfNull(options);
        long after = point.Step - options.WarmupSteps;
        return after <= 0 ? 1 : Between(1, options.Minimum, (double)after / (point.TotalSteps - options.WarmupSteps));
    }

    /// <summary>Two half cosines: from <c>initialFactor</c> at step 0 up to 1 at step <c>r = riseShare · totalSteps − 1</c> (a fraction), then down to <c>minimum</c> at the
    /// last step. PyTorch's <c>OneCycleLR(max_lr=learningRate, pct_start=riseShare, anneal_strategy='cos', div_factor=1/initialFactor)</c> with the
    /// final rate <c>minimum · learningRate</c>; the momentum is left alone (<c>cycle_momentum=False</c>). A run too short to rise (r ≤ 0) only falls.</summary>
    public static double OneCycle(ScheduleOptions options, SchedulePoint point)
    {
        ArgumentNullException.ThrowIfNull(options);
        double peak = Math.Max((options.RiseShare * point.TotalSteps) - 1, 0);
        double last = point.TotalSteps - 1;
        if (point.Step <= peak)
        {
            return peak > 0 ? Between(options.InitialFactor, 1, point.Step / peak) : 1;
        }

        return Between(1, options.Minimum, (point.Step - peak) / (last - peak));
    }

    /// <summary><c>to + (from − to) · (1 + cos(π · share)) / 2</c>: <c>from</c> at share 0, <c>to</c> at share 1.</summary>
    private static double Between(double from, double to, double share) =>
        to + ((from - to) * ((1 + CanonicalFunctions.Cos(Math.PI * Math.Min(share, 1))) / 2));

    // factor^exponent as a chain of multiplications: the bits of a scheduler that multiplies once per change.
    private static double Power(double factor, int exponent)
    {
        double power = 1;
        for (int i = 0; i < exponent && power != 0 && factor != 1; i++)
        {
            power *= factor;
        }

        return power;
    }
}
