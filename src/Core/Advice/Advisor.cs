using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Advice;

/// <summary>What is advised.</summary>
/// <param name="Workers">How many workers are worth their machine; 0 where not even one is.</param>
/// <param name="SamplesPerSecond">What they are predicted to reach, to a few percent; NaN for none.</param>
/// <param name="Sentence">Why no more, and what would help.</param>
public sealed record Recommendation(int Workers, double SamplesPerSecond, string Sentence);

/// <summary>Recommends a number of workers: as many as make it faster while each still does a stated share of what it could do alone.</summary>
public static class Advisor
{
    /// <summary>The share of its time that a worker should be useful for: below it, every third one is wasted.</summary>
    public const double Bar = 0.7;

    // A worker more leaves the largest shard as it is, often: of numbers that are as fast, the smallest.
    private const double AsFast = 0.98;

    /// <summary>Chooses among predictions.</summary>
    /// <param name="costs">What was measured.</param>
    /// <param name="one">One worker on the coordinator's machine: what each is measured against.</param>
    /// <param name="predictions">For 1, 2, 3 … workers, at least one.</param>
    public static Recommendation Recommend(StepCosts costs, StepPrediction one, ImmutableArray<StepPrediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(costs);
        ArgumentNullException.ThrowIfNull(one);
        ImmutableArray<StepPrediction> worthwhile = [.. predictions.Where(prediction => prediction.EfficiencyAgainst(one) >= Bar)];
        double fastest = worthwhile.IsEmpty ? double.NaN : worthwhile.Max(prediction => prediction.SamplesPerSecond);
        StepPrediction? best = worthwhile.FirstOrDefault(prediction => prediction.SamplesPerSecond >= AsFast * fastest);
        int workers = best?.Workers ?? 0;
        if (predictions.FirstOrDefault(prediction => prediction.Workers > workers && !worthwhile.Contains(prediction)) is not { } next)
        {
            return new Recommendation(workers, fastest, Text($"Up to {predictions[^1].Workers}, as many as were looked at, each is worth its while."));
        }

        string than = workers == 0 ? "Not even one would be" : Text($"More than {workers} would not be");
        return new Recommendation(
            workers,
            fastest,
            Text($"{than} worth {(workers == 0 ? "its" : "their")} while: with {next.Workers}, {WhatIsLost(costs, one, next)}."));
    }

    // The part that takes most of what a step has lost against one whose work is shared out evenly and costs nothing else.
    private static string WhatIsLost(StepCosts costs, StepPrediction one, StepPrediction next)
    {
        if (next.Workers > costs.Slices)
        {
            return Text($"the batch has only {costs.Slices} {(costs.Slices == 1 ? "slice" : "slices")} of {costs.Slice} samples to give out, one to a worker at the least; a larger training.batch would help");
        }

        double uneven = next.Compute - (one.Compute / next.Workers);
        (double Seconds, string Words)[] losses =
        [
            (next.Transfer, Text($"{next.Transfer * 1e3:0.0} ms of a step of {next.Seconds * 1e3:0.0} ms go to moving {costs.TensorBytes / 1e6:0.0} MB of parameters and as much of gradients for each; a faster link or a larger training.batch would help")),
            (next.Exchange, Text($"{next.Exchange * 1e3:0.00} ms of a step of {next.Seconds * 1e3:0.00} ms go to messages and wake-ups; a larger training.batch or a larger model would help")),
            (next.Complete, Text($"{next.Complete * 1e3:0.00} ms of a step of {next.Seconds * 1e3:0.00} ms go to sum and update, which the coordinator does while the others wait; a larger training.batch would help")),
            (uneven, Text($"the largest shard takes {next.Compute * 1e3:0.00} ms where an even share would take {one.Compute / next.Workers * 1e3:0.00} ms, as shards are whole slices, small ones are less efficient and cores share memory and clock; a larger training.batch would help")),
        ];
        return losses.MaxBy(loss => loss.Seconds).Words;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
