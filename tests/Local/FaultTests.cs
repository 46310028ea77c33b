using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Training;
using Xunit;

namespace DistNet.Local.Tests;

public sealed class FaultTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_gradient_that_is_not_finite_stops_the_run_with_step_slices_and_layer(int workers)
    {
        Job job = Exploding(NonFinitePolicy.Stop);
        DistNetException failure = await Assert.ThrowsAsync<DistNetException>(() =>
            LocalTrainer.TrainAsync(job, Digits.Data, new LocalOptions { Workers = workers }));
        Assert.Equal(FailureKind.Failed, failure.Kind);
        Assert.Contains("step", failure.Message, StringComparison.Ordinal);
        Assert.Contains("slice", failure.Message, StringComparison.Ordinal);
        Assert.Contains("fc", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_skipped_step_leaves_the_same_bits_for_any_number_of_workers(bool averaged)
    {
        Job job = averaged ? Digits.Averaged(Exploding(NonFinitePolicy.Skip)) : Exploding(NonFinitePolicy.Skip);
        RunResult one = await LocalTrainer.TrainAsync(job, Digits.Data, new LocalOptions { Workers = 1 });
        RunResult three = await LocalTrainer.TrainAsync(job, Digits.Data, new LocalOptions { Workers = 3 });
        Assert.True(one.SkippedSteps > 0);
        Assert.Equal(one.SkippedSteps, three.SkippedSteps);
        Assert.Equal(one.ParametersSha256, three.ParametersSha256);
        Assert.Equal(one.StateSha256, three.StateSha256);
    }

    [Fact]
    public async Task A_data_set_smaller_than_one_batch_trains()
    {
        DataSplit few = new(Digits.Data.Train.Data, Digits.Data.Train.Samples[..5]);
        RunResult result = await LocalTrainer.TrainAsync(Digits.Job(64, 32, epochs: 2), Digits.Data with { Train = few }, new LocalOptions { Workers = 2 });
        Assert.Equal(2, result.Steps);
    }

    [Fact]
    public async Task Progress_ends_each_epoch_and_the_model_predicts()
    {
        List<TrainingProgress> reports = [];
        RunResult result = await LocalTrainer.TrainAsync(Digits.Job(64, 32, epochs: 2), Digits.Data, progress: new Collect(reports));
        Assert.Equal([1, 2], reports.Where(report => report.EpochEnded).Select(report => report.Epoch));
        float[] outputs = result.Model.Predict(Digits.Data.Validation!);
        Assert.Equal(Digits.Data.Validation!.Samples.Length * 10, outputs.Length);
    }

    // Steps so large that the weights overflow to infinity within a few of them.
    private static Job Exploding(NonFinitePolicy policy) => new()
    {
        Model = ModelDefinition.Chain(new Linear(16), new Relu(), new Linear(10)),
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = 1e18 },
        Training = new TrainingOptions { Batch = 100, Epochs = 1, NonFinite = policy },
    };

    private sealed class Collect(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }
}
