using DistNet.Training;

namespace DistNet.Runs;

/// <summary>What a diagnosis found, in one sentence that names step, slices, layer and worker.</summary>
internal static class NonFiniteSentence
{
    public static string Of(PhaseState diagnosis, TrainingPlan plan)
    {
        ShardWork whole = diagnosis.Whole;
        string step = $"The gradient of step {whole.Step} (epoch {whole.Epoch + 1}, batch {whole.StepInEpoch + 1} of {plan.StepsPerEpoch}) is not finite";
        AcceptedAnswer? first = null;
        foreach (AcceptedAnswer answer in diagnosis.Accepted)
        {
            if (answer.Finding is { } finding && (first is null || finding.Slice < first.Finding!.Slice))
            {
                first = answer;
            }
        }

        if (first is null && diagnosis.Suspects.All(answer => answer.Nodes.All(node => node.Metrics.Weight == 0)))
        {
            return $"{step}: its samples all weigh 0 (loss.classWeights), and a mean over them is 0 ÷ 0.";
        }

        if (first is null)
        {
            string workers = string.Join(", ", diagnosis.Suspects.Select(answer => $"{answer.Worker} {answer.Slices}"));
            return $"{step}, but each slice by itself is: the sum over all slices overflowed, or a worker's machine is broken (computed by {workers}).";
        }

        int slice = first.Finding!.Slice;
        string computedBy = "an unknown worker";
        foreach (AcceptedAnswer suspect in diagnosis.Suspects)
        {
            if (suspect.Slices.First <= slice && slice < suspect.Slices.End)
            {
                computedBy = suspect.Worker.Name;
            }
        }

        int firstSample = slice * plan.Slice;
        int lastSample = Math.Min(whole.SampleCount, firstSample + plan.Slice) - 1;
        return $"{step}: in slice {slice} (samples {firstSample} to {lastSample} of the batch), layer {first.Finding.Layer}, "
            + $"{first.Finding.What} (computed by worker {computedBy}, found again by {first.Worker}).";
    }
}
