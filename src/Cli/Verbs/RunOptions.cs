using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using DistNet.Cli.Consoles;
using DistNet.Cli.JobFiles;
using DistNet.Cli.RunFolders;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary>What every verb that leads a run is told: the job, its folder, and how it is shown.</summary>
/// <param name="JobPath">The job file.</param>
/// <param name="Job">The job, overrides applied.</param>
/// <param name="JobOptions">The options that change the job or its data, as they were given: what a resume must be given again.</param>
/// <param name="Output">The value of --out, or null.</param>
/// <param name="Resume">Whether to go on with a run.</param>
/// <param name="DataFolder">The value of --data, or null.</param>
/// <param name="Quiet">Warnings and errors alone.</param>
/// <param name="Json">Events as JSON.</param>
internal sealed record RunRequest(string JobPath, Job Job, ImmutableArray<string> JobOptions, string? Output, bool Resume, string? DataFolder, bool Quiet, bool Json)
{
    /// <summary><see cref="JobOptions"/> as a person types them, with a space before each.</summary>
    public string JobArguments => string.Concat(JobOptions.Select(text => $" {ShellText.Quoted(text)}"));
}

/// <summary>The options that <c>train</c> and <c>coordinator</c> share.</summary>
internal sealed class RunOptions
{
    public Argument<string> Job { get; } = new("JOB") { Description = "The job file (YAML)." };

    public Option<string?> Output { get; } = new("--out") { Description = "The run folder; by default runs/JOB-N.", HelpName = "DIR" };

    public Option<bool> Resume { get; } = new("--resume") { Description = "Go on with the run in the run folder (by default the latest runs/JOB-N)." };

    public Option<bool> ResumeIfAny { get; } = new("--resume-if-any")
    {
        Description = "Go on with the run in the run folder where there is one, else start it: for a command line that is started again and again.",
    };

    public Option<string?> Data { get; } = CommandTree.DataFolder();

    public Option<ulong?> Seed { get; } = CommandTree.Seed();

    public Option<string?> Initialize { get; } = new("--initialize") { Description = "A safetensors file to start from, in place of training.initializeFrom.", HelpName = "FILE" };

    public Option<string[]> Overrides { get; } = CommandTree.Overrides();

    public Option<bool> Quiet { get; } = new("--quiet") { Description = "Print warnings and errors alone." };

    public Option<bool> Json { get; } = CommandTree.Json("Print one JSON object per line: start, epoch, checkpoint, message, warning, done or error.");

    /// <summary>Adds the options to a verb's own; the job's argument the verb adds itself.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { Output, Resume, ResumeIfAny, Data, Seed, Initialize, Overrides, Quiet, Json })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads the job with its overrides.</summary>
    /// <exception cref="DistNetException">The job file is missing or wrong.</exception>
    public RunRequest Read(ParseResult parsed)
    {
        string path = parsed.GetRequiredValue(Job);
        string[] overrides = parsed.GetValue(Overrides) ?? [];
        ulong? seed = parsed.GetValue(Seed);
        string? initialize = parsed.GetValue(Initialize);
        string? data = parsed.GetValue(Data);
        string? output = parsed.GetValue(Output);
        return new RunRequest(
            path,
            JobLoader.Load(path, overrides, seed, initialize),
            JobOptions(overrides, seed, initialize, data),
            output,
            parsed.GetValue(Resume) || (parsed.GetValue(ResumeIfAny) && RunDestination.HoldsRunAt(output, path)),
            data,
            parsed.GetValue(Quiet),
            parsed.GetValue(Json));
    }

    private static ImmutableArray<string> JobOptions(string[] overrides, ulong? seed, string? initialize, string? data) =>
    [
        .. overrides.SelectMany(text => new[] { "--set", text }),
        .. seed is { } value ? ["--seed", value.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(),
        .. initialize is null ? Array.Empty<string>() : ["--initialize", initialize],
        .. data is null ? Array.Empty<string>() : ["--data", data],
    ];
}
