using DistNet.Checkpoints;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_folder_has_one_holder_at_a_time()
    {
        string path = folder["runs/one"];
        using (RunFolder.Open(path))
        {
            DistNetException error = Assert.Throws<DistNetException>(() => RunFolder.Open(path));
            Assert.Equal(FailureKind.Usage, error.Kind);
            Assert.Contains("in use by another process", error.Message);
        }

        using RunFolder again = RunFolder.Open(path);
        Assert.Equal(path, again.Path);
    }

    [Fact]
    public void A_run_folder_that_is_a_file_is_refused()
    {
        string path = folder.Write("file", "x");
        Assert.Equal(FailureKind.Failed, Assert.Throws<DistNetException>(() => RunFolder.Open(path)).Kind);
    }

    [Fact]
    public void A_folder_holds_a_run_once_it_has_a_record_or_a_checkpoint()
    {
        Assert.False(RunFolder.HoldsRun(folder["missing"]));
        using RunFolder run = RunFolder.Open(folder["a"]);
        Assert.False(RunFolder.HoldsRun(run.Path));
        AtomicFile.WriteAllText(run.RunJson, "{}");
        Assert.True(RunFolder.HoldsRun(run.Path));
        new CheckpointStore(folder["b"]).Write(Samples.Checkpoint(1));
        Assert.True(RunFolder.HoldsRun(folder["b"]));
    }

    [Fact]
    public void An_atomic_write_replaces_the_file_and_leaves_nothing_else()
    {
        AtomicFile.WriteAllText(folder["run.json"], "one");
        AtomicFile.WriteAllText(folder["run.json"], "twö");
        Assert.Equal("twö", File.ReadAllText(folder["run.json"]));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void An_atomic_write_that_fails_leaves_the_old_content()
    {
        AtomicFile.WriteAllText(folder["run.json"], "one");
        DistNetException error = Assert.Throws<DistNetException>(() => AtomicFile.Write(folder["run.json"], stream =>
        {
            stream.WriteByte(1);
            throw new IOException("No space left on device");
        }));
        Assert.Matches("run.json' could not be written: No space left on device; what was there before is intact.$", error.Message);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(folder["run.json"], _ => throw new InvalidOperationException()));
        Assert.Equal("one", File.ReadAllText(folder["run.json"]));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Metrics_have_one_header_and_a_row_per_epoch()
    {
        string path = folder["metrics.csv"];
        using (MetricsFile metrics = MetricsFile.Open(path, 0))
        {
            metrics.Append(new MetricsRow { Epoch = 1, Step = 10, LearningRate = 1e-3, TrainLoss = 0.1, ValidationAccuracy = 1, Seconds = 2.5 });
            Assert.Equal([MetricsFile.Header, "1,10,0.001,0.1,,,1,,,2.5"], Lines(path));
        }
    }

    [Fact]
    public void A_resume_cuts_the_metrics_back_to_its_checkpoint()
    {
        string path = folder["metrics.csv"];
        using (MetricsFile metrics = MetricsFile.Open(path, 0))
        {
            for (int epoch = 1; epoch <= 11; epoch++)
            {
                metrics.Append(new MetricsRow { Epoch = epoch, Step = epoch * 10 });
            }
        }

        File.AppendAllText(path, "2,torn");
        using (MetricsFile metrics = MetricsFile.Open(path, 2))
        {
            metrics.Append(new MetricsRow { Epoch = 3, Step = 31 });
        }

        Assert.Equal([MetricsFile.Header, "1,10,,,,,,,,", "2,20,,,,,,,,", "3,31,,,,,,,,"], File.ReadAllLines(path));
        MetricsFile.Open(path, 0).Dispose();
        Assert.Equal([MetricsFile.Header], File.ReadAllLines(path));
    }

    // Read while the writer still has the file open.
    private static string[] Lines(string path)
    {
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().TrimEnd('\n').Split('\n');
    }
}
