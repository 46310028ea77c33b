using DistNet.Data;
using DistNet.Kernels;
using DistNet.Training;
using Xunit;

namespace DistNet.Local.Tests;

public sealed class DigestTests
{
    public static TheoryData<int, int, int> Batches => new()
    {
        { 100, 32, 3 }, // does not divide: the last slice of each batch and the last batch are short
        { 328, 8, 3 },  // 41 slices: several uneven ones for each of eight workers
        { 20, 32, 1 },  // smaller than a slice
        { 5000, 64, 3 }, // larger than the data
        { 5000, int.MaxValue, 1 }, // and a slice larger than that
    };

    [Theory]
    [MemberData(nameof(Batches))]
    public Task Any_number_of_workers_and_threads_gives_one_digest(int batch, int slice, int epochs) =>
        AssertOneDigest(Digits.Job(batch, slice, epochs), Digits.Data);

    [Fact]
    public Task Any_number_of_workers_and_threads_changes_images_and_averages_weights_alike() => AssertOneDigest(Digits.ImageJob(328, 8, epochs: 2), Digits.Images);

    [Theory]
    [InlineData(100, 32)] // the last slice of a full batch has 4 samples, that of the last batch 6
    [InlineData(328, 8)]
    [InlineData(33, 32)] // the last slice has a single sample
    [InlineData(1300, 32)] // three passes for a worker alone
    public Task Any_number_of_workers_and_threads_normalises_batches_alike(int batch, int slice) => AssertOneDigest(Digits.NormalisedJob(batch, slice, epochs: 2), Digits.Images);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_convolutional_network_gives_one_digest_for_any_number_of_workers_threads_and_lanes(bool byWinograd)
    {
        Job job = byWinograd ? Digits.WinogradJob(328, 8, epochs: 1) : Digits.ConvolutionalJob(328, 8, epochs: 1);
        RunResult expected = await Train(1, 1, VectorUnit.Widest);
        foreach ((int workers, int threads) in ((int, int)[])[(1, 4), (2, 1), (3, 2), (5, 1), (8, 2)])
        {
            RunResult result = await Train(workers, threads, VectorUnit.Widest);
            Assert.Equal((workers, threads, expected.ParametersSha256, expected.StateSha256), (workers, threads, result.ParametersSha256, result.StateSha256));
            Assert.Equal(workers, result.WorkerSamples.Count(worker => worker.Value > 0));
        }

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            Assert.Equal((unit.ToString(), expected.ParametersSha256), (unit.ToString(), (await Train(2, 1, unit)).ParametersSha256));
        }

        Task<RunResult> Train(int workers, int threads, VectorUnit unit) => LocalTrainer.TrainAsync(
            job, Digits.Images, new LocalOptions { Workers = workers, ThreadsPerWorker = threads, Unit = unit }, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Every_vector_width_and_the_emulated_multiply_add_give_one_digest()
    {
        foreach (Job job in (Job[])[Digits.ImageJob(96, 16, epochs: 1, hidden: 7), Digits.NormalisedJob(96, 16, epochs: 1)])
        {
            string[] digests = await Task.WhenAll(VectorUnit.Available().Select(async unit =>
                (await LocalTrainer.TrainAsync(job, Digits.Images, new LocalOptions { Workers = 2, Unit = unit })).StateSha256));
            Assert.All(digests, digest => Assert.Equal(digests[0], digest));
        }
    }

    /// <summary>A change of these bits is a decision: write it down in docs/decisions with its reason, then change the digest here.</summary>
    [Theory]
    [InlineData("dense", "1332f580655b506ca974e89cbc0b1e387bf2e933b7a34916cea4d0b1d1f61ba9", "25822fdfaf94542e482ebf6b1e8dae4bd5cda7283911d7cc64083f15df3708c2")]
    [InlineData("convolutional", "58b9925fc5f3947a9f907d8b6e05024f42f4ad7c9fdd9cfe5e1f6170cf68b3c3", "3dd3268061bfa8fc00595a3fd5bca1ee8364e0847e35b2e26d832556c7ab4ffc")]
    [InlineData("by Winograd", "7b68a91694025eff0ffb79c9977e71ccfd92e0cf842cd50f297917d6acbf47bb", "f819c4eb7910ac4781b15449c4a939f19cb9c6a8fd056220106e2b92908f05e1")]
    public async Task The_digests_of_the_reference_jobs_are_pinned(string name, string parameters, string state)
    {
        (Job job, LoadedData data) = name switch
        {
            "dense" => (Digits.Job(100, 32, epochs: 3), Digits.Data),
            "convolutional" => (Digits.ConvolutionalJob(100, 32, epochs: 3), Digits.Images),
            _ => (Digits.WinogradJob(100, 32, epochs: 3), Digits.Images),
        };
        RunResult result = await LocalTrainer.TrainAsync(job, data, new LocalOptions { Workers = 2 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((parameters, state), (result.ParametersSha256, result.StateSha256));
    }

    private static async Task AssertOneDigest(Job job, LoadedData data)
    {
        RunResult expected = await LocalTrainer.TrainAsync(job, data, new LocalOptions { Workers = 1 }, cancellationToken: TestContext.Current.CancellationToken);
        foreach (int workers in (int[])[1, 2, 3, 5, 8])
        {
            foreach (int threads in (int[])[1, 2, 4])
            {
                LocalOptions options = new() { Workers = workers, ThreadsPerWorker = threads };
                RunResult result = await LocalTrainer.TrainAsync(job, data, options, cancellationToken: TestContext.Current.CancellationToken);
                Assert.Equal((workers, threads, expected.ParametersSha256), (workers, threads, result.ParametersSha256));
                Assert.Equal(expected.StateSha256, result.StateSha256);
                Assert.Equal(expected.ValidationLoss, result.ValidationLoss);
                Assert.Equal(expected.TrainLoss, result.TrainLoss);
                Assert.Equal(workers, result.Workers);
                if (job.Training.Batch == 328)
                {
                    Assert.Equal(workers, result.WorkerSamples.Count(worker => worker.Value > 0));
                }
            }
        }
    }
}
