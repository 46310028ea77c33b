using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using DistNet.Advice;
using DistNet.Cli.Consoles;
using DistNet.Cli.JobFiles;
using DistNet.Data;
using DistNet.Local.Bench;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet bench JOB.yaml</c>: measures this machine for a job and predicts how fast any number of workers would be.</summary>
internal static class BenchVerb
{
    private const int MostWorkers = 64;
    private const int DefaultSeconds = 10;
    private static readonly int[] DefaultWorkers = [1, 2, 4, 8, 16, 32, 64];

    public static Command Create(Terminal terminal)
    {
        var link = new LinkOptions();
        var job = new Argument<string>("JOB") { Description = "The job file (YAML)." };
        Option<string?> data = CommandTree.DataFolder();
        Option<string[]> overrides = CommandTree.Overrides();
        Option<int?> threads = CommandTree.Count("--threads", "Compute threads of each worker; by default 1.");
        Option<int[]> workers = Workers();
        Option<int?> seconds = CommandTree.Count("--seconds", string.Create(CultureInfo.InvariantCulture, $"About how long to measure; by default {DefaultSeconds}."));
        Option<bool> json = CommandTree.Json("Print one JSON object.");
        var command = new Command("bench", "Measure this machine for a job and predict the speed of 1 to 64 workers.") { job, data, overrides, threads, workers, link.Bandwidth, link.Latency, seconds, json };
        command.SetAction(parsed =>
        {
            NetworkLink stated = link.Read(parsed);
            Job loaded = JobLoader.Load(parsed.GetRequiredValue(job), parsed.GetValue(overrides) ?? [], seed: null);
            LoadedData read = DataLoader.Load(loaded.Data!, loaded.Loss.Kind, loaded.Training.Seed, parsed.GetValue(data));
            var options = new MachineBenchOptions
            {
                Threads = parsed.GetValue(threads) ?? 1,
                Budget = TimeSpan.FromSeconds(parsed.GetValue(seconds) ?? DefaultSeconds),
                DataFolder = parsed.GetValue(data),
            };
            MachineMeasurement measured = MachineBench.MeasureAsync(loaded, read, options).GetAwaiter().GetResult();
            BenchReport report = Report(measured, stated, parsed.GetValue(workers) is { Length: > 0 } asked ? asked : DefaultWorkers);
            if (parsed.GetValue(json))
            {
                BenchDisplay.WriteJson(terminal, report);
            }
            else
            {
                BenchDisplay.Write(terminal, report);
            }

            return 0;
        });
        return command;
    }

    private static BenchReport Report(MachineMeasurement measured, NetworkLink link, int[] workers)
    {
        StepCosts costs = measured.Costs;
        int fitting = Math.Max(1, costs.Cores / measured.Threads);
        int most = Math.Max(MostWorkers, workers.Max());
        ImmutableArray<StepPrediction> here = [.. Enumerable.Range(1, fitting).Select(count => StepModel.OnOneMachine(costs, count))];
        ImmutableArray<StepPrediction> machines = [.. Enumerable.Range(1, most).Select(count => StepModel.OverLink(costs, link, count))];
        return new BenchReport(
            measured,
            link,
            here[0],
            [.. here.Where(prediction => workers.Contains(prediction.Workers) || prediction.Workers == fitting)],
            Advisor.Recommend(costs, here[0], here),
            [.. machines.Where(prediction => workers.Contains(prediction.Workers))],
            Advisor.Recommend(costs, here[0], machines));
    }

    private static Option<int[]> Workers()
    {
        var option = new Option<int[]>("--workers") { Description = "The numbers of workers to show; by default 1 2 4 8 16 32 64.", HelpName = "N", AllowMultipleArgumentsPerToken = true };
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !(int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= 1024)) is { } wrong)
            {
                result.AddError($"--workers is '{wrong.Value}'; expected whole numbers from 1 to 1024");
            }
        });
        return option;
    }
}
