using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Encodings.Web;
using DistNet.Cli.Consoles;
using DistNet.Cli.RunFolders;
using DistNet.Cli.Verbs;

namespace DistNet.Cli.Supervision;

/// <summary><c>train --processes N</c>: a cluster on this machine that looks, from outside, like a training in one process.</summary>
/// <remarks>The coordinator's process checks job, data and folder before any worker is started; what it refuses is refused here in its words.</remarks>
internal sealed class SupervisedTraining(Terminal terminal, RunRequest request, StartupTimes startup)
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required int Processes { get; init; }

    public required int Threads { get; init; }

    public required string SharedMemory { get; init; }

    public int Run()
    {
        RunDestination folder = RunDestination.Choose(request.Output, request.JobPath, request.Resume);
        var run = new SupervisedRun
        {
            JobPath = request.JobPath,
            JobOptions = request.JobOptions,
            DataFolder = request.DataFolder,
            Folder = folder.Folder,
            Processes = Processes,
            Threads = Threads,
            SharedMemory = SharedMemory,
        };
        RunDisplay display = terminal.Display(request.Quiet, request.Json);
        using var signals = new StopSignals();
        using var supervisor = new Supervisor(run, ChildCommand.OfThisProcess(), display, showsWorkers: request.Json, signals);
        JsonObject? end;
        startup.Reached(StartupPhase.Command);
        try
        {
            end = supervisor.Run(folder.HoldsRun);
        }
        catch (DistNetException exception)
        {
            display.End();
            RecordFailure(folder, exception.Message);
            throw;
        }

        display.End();
        return Finish(folder, supervisor, end, signals.ExitCode);
    }

    private int Finish(RunDestination folder, Supervisor supervisor, JsonObject? end, int signal)
    {
        string kind = end?["event"]?.GetValue<string>() ?? "interrupted";
        if (kind == "error")
        {
            throw new DistNetException((FailureKind)(end!["exit_code"]?.GetValue<int>() ?? 1), end["message"]?.GetValue<string>() ?? "The coordinator failed.");
        }

        void Amend(JsonObject results)
        {
            results["processes"] = Processes;
            results["threads"] = Threads;
            results["restarts"] = new JsonObject { ["coordinator"] = supervisor.CoordinatorRestarts, ["workers"] = supervisor.WorkerRestarts };
            if (supervisor.CoordinatorRestarts == 0 && results["startup_ms"] is JsonObject times && times["total"] is { } total)
            {
                // The coordinator counts from the start of its own process.
                double before = Math.Round(startup.Milliseconds(StartupPhase.Command)!.Value, 1);
                times.Insert(0, "supervisor", before);
                times["total"] = Math.Round(total.GetValue<double>() + before, 1);
            }
        }

        RunRecordAmendment.Write(folder.RecordPath, record =>
        {
            if (record["results"] is JsonObject results)
            {
                Amend(results);
            }
        });
        if (request.Json && end is not null)
        {
            Amend(end);
            terminal.Output.Write(end.ToJsonString(OneLine) + "\n");
            terminal.Output.Flush();
        }

        if (kind == "interrupted")
        {
            string where = end is null ? ", and the coordinator ended without a word; the last checkpoint stands" : FormattableString.Invariant($" after step {end["steps"]?.GetValue<long>() ?? 0}; a checkpoint was written");
            terminal.Errors.WriteLine(FormattableString.Invariant(
                $"interrupted{where}. Go on with: distnet train {ShellText.Quoted(request.JobPath)} --processes {Processes} --out {ShellText.Quoted(folder.Folder)}{request.JobArguments} --resume"));
            return signal == 0 ? StopSignals.InterruptCode : signal;
        }

        if (!request.Json && !request.Quiet)
        {
            string again = supervisor.CoordinatorRestarts + supervisor.WorkerRestarts is > 0 and var count ? FormattableString.Invariant($", {count} {(count == 1 ? "restart" : "restarts")}") : "";
            RunSummary.Write(terminal, folder.Folder, RunFigures.Of(end!), $"{RunFigures.Workers(Processes, Threads)}, each a process{again}");
        }

        return 0;
    }

    private static void RecordFailure(RunDestination folder, string sentence)
    {
        try
        {
            RunRecordAmendment.Write(folder.RecordPath, record =>
            {
                record["status"] = "failed";
                record["error"] = sentence;
                record["ended"] = DateTimeOffset.UtcNow.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
            });
        }
        catch (DistNetException)
        {
            // The failure that is on its way out says more than this second one.
        }
    }
}
