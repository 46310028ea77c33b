using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Interchange;
using DistNet.Jobs;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests;
using DistNet.Training;
using Xunit;

namespace DistNet.Local.Tests;

/// <summary>What an average of the weights changes of a run, and what it does not.</summary>
public sealed class AverageTests
{
    private static readonly Job Plain = Digits.Job(100, 32, epochs: 3) with
    {
        Training = new TrainingOptions { Batch = 100, Epochs = 3, Seed = 7 },
        Checkpoints = new CheckpointOptions { EverySeconds = null, Keep = 100 },
    };

    private static readonly Job Averaged = Digits.Averaged(Plain);

    [Fact]
    public async Task The_weights_are_those_of_a_run_without_and_the_average_is_what_is_validated_tested_and_kept()
    {
        using TemporaryFolder plainFolder = new(), folder = new();
        RunResult plain = await Train(Plain, plainFolder.Path);
        RunResult result = await Train(Averaged, folder.Path);
        string[] plainCheckpoints = [.. new CheckpointStore(plainFolder.Path).Folders().Order()];
        string[] checkpoints = [.. new CheckpointStore(folder.Path).Folders().Order()];
        Assert.Equal(3, checkpoints.Length);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            Checkpoint checkpoint = CheckpointStore.Open(checkpoints[epoch], Assert.Fail);
            Assert.Equal(Digest.Parameters(CheckpointStore.Open(plainCheckpoints[epoch], Assert.Fail).Parameters), Digest.Parameters(checkpoint.Parameters));
            using TrainedModel model = TrainedModel.Load(checkpoints[epoch]);
            Assert.Equal(Digest.Parameters(checkpoint.Slots["average"]), Digest.Parameters(model.Parameters));
            Assert.Equal(model.Evaluate(Digits.Data.Validation!).Loss, result.History[epoch].ValidationLoss);
            Assert.Equal(plain.History[epoch].TrainLoss, result.History[epoch].TrainLoss);
            Assert.NotEqual(plain.History[epoch].ValidationLoss, result.History[epoch].ValidationLoss);
        }

        using TrainedModel last = TrainedModel.Load(folder.Path);
        Assert.Equal(Digest.Parameters(last.Parameters), result.ParametersSha256);
        Assert.Equal(last.Evaluate(Digits.Data.Validation!).Loss, result.TestLoss);
        ImmutableArray<NamedTensor> written = SafetensorsFile.Read(Path.Combine(folder.Path, "model.safetensors"));
        Assert.Equal(last.Graph.Layout.Entries.Select(entry => entry.Name), written.Select(tensor => tensor.Name));
        Assert.Equal(last.Graph.Layout.Entries.SelectMany(entry => last.Parameters[entry].ToArray()), written.SelectMany(tensor => tensor.Values.ToArray()));
    }

    [Fact]
    public async Task The_best_epoch_is_the_best_average()
    {
        using TemporaryFolder folder = new();
        RunResult result = await Train(Digits.Averaged(Digits.Job(100, 32, epochs: 6)), folder.Path);
        Checkpoint last = CheckpointStore.Open(folder.Path, Assert.Fail);
        Assert.Equal(Digest.Parameters(last.Best!), result.ParametersSha256);
        Assert.True(last.State.BestEpoch < last.State.Epoch);
        Assert.Equal(result.History[last.State.BestEpoch - 1].ValidationLoss, result.ValidationLoss);
    }

    [Fact]
    public async Task Running_buffers_are_not_averaged_but_those_of_the_training()
    {
        using TemporaryFolder folder = new();
        Job job = Digits.NormalisedJob(100, 32, epochs: 2) with { Training = Plain.Training with { Epochs = 2 } };
        RunResult result = await LocalTrainer.TrainAsync(
            job, Digits.Images, new LocalOptions { RunFolder = folder.Path, Workers = 2, JobJson = JobFile.ToJson(job) }, cancellationToken: TestContext.Current.CancellationToken);
        Checkpoint last = CheckpointStore.Open(folder.Path, Assert.Fail);
        foreach (ParameterEntry entry in result.Model.Parameters.Layout.Entries)
        {
            Assert.Equal((entry.IsBuffer ? last.Parameters : last.Slots["average"])[entry].ToArray(), result.Model.Parameters[entry].ToArray());
        }

        Assert.NotEmpty(result.Model.Parameters.Layout.Buffers);
        Assert.Equal(result.Model.Evaluate(Digits.Images.Validation!).Loss, result.History[^1].ValidationLoss);
    }

    [Fact]
    public async Task An_interrupted_run_is_told_with_its_average()
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource stop = new();
        RunResult result = await Train(Averaged, folder.Path, new StopAt(20, stop), stop.Token);
        using TrainedModel model = TrainedModel.Load(folder.Path);
        Assert.Equal(RunOutcomeKind.Interrupted, result.Outcome);
        Assert.Equal(Digest.Parameters(model.Parameters), result.ParametersSha256);
        Assert.NotEqual(Digest.Parameters(CheckpointStore.Open(folder.Path, Assert.Fail).Parameters), result.ParametersSha256);
    }

    [Fact]
    public async Task An_average_is_exported_as_the_model_and_begins_as_imported_weights()
    {
        using TemporaryFolder folder = new(), again = new();
        RunResult trained = await Train(Averaged, folder.Path);
        string weights = Path.Combine(folder.Path, "w.safetensors"), optimizer = Path.Combine(folder.Path, "o.safetensors");
        using (FileStream weightsFile = File.Create(weights), optimizerFile = File.Create(optimizer))
        {
            ModelExport.WriteSafetensors(weightsFile, trained.Model);
            ModelExport.WriteOptimizer(optimizerFile, CheckpointStore.Open(folder.Path, Assert.Fail));
        }

        using (SafetensorsReader reader = SafetensorsReader.Open(optimizer))
        {
            Assert.DoesNotContain(reader.Tensors, tensor => tensor.Name.Contains("average", StringComparison.Ordinal));
        }

        // From there on, one step of no length: weights and average stay as they were imported.
        Job still = Averaged with
        {
            Optimizer = Averaged.Optimizer with { LearningRate = 1e-30, WeightDecay = 0 },
            Training = new TrainingOptions { Batch = 2000, Epochs = 1, InitializeFrom = new InitializeFromOptions(weights) { Optimizer = optimizer } },
        };
        RunResult result = await Train(still, again.Path);
        Assert.Equal(1, result.Steps);
        Assert.Equal(trained.ParametersSha256, result.ParametersSha256);
    }

    private static Task<RunResult> Train(Job job, string folder, IRunObserver? observer = null, CancellationToken stop = default) => LocalTrainer.TrainAsync(
        job,
        Digits.Data with { Test = Digits.Data.Validation },
        new LocalOptions { RunFolder = folder, Workers = 2, JobJson = JobFile.ToJson(job), Observer = observer },
        cancellationToken: stop);

    private sealed class StopAt(long step, CancellationTokenSource stop) : IRunObserver
    {
        public void OnStep(StepReport report)
        {
            if (report.State.Step == step)
            {
                stop.Cancel();
            }
        }
    }
}
