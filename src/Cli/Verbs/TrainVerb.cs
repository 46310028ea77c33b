using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Cli.JobFiles;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet train JOB.yaml</c>.</summary>
internal static class TrainVerb
{
    public static Command Create(Terminal terminal)
    {
        var job = new Argument<string>("JOB") { Description = "The job file (YAML)." };
        Option<int?> workers = CommandTree.Count("--workers", "Worker actors in this process; by default one per core.");
        Option<int?> threads = CommandTree.Count("--threads", "Compute threads of each worker; by default 1.");
        var output = new Option<string?>("--out") { Description = "The run folder; by default runs/JOB-N.", HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the run folder (by default the latest runs/JOB-N)." };
        Option<string?> data = CommandTree.DataFolder();
        Option<ulong?> seed = CommandTree.Seed();
        Option<string[]> overrides = CommandTree.Overrides();
        var quiet = new Option<bool>("--quiet") { Description = "Print warnings and errors alone." };
        Option<bool> json = CommandTree.Json("Print one JSON object per line: start, epoch, checkpoint, message, warning, done or error.");
        var command = new Command("train", "Train a model on this machine.") { job, workers, threads, output, resume, data, seed, overrides, quiet, json };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(job);
            Job loaded = JobLoader.Load(path, parsed.GetValue(overrides) ?? [], parsed.GetValue(seed));
            return new TrainCommand(terminal, path, loaded)
            {
                JobArguments = JobArguments(parsed.GetValue(overrides) ?? [], parsed.GetValue(seed), parsed.GetValue(data)),
                Workers = parsed.GetValue(workers) ?? Environment.ProcessorCount,
                Threads = parsed.GetValue(threads) ?? 1,
                Output = parsed.GetValue(output),
                Resume = parsed.GetValue(resume),
                DataFolder = parsed.GetValue(data),
                Quiet = parsed.GetValue(quiet),
                Json = parsed.GetValue(json),
            }.Run();
        });
        return command;
    }

    // What a resume must be given again.
    private static string JobArguments(string[] overrides, ulong? seed, string? data)
    {
        IEnumerable<string> arguments = overrides.Select(text => $" --set {ShellText.Quoted(text)}");
        string key = seed is { } value ? FormattableString.Invariant($" --seed {value}") : "";
        return string.Concat(arguments) + key + (data is null ? "" : $" --data {ShellText.Quoted(data)}");
    }
}
