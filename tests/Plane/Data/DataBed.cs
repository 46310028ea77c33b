using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using DistNet.Coordinator.Data;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Training;
using DistNet.Worker.Data;
using Xunit;

namespace DistNet.Plane.Tests.Data;

/// <summary>A coordinator's data files and workers that have other folders.</summary>
internal sealed class DataBed : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("distnet-data-").FullName;

    public DataBed() => Serve(Csv(1));

    public RunDataFiles Files { get; private set; } = null!;

    /// <summary>The training file, at a path that no worker has.</summary>
    public DataFileInfo File => Elsewhere().Files[0];

    public Job Job { get; private set; } = null!;

    public LoadedData Loaded { get; private set; } = null!;

    public string Fingerprint => Loaded.Fingerprint;

    /// <summary>Sixty samples of three features and three classes.</summary>
    public static byte[] Csv(int variant, int samples = 60)
    {
        StringBuilder text = new();
        for (int i = 0; i < samples; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{i % 7},{(i * variant) % 11},{i}.5,{i % 3}\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    public string PathOf(string name) => Path.Combine(folder, name);

    /// <summary>Puts a file into the bed's folder.</summary>
    public string Place(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        System.IO.File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>Makes these the coordinator's data.</summary>
    /// <param name="train">The training file.</param>
    /// <param name="columns">The rules of its columns.</param>
    public void Serve(byte[] train, ColumnRules? columns = null) => Serve(train, null, columns);

    public void ServeWithTest(byte[] train, byte[] test) => Serve(train, test, null);

    public async Task<DataDescription> Description() => new(await Files.DescribeAsync(), Fingerprint, Loaded.Normalization);

    /// <summary>The description as a worker of another machine sees it: the coordinator's paths lead nowhere.</summary>
    public DataDescription Elsewhere()
    {
        DataDescription described = Description().GetAwaiter().GetResult();
        return described with { Files = [.. described.Files.Select(file => file with { PathHint = PathOf("nowhere/" + file.Name) })] };
    }

    public string FingerprintOf(byte[] train)
    {
        Place("other/sets/train.csv", train);
        LoadedData data = DataLoader.Load(Job.Data! with { BaseFolder = PathOf("other"), Test = null }, Job.Loss.Kind, Job.Training.Seed, null);
        Directory.Delete(PathOf("other"), recursive: true);
        return data.Fingerprint;
    }

    /// <summary>A worker process: all of them share the machine's cache.</summary>
    public Worker NewWorker(string? dataFolder = null) => new(this, dataFolder is null ? null : PathOf(dataFolder), PathOf("cache"));

    public void AssertSame(LoadedData data)
    {
        Assert.Equal(Fingerprint, data.Fingerprint);
        Assert.Equal(Loaded.Normalization, data.Normalization);
        Assert.Equal(Loaded.Columns, data.Columns);
        Assert.Equal(Loaded.FeatureNames, data.FeatureNames);
        Assert.Equal(Loaded.Train.Samples.ToArray(), data.Train.Samples.ToArray());
        Assert.Equal(Loaded.Validation!.Samples.ToArray(), data.Validation!.Samples.ToArray());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Serve(byte[] train, byte[]? test, ColumnRules? columns)
    {
        Place("coordinator/sets/train.csv", train);
        if (test is not null)
        {
            Place("coordinator/sets/test.csv", test);
        }

        DataOptions options = new() { Train = new("sets/train.csv"), ValidationShare = 0.2, Test = test is null ? null : new("sets/test.csv"), Columns = columns ?? ColumnRules.None };
        Job = new Job { Data = options, Model = ModelDefinition.Chain(new DistNet.Modules.Linear(3)) };
        DataOptions here = options with { BaseFolder = PathOf("coordinator") };
        Load(here);
    }

    /// <summary>Makes a folder of images of two classes the coordinator's data.</summary>
    /// <param name="images">The files by their names, <c>a/1.png</c>.</param>
    public void ServeImages(params (string Name, byte[] Bytes)[] images)
    {
        foreach ((string name, byte[] bytes) in images)
        {
            Place($"coordinator/sets/pictures/{name}", bytes);
        }

        DataOptions options = new() { Format = DataFormat.Images, Train = new("sets/pictures/"), ValidationShare = 0.25, Channels = 1 };
        Job = new Job { Data = options, Model = ModelDefinition.Chain(new DistNet.Modules.Flatten(), new DistNet.Modules.Linear(2)) };
        Load(options with { BaseFolder = PathOf("coordinator") });
    }

    private void Load(DataOptions here)
    {
        Loaded = DataLoader.Load(here, Job.Loss.Kind, Job.Training.Seed, null);
        Files = new RunDataFiles(here, null, Loaded);
    }

    /// <summary>A worker with what it told and fetched.</summary>
    internal sealed class Worker(DataBed bed, string? dataFolder, string cache)
    {
        private readonly WorkerData data = new(new WorkerDataOptions { DataFolder = dataFolder, CacheFolder = cache });

        public string Cache => cache;

        public List<string> Told { get; } = [];

        public List<string> Warned { get; } = [];

        public TestFetcher Fetcher { get; } = new(bed);

        public Task<LoadedData> Prepare(DataDescription description, Job? job = null, IDataFetcher? fetcher = null, CancellationToken? over = null) =>
            data.PrepareAsync(job ?? bed.Job, description, fetcher ?? Fetcher, Told.Add, Warned.Add, over ?? TestContext.Current.CancellationToken);
    }
}
