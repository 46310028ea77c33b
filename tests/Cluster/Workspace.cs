using System.Globalization;
using System.Text.Json;

namespace DistNet.Cluster.Tests;

/// <summary>A temporary folder with a job over the digits that the repository ships, and its runs.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("distnet-");

    /// <summary>The job file.</summary>
    public string Job => Path.Combine(folder.FullName, "job.yaml");

    /// <summary>Writes the job.</summary>
    /// <param name="widths">Widths of the hidden layers.</param>
    /// <param name="epochs">Passes over the 1,438 training samples.</param>
    /// <param name="everySteps">Steps between checkpoints.</param>
    public Workspace(int[] widths, int epochs, int everySteps)
    {
        string layers = string.Concat(widths.Select(width => string.Create(CultureInfo.InvariantCulture, $"{{ linear: {width} }}, batch-norm, relu, {{ dropout: 0.2 }}, ")));
        File.WriteAllText(Job, string.Create(CultureInfo.InvariantCulture, $$"""
            data:
              format: csv
              train: {{Dataset("digits.csv.gz")}}
              validation: 0.2
              label: last
              normalize: feature
            model: [ {{layers}}{ linear: 10 } ]
            loss: cross-entropy
            optimizer: { kind: adamw, learningRate: 1e-3, weightDecay: 1e-4, clipNorm: 1, emaDecay: 0.9 }
            schedule: { kind: cosine, warmupSteps: 20 }
            training: { epochs: {{epochs}}, batch: 328, slice: 8, seed: 7, earlyStopping: { patience: 1000 } }
            checkpoints: { everySteps: {{everySteps}}, keep: 3 }
            """));
    }

    /// <summary>A file that the repository ships.</summary>
    public static string Dataset(string name) => Path.Combine(Root(), "datasets", name);

    /// <summary>A run's folder.</summary>
    public string Run(string name) => Path.Combine(folder.FullName, name);

    /// <summary>The greatest step of a whole checkpoint, 0 without one. A checkpoint's folder takes its name when it is complete.</summary>
    public long LatestCheckpoint(string run)
    {
        DirectoryInfo checkpoints = new(Path.Combine(Run(run), "checkpoints"));
        try
        {
            return checkpoints.EnumerateDirectories("step-*").Select(folder => long.TryParse(folder.Name.AsSpan(5), out long step) ? step : 0).DefaultIfEmpty(0).Max();
        }
        catch (DirectoryNotFoundException)
        {
            return 0;
        }
    }

    /// <summary>The arguments of a training run.</summary>
    public string[] Train(string name, int workers, params string[] more) =>
        ["train", Job, "--out", Run(name), "--workers", workers.ToString(CultureInfo.InvariantCulture), "--threads", "1", "--quiet", .. more];

    /// <summary>The arguments of a training run over processes of one thread each.</summary>
    public string[] TrainInProcesses(string name, int processes, params string[] more) =>
        ["train", Job, "--out", Run(name), "--processes", processes.ToString(CultureInfo.InvariantCulture), "--threads", "1", "--quiet", .. more];

    /// <summary>How often a supervisor started the coordinator (<c>coordinator</c>) or workers (<c>workers</c>) again.</summary>
    public string Restarts(string name, string which)
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run(name), "run.json")));
        return record.RootElement.GetProperty("results").GetProperty("restarts").GetProperty(which).ToString();
    }

    /// <summary>A value of a run's record, searched for at any depth.</summary>
    public string Result(string name, string key)
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run(name), "run.json")));
        return Find(record.RootElement, key)?.ToString() ?? throw new InvalidOperationException($"run.json has no '{key}'.");
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Delete(true);

    private static JsonElement? Find(JsonElement element, string key)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (element.TryGetProperty(key, out JsonElement value))
        {
            return value;
        }

        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (Find(property.Value, key) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DistNet.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No folder above holds DistNet.sln.");
    }
}
