using System.Collections.Immutable;
using DistNet.Optimizers;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>One key in which two jobs differ.</summary>
/// <param name="Path">The key.</param>
/// <param name="Old">Its value in the first job, as JSON.</param>
/// <param name="New">Its value in the second.</param>
public sealed record JobDifference(string Path, string Old, string New)
{
    /// <summary>The difference in words.</summary>
    public override string ToString() => Path == "model" ? "the model" : $"{Path} (was {Old}, is {New})";
}

/// <summary>What a resume may change: nothing that can change the bits.</summary>
public static class JobComparison
{
    /// <summary>The keys in which two jobs differ and that can change the result, in the table's order. Checkpoints never can, nor can the number of epochs where the schedule does not depend on it.</summary>
    public static ImmutableArray<JobDifference> Differences(Job old, Job @new)
    {
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(@new);
        var differences = ImmutableArray.CreateBuilder<JobDifference>();
        foreach (JobKey key in JobKeys.All)
        {
            string before = JobFile.ValueText(key, old);
            string after = JobFile.ValueText(key, @new);
            if (before != after && !CannotChangeBits(key, old, @new))
            {
                differences.Add(new JobDifference(key.Path, before, after));
            }
        }

        return differences.ToImmutable();
    }

    private static bool CannotChangeBits(JobKey key, Job old, Job @new) =>
        key.Path.StartsWith("checkpoints.", StringComparison.Ordinal)
        || (key.Path == "training.initializeFrom.file" && old.Training.InitializeFrom is { Sha256: not null } && @new.Training.InitializeFrom is { Sha256: not null })
        || (key.Path == "training.initializeFrom.optimizer" && old.Training.InitializeFrom is { OptimizerSha256: not null } && @new.Training.InitializeFrom is { OptimizerSha256: not null })
        || (key.Path == "training.epochs" && !DependsOnTotalSteps(old.Schedule.Kind) && !DependsOnTotalSteps(@new.Schedule.Kind));

    private static bool DependsOnTotalSteps(ScheduleKind kind) => kind is ScheduleKind.Cosine or ScheduleKind.OneCycle;
}
