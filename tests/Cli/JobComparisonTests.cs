using DistNet.Cli.JobFiles;
using DistNet.Jobs;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class JobComparisonTests
{
    private const string Base = "data: { train: a.csv, validation: 0.2 }\nmodel: [{ linear: 4 }, relu, { linear: 3 }]\n";

    [Theory]
    [InlineData("checkpoints: { everySeconds: 1, everySteps: 10, keep: 9 }")]
    [InlineData("training: { epochs: 99 }")]
    public void What_cannot_change_the_bits_is_no_difference(string changed) => Assert.Empty(JobComparison.Differences(Read(Base), Read(Base + changed)));

    [Theory]
    [InlineData("constant", false)]
    [InlineData("step", false)]
    [InlineData("exponential", false)]
    [InlineData("plateau", false)]
    [InlineData("cosine", true)]
    [InlineData("one-cycle", true)]
    public void Epochs_are_a_difference_where_the_schedule_depends_on_their_number(string schedule, bool differs)
    {
        string text = Base + $"schedule: {schedule}\n";

        var differences = JobComparison.Differences(Read(text), Read(text + "training: { epochs: 99 }"));

        Assert.Equal(differs ? ["training.epochs"] : [], differences.Select(difference => difference.Path));
    }

    [Fact]
    public void Every_other_key_is_a_difference_that_is_named()
    {
        foreach (JobFileTests.Setting setting in JobFileTests.Settings.Where(setting => setting.Path != "training.epochs" && !setting.Path.StartsWith("checkpoints.", StringComparison.Ordinal)))
        {
            JobValue root = JobFileTests.With(Base, [.. setting.Needs.Select(need => new JobFileTests.Setting(need.Path, need.Value))]).Root;
            Job old = JobFile.Read(root, "");
            Job changed = JobFile.Read(JobOverrides.Put(root, setting.Path, JobYaml.Read(setting.Value, "--set", lines: false)), "");
            string before = JobFile.ValueText(JobKeys.All.First(key => key.Path == setting.Path), old);
            Assert.Equal(before == setting.Value ? [] : [new JobDifference(setting.Path, before, setting.Value)], JobComparison.Differences(old, changed));
        }
    }

    [Fact]
    public void Another_model_and_early_stopping_are_differences()
    {
        Job old = Read(Base);

        Assert.Equal(["model"], JobComparison.Differences(old, Read(Base.Replace("linear: 4", "linear: 5", StringComparison.Ordinal))).Select(difference => difference.Path));
        Assert.Equal(
            ["training.earlyStopping.patience", "training.earlyStopping.minimumImprovement"],
            JobComparison.Differences(old, Read(Base + "training: { earlyStopping: {} }")).Select(difference => difference.Path));
    }

    private static Job Read(string yaml) => JobFile.Read(JobYaml.Read(yaml, "job.yaml"), "");
}
