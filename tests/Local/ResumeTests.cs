using CsCheck;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Runs;
using DistNet.Tests;
using DistNet.Training;
using Xunit;

namespace DistNet.Local.Tests;

public sealed class ResumeTests
{
    private static readonly Job Job = Digits.Job(100, 32, epochs: 4);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_stopped_at_any_steps_and_resumed_with_other_workers_gives_the_digest_of_an_undisturbed_one(bool averaged)
    {
        Job job = averaged ? Digits.Averaged(Job) : Job;
        RunResult undisturbed = await LocalTrainer.TrainAsync(job, Digits.Data, new LocalOptions { Workers = 1 });
        Gen<(long Step, int Workers, int Threads)> stop = Gen.Select(Gen.Long[1, undisturbed.Steps], Gen.Int[1, 4], Gen.Int[1, 2]);
        await stop.Array[1, 3].SampleAsync(
            async stops =>
            {
                using TemporaryFolder folder = new();
                RunResult? result = null;
                foreach ((long step, int workers, int threads) in stops)
                {
                    result = await TrainUntil(step, folder.Path, workers, threads, job);
                }

                while (result!.Outcome == RunOutcomeKind.Interrupted)
                {
                    result = await TrainUntil(long.MaxValue, folder.Path, 3, 1, job);
                }

                return result.ParametersSha256 == undisturbed.ParametersSha256
                    && result.StateSha256 == undisturbed.StateSha256
                    && File.ReadAllLines(Path.Combine(folder.Path, "metrics.csv")).Length == result.Epochs + 1;
            },
            iter: 12,
            threads: 1);
    }

    [Fact]
    public async Task A_run_with_running_statistics_goes_on_from_a_checkpoint_and_ends_with_the_best_epoch_s()
    {
        Job job = Digits.NormalisedJob(100, 32, epochs: 4);
        RunResult undisturbed = await LocalTrainer.TrainAsync(job, Digits.Images, new LocalOptions { Workers = 1 });
        using TemporaryFolder folder = new();
        LocalOptions options = Options(folder.Path, 2, 1) with { JobJson = JobFile.ToJson(job) };
        using CancellationTokenSource stop = new();
        await LocalTrainer.TrainAsync(job, Digits.Images, options with { Observer = new StopAt(7, stop) }, cancellationToken: stop.Token);
        RunResult resumed = await LocalTrainer.TrainAsync(job, Digits.Images, options with { Workers = 3, Resume = true });
        Assert.Equal(undisturbed.ParametersSha256, resumed.ParametersSha256);
        Assert.Equal(undisturbed.StateSha256, resumed.StateSha256);

        // In evaluation the running statistics act: those of the best epoch, as the parameters are.
        using TrainedModel model = TrainedModel.Load(folder.Path);
        Assert.Equal(undisturbed.ValidationLoss, model.Evaluate(Digits.Images.Validation!).Loss);
        Assert.All(model.Graph.Layout.Buffers, buffer => Assert.Contains(model.Parameters[buffer].ToArray(), value => value is not (0 or 1)));
    }

    [Fact]
    public async Task A_torn_checkpoint_is_passed_over_with_a_warning_and_the_digest_is_the_same()
    {
        RunResult undisturbed = await LocalTrainer.TrainAsync(Job, Digits.Data, new LocalOptions { Workers = 1 });
        using TemporaryFolder folder = new();
        await TrainUntil(9, folder.Path, 2, 1);
        string[] checkpoints = [.. new CheckpointStore(folder.Path).Folders()];
        Assert.True(checkpoints.Length >= 2);
        string torn = Path.Combine(checkpoints[0], "parameters.safetensors");
        byte[] bytes = File.ReadAllBytes(torn);
        bytes[^5] ^= 1;
        File.WriteAllBytes(torn, bytes);

        Warnings warnings = new();
        RunResult result = await LocalTrainer.TrainAsync(Job, Digits.Data, Options(folder.Path, 2, 1) with { Resume = true, Observer = warnings });

        Assert.Contains(warnings.Sentences, sentence => sentence.Contains(Path.GetFileName(checkpoints[0]), StringComparison.Ordinal));
        Assert.Equal(undisturbed.ParametersSha256, result.ParametersSha256);
    }

    [Fact]
    public async Task A_resume_with_other_data_or_another_model_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        await TrainUntil(3, folder.Path, 1, 1);
        Job wider = Digits.Job(100, 32, epochs: 4, hidden: 25);
        DistNetException model = await Assert.ThrowsAsync<DistNetException>(() =>
            LocalTrainer.TrainAsync(wider, Digits.Data, Options(folder.Path, 1, 1) with { Resume = true }));
        Assert.Equal(FailureKind.Usage, model.Kind);
        Assert.Contains("another model", model.Message, StringComparison.Ordinal);

        DistNetException split = await Assert.ThrowsAsync<DistNetException>(() =>
            LocalTrainer.TrainAsync(Job, Digits.Data with { Train = Digits.Data.Validation! }, Options(folder.Path, 1, 1) with { Resume = true }));
        Assert.Contains("does not fit 359 training samples", split.Message, StringComparison.Ordinal);

        DataSplit others = DataSplit.All(new FloatDataset(Digits.Data.Train.Data.InputShape, new float[64 * 200], SampleLabels.Classes(new int[200], Digits.Data.ClassNames)));
        DistNetException data = await Assert.ThrowsAsync<DistNetException>(() =>
            LocalTrainer.TrainAsync(Job, Digits.Data with { Train = others }, Options(folder.Path, 1, 1) with { Resume = true }));
        Assert.Contains("other data", data.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_model_of_a_run_folder_evaluates_to_the_bits_of_the_run()
    {
        using TemporaryFolder folder = new();
        RunResult result = await LocalTrainer.TrainAsync(Job, Digits.Data, Options(folder.Path, 2, 1));
        using TrainedModel model = TrainedModel.Load(folder.Path);
        Evaluation evaluation = model.Evaluate(Digits.Data.Validation!);
        Assert.Equal(result.ParametersSha256, Digest.Parameters(model.Parameters));
        Assert.Equal(result.ValidationLoss, evaluation.Loss);
        Assert.Equal(result.ValidationAccuracy, evaluation.Accuracy);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    public async Task An_interrupted_run_measures_nothing_more_but_is_told_with_its_last_validation(long step)
    {
        using CancellationTokenSource stop = new();
        LoadedData data = Digits.Data with { Test = Digits.Data.Validation };
        RunResult result = await LocalTrainer.TrainAsync(Job, data, new LocalOptions { Workers = 2, Observer = new StopAt(step, stop) }, cancellationToken: stop.Token);
        EpochRecord? last = result.History.Count > 0 ? result.History[^1] : null;
        Assert.Equal((RunOutcomeKind.Interrupted, step > 15), (result.Outcome, last is not null));
        Assert.Equal((last?.ValidationLoss ?? double.NaN, last?.ValidationAccuracy ?? double.NaN), (result.ValidationLoss, result.ValidationAccuracy));
        Assert.Equal((double.NaN, double.NaN), (result.TestLoss, result.TestAccuracy));
        Assert.Null(result.ConfusionMatrix);
    }

    [Fact]
    public async Task A_resume_keeps_the_run_and_begins_a_new_term()
    {
        using TemporaryFolder folder = new();
        await TrainUntil(3, folder.Path, 1, 1);
        string first = File.ReadAllText(Path.Combine(folder.Path, JournalFolder.JournalName));
        await TrainUntil(6, folder.Path, 1, 1);
        string second = File.ReadAllText(Path.Combine(folder.Path, JournalFolder.JournalName));
        Assert.Contains("\"term\":1}", first, StringComparison.Ordinal);
        Assert.Equal(first.Replace("\"term\":1}", "\"term\":2}", StringComparison.Ordinal), second);
    }

    [Fact]
    public async Task A_run_whose_folder_was_taken_over_stops_and_writes_nothing_more()
    {
        using TemporaryFolder folder = new();
        DistNetException error = await Assert.ThrowsAsync<DistNetException>(() =>
            LocalTrainer.TrainAsync(Job, Digits.Data, Options(folder.Path, 1, 1) with { Observer = new TakeOver(folder.Path, atStep: 5) }));
        Assert.Contains("names term 2, this coordinator has term 1", error.Message, StringComparison.Ordinal);
        Assert.Equal("step-0000000004", Path.GetFileName(new CheckpointStore(folder.Path).Folders()[0]));
    }

    private static async Task<RunResult> TrainUntil(long step, string folder, int workers, int threads, Job? job = null)
    {
        using CancellationTokenSource stop = new();
        bool resume = RunFolder.HoldsRun(folder);
        LocalOptions options = Options(folder, workers, threads, job) with { Resume = resume, Observer = new StopAt(step, stop) };
        return await LocalTrainer.TrainAsync(job ?? Job, Digits.Data, options, cancellationToken: stop.Token);
    }

    private static LocalOptions Options(string folder, int workers, int threads, Job? job = null) =>
        new() { RunFolder = folder, Workers = workers, ThreadsPerWorker = threads, JobJson = JobFile.ToJson(job ?? Job) };

    private sealed class StopAt(long step, CancellationTokenSource stop) : IRunObserver
    {
        public void OnStep(StepReport report)
        {
            if (report.State.Step >= step)
            {
                stop.Cancel();
            }
        }
    }

    // Another coordinator begins, as one could where the lock does not hold.
    private sealed class TakeOver(string folder, long atStep) : IRunObserver
    {
        public void OnStep(StepReport report)
        {
            if (report.State.Step == atStep)
            {
                RunJournal.Begin(new JournalFolder(folder), resume: true, holdsCheckpoints: true, _ => { });
            }
        }
    }
}
