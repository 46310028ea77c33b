using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DistNet.Faults;

/// <summary>A folder with one job over the digits that the repository ships: five steps of several milliseconds an epoch, each cut into 41 uneven slices.</summary>
internal sealed class Workshop : IDisposable
{
    public const int TrainSamples = 1_438;
    public const int StepsPerEpoch = 5;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("distnet-faults-");

    public Workshop(int epochs, double checkpointSeconds = 1)
    {
        Epochs = epochs;
        string digits = Path.Combine(Root(), "datasets", "digits.csv.gz");
        File.WriteAllText(Job, string.Create(CultureInfo.InvariantCulture, $$"""
            data: { format: csv, train: {{digits}}, validation: 0.2, label: last, normalize: feature }
            model: [ { linear: 512 }, relu, { dropout: 0.2 }, { linear: 768 }, relu, { linear: 10 } ]
            loss: cross-entropy
            optimizer: { kind: adamw, learningRate: 1e-3, weightDecay: 1e-4, clipNorm: 1 }
            training: { epochs: {{epochs}}, batch: 328, slice: 8, seed: 11 }
            checkpoints: { everySeconds: {{checkpointSeconds}}, keep: 3 }
            """));
    }

    public int Epochs { get; }

    public string Job => Path.Combine(folder.FullName, "job.yaml");

    public string Run(string name) => Path.Combine(folder.FullName, name);

    /// <summary>Trains in one process, undisturbed, and returns the digest.</summary>
    public string Undisturbed(int? epochs = null)
    {
        using Child child = Child.Start("undisturbed", ["train", Job, "--workers", "2", "--threads", "1", "--out", Run("undisturbed"), "--quiet", .. EpochsOf(epochs)]);
        long started = Stopwatch.GetTimestamp();
        if (child.Exit(TimeSpan.FromMinutes(10)) != 0)
        {
            throw new FaultException($"The undisturbed run failed.\n{child.Tail()}");
        }

        double seconds = Result("undisturbed", "training_seconds").GetDouble();
        Say($"undisturbed: {Result("undisturbed", "steps")} steps in {seconds:F1} s, {1000 * seconds / Result("undisturbed", "steps").GetInt64():F1} ms a step (process {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s)");
        return Digest("undisturbed");
    }

    public static string[] EpochsOf(int? epochs) => epochs is { } many ? ["--set", string.Create(CultureInfo.InvariantCulture, $"training.epochs={many}")] : [];

    public string Digest(string run) => Result(run, "state_sha256").GetString()!;

    /// <summary>Holds a run to leave no process and no shared memory behind.</summary>
    public void CheckNothingIsLeft(string run)
    {
        Poll.Until(() => !Vitals.Processes(Run(run)).Any(), () => $"{run}: processes are left: {string.Join(", ", Vitals.Processes(Run(run)))}", 20);
        using JsonDocument journal = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run(run), "journal.json")));
        string[] shared = Vitals.SharedFiles(Find(journal.RootElement, "run")!.Value.GetString()!);
        if (shared.Length > 0)
        {
            throw new FaultException($"{run}: files are left in shared memory: {string.Join(", ", shared)}");
        }
    }

    /// <summary>A value of a run's record, at any depth.</summary>
    public JsonElement Result(string run, string key)
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run(run), "run.json")));
        return Find(record.RootElement, key)?.Clone() ?? throw new FaultException($"run.json of {run} has no '{key}'.");
    }

    /// <summary>Holds the metrics to one row per epoch, with the steps that it must have.</summary>
    public void CheckMetrics(string run, int epochs)
    {
        string[] rows = [.. File.ReadLines(Path.Combine(Run(run), "metrics.csv")).Skip(1)];
        for (int epoch = 1; epoch <= epochs; epoch++)
        {
            string start = string.Create(CultureInfo.InvariantCulture, $"{epoch},{epoch * StepsPerEpoch},");
            if (rows.Length < epoch || !rows[epoch - 1].StartsWith(start, StringComparison.Ordinal))
            {
                throw new FaultException($"metrics.csv of {run}: row {epoch} is '{(rows.Length < epoch ? "missing" : rows[epoch - 1])}', expected '{start}…'.");
            }
        }

        if (rows.Length != epochs)
        {
            throw new FaultException($"metrics.csv of {run} has {rows.Length} rows, expected {epochs}.");
        }
    }

    public static void Say(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));

    public void Dispose() => folder.Delete(true);

    private static JsonElement? Find(JsonElement element, string key)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        return element.TryGetProperty(key, out JsonElement value)
            ? value
            : element.EnumerateObject().Select(property => Find(property.Value, key)).FirstOrDefault(found => found is not null);
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DistNet.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new FaultException("No folder above holds DistNet.sln.");
    }
}
