using System.IO.Compression;
using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>Workers without the coordinator's data file, or with a wrong one, fetch it and come to the same bits.</summary>
public sealed class WorkerDataTests : IDisposable
{
    private readonly Workspace workspace = new([32], epochs: 12, everySteps: 1000);

    public void Dispose() => workspace.Dispose();

    [Fact]
    public async Task Workers_fetch_what_they_lack_and_refuse_a_wrong_copy_by_name()
    {
        using (DistNetProcess alone = DistNetProcess.Start(workspace.Train("alone", 1)))
        {
            Assert.True(await alone.Exit() == 0, alone.Output);
        }

        // The coordinator's path leads to its own folder alone: another process has another current folder.
        string folder = Folder("coordinator");
        File.Copy(Workspace.Dataset("digits.csv.gz"), Path.Combine(folder, "digits.csv.gz"));
        string wrong = WrongCopy();
        string cache = workspace.Run("cache");
        using ClusterProcesses cluster = new(workspace, "cluster") { Folder = folder };
        await cluster.StartCoordinator("--min-workers", "3", "--data", "/proc/self/cwd", "--set", "data.train=digits.csv.gz");
        DistNetProcess[] workers =
        [
            cluster.StartWorker("lacks", "--cache", cache),
            cluster.StartWorker("lacks-too", "--cache", cache),
            cluster.StartWorker("wrong", "--cache", cache, "--data", Path.GetDirectoryName(wrong)!),
        ];
        Assert.True(await cluster.Coordinator.Exit() == 0, cluster.Coordinator.Output);
        foreach (DistNetProcess worker in workers)
        {
            Assert.True(await worker.Exit() == 0, worker.Output);
        }

        Assert.Contains("fetched the data file 'digits.csv.gz'", string.Concat(workers.Select(worker => worker.Output)), StringComparison.Ordinal);
        Assert.Contains($"warning: The copy '{wrong}'", workers[2].Output, StringComparison.Ordinal);
        Assert.DoesNotContain("warning:", workers[0].Output + workers[1].Output, StringComparison.Ordinal);
        Assert.Equal(workspace.Result("alone", "parameters_sha256"), workspace.Result("cluster", "parameters_sha256"));
        string fetched = Assert.Single(Directory.GetFiles(cache), file => Path.GetExtension(file).Length == 0);
        Assert.Equal(await File.ReadAllBytesAsync(Workspace.Dataset("digits.csv.gz")), await File.ReadAllBytesAsync(fetched));
    }

    private string Folder(string name) => Directory.CreateDirectory(workspace.Run(name)).FullName;

    // All but one sample.
    private string WrongCopy()
    {
        using GZipStream packed = new(File.OpenRead(Workspace.Dataset("digits.csv.gz")), CompressionMode.Decompress);
        using StreamReader reader = new(packed);
        string[] lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string path = Path.Combine(Folder("own"), "digits.csv.gz");
        File.WriteAllLines(path, lines[..^1]);
        return path;
    }
}
