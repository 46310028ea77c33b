using System.Collections.Immutable;
using DistNet.Cli.JobFiles;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Modules;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>A job that is read from what is written of it, as recorded JSON or as a job file, is the same job: by its options and by what its modules say of themselves.</summary>
internal static class RoundTrip
{
    public static void Holds(Job job)
    {
        string json = JobFile.ToJson(job);
        string folder = job.Data?.BaseFolder ?? "";
        foreach (Job again in (Job[])[JobFile.FromJson(json, folder), JobFile.Read(JobYaml.Read(json, "job.yaml"), folder)])
        {
            Assert.Equal(json, JobFile.ToJson(again));
            Assert.Equal(job.Data, again.Data);
            Assert.Equal(job.Optimizer, again.Optimizer);
            Assert.Equal(job.Schedule, again.Schedule);
            Assert.Equal(job.Checkpoints, again.Checkpoints);
            Assert.Equal(job.Regularization, again.Regularization);
            Assert.Equal((job.Loss.Kind, job.Loss.LabelSmoothing), (again.Loss.Kind, again.Loss.LabelSmoothing));
            Assert.Equal(job.Loss.ClassWeights, again.Loss.ClassWeights);
            Assert.Equal(WithoutSkipped(job.Training), WithoutSkipped(again.Training));
            Assert.Equal(job.Training.InitializeFrom?.Skipped ?? [], again.Training.InitializeFrom?.Skipped ?? []);
            Holds(job.Model, again.Model);
            Assert.Empty(JobComparison.Differences(job, again));
        }
    }

    private static void Holds(ModelDefinition model, ModelDefinition again)
    {
        Assert.Equal(model.Output, again.Output);
        Assert.Equal(model.Nodes.Select(node => (node.Name, node.Shares, node.Frozen, node.Module.Kind)), again.Nodes.Select(node => (node.Name, node.Shares, node.Frozen, node.Module.Kind)));
        foreach ((NodeDefinition node, NodeDefinition read) in model.Nodes.Zip(again.Nodes))
        {
            Assert.Equal(node.Inputs, read.Inputs);
            if (node.Module is Select select)
            {
                Select readSelect = Assert.IsType<Select>(read.Module);
                Assert.Equivalent(select.Rule, readSelect.Rule, strict: true);
                Assert.Equal(select.Branches.Length, readSelect.Branches.Length);
                select.Branches.Zip(readSelect.Branches).ToList().ForEach(pair => Holds(pair.First, pair.Second));
            }
            else
            {
                Assert.Equal(Values(node.Module), Values(read.Module));
            }
        }
    }

    private static ImmutableArray<object?> Values(Module module) => ModuleKind.All.Single(kind => kind.Word == module.Kind).Describe(module);

    // Its list is compared by its elements.
    private static TrainingOptions WithoutSkipped(TrainingOptions training) =>
        training with { InitializeFrom = training.InitializeFrom is { } start ? start with { Skipped = [] } : null };
}
