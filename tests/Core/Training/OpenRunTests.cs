using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class OpenRunTests
{
    [Fact]
    public void A_run_that_cannot_be_opened_leaves_no_file_of_its_folder_open()
    {
        using TemporaryFolder folder = new();
        Job job = new() { Model = ModelDefinition.Chain(new Linear(2)) };
        RunSetup setup = RunSetup.Create(job, new LoadedData { Train = DataSplit.All(TestBed.RandomClasses(new Shape(3), 8, 2)) });
        OpenRunOptions options = new() { RunFolder = folder["run"], Unit = VectorUnit.Widest, ShareParameters = (_, _) => throw new InsufficientMemoryException() };

        Assert.Throws<InsufficientMemoryException>(() => OpenRun.Open(setup, options));

        string[] files = Directory.GetFiles(folder["run"]);
        Assert.Contains(Path.Combine(folder["run"], "metrics.csv"), files);
        Assert.All(files, file => File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose());
    }
}
