using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
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

    [Theory]
    [InlineData(NonFinitePolicy.Stop)]
    [InlineData(NonFinitePolicy.Skip)]
    public async Task A_batch_whose_samples_all_weigh_0_is_named_as_such(NonFinitePolicy policy)
    {
        // Of class 0, which alone weighs something, there is the first batch; the second, a short one, is of others.
        DataSplit all = Digits.Data.Train;
        int[] samples = [.. all.Samples.ToArray().OrderBy(sample => all.Data.Labels[sample] != 0)];
        int ofClass = samples.Count(sample => all.Data.Labels[sample] == 0);
        LoadedData data = Digits.Data with { Train = new(all.Data, samples.AsMemory(0, ofClass + 5)), Validation = null };
        Job job = new()
        {
            Model = ModelDefinition.Chain(new Linear(10)),
            Loss = new LossOptions { ClassWeights = [1, .. new float[9]] },
            Training = new TrainingOptions { Batch = ofClass, Slice = 2, Epochs = 1, Shuffle = ShuffleMode.None, NonFinite = policy },
        };
        const string Sentence = "The gradient of step 1 (epoch 1, batch 2 of 2) is not finite: its samples all weigh 0 (loss.classWeights), and a mean over them is 0 ÷ 0.";
        Warnings warnings = new();
        LocalOptions options = new() { Workers = 2, Observer = warnings };
        if (policy == NonFinitePolicy.Stop)
        {
            Assert.Equal(Sentence, (await Assert.ThrowsAsync<DistNetException>(() => LocalTrainer.TrainAsync(job, data, options))).Message);
        }
        else
        {
            Assert.Equal(1, (await LocalTrainer.TrainAsync(job, data, options)).SkippedSteps);
            Assert.Equal([$"{Sentence} The step is skipped."], warnings.Sentences);
        }
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
