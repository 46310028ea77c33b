using DistNet.Advice;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Cli.RunFolders;
using DistNet.Data;
using DistNet.Interchange;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary>One run, from the command line to the exit code: checks job, data and run folder, has it led, and writes the record, the plots and the summary.</summary>
internal sealed class RunCommand(Terminal terminal, RunRequest request, StartupTimes startup)
{
    /// <summary>Leads the run.</summary>
    public required Func<RunPlan, Task<RunResult>> Train { get; init; }

    /// <summary>The command that a resume is started with, up to the job.</summary>
    public required string ResumeCommand { get; init; }

    /// <summary>What follows the job on that command line besides what <see cref="RunRequest"/> knows.</summary>
    public string ResumeArguments { get; init; } = "";

    /// <summary>Worker actors of this process; 0 where workers are processes of their own, which come and go.</summary>
    public int Workers { get; init; }

    /// <summary>Compute threads of each; 0 where each worker chooses.</summary>
    public int Threads { get; init; }

    /// <summary>Whether another process of ours leads this one: see <see cref="StopSignals"/>.</summary>
    public bool Supervised { get; init; }

    public int Run()
    {
        startup.Reached(StartupPhase.Command);

        // Nothing is written before job, data and folder are found right.
        Job job = request.Job;
        RunDestination folder = RunDestination.Choose(request.Output, request.JobPath, request.Resume);
        LoadedData data = DataLoader.Load(job.Data!, job.Loss.Kind, job.Training.Seed, request.DataFolder);
        startup.Reached(StartupPhase.Data);
        RunSetup setup = RunSetup.Create(job, data);
        folder.CheckSame(job, data.Fingerprint);
        if (!folder.HoldsRun)
        {
            InitialParameters.Check(job, setup.Graph);
        }

        RunDisplay display = terminal.Display(request.Quiet, request.Json, Supervised);
        foreach (string warning in setup.Graph.Warnings)
        {
            display.Warning(warning);
        }

        var record = new RunRecord
        {
            Startup = startup,
            JobFilePath = Path.GetFullPath(request.JobPath),
            Job = job,
            DataFingerprint = data.Fingerprint,
            TrainSamples = data.Train.Samples.Length,
            ValidationSamples = data.Validation?.Samples.Length ?? 0,
            TestSamples = data.Test?.Samples.Length ?? 0,
            Workers = Workers,
            Threads = Threads,
        };
        using (RunFolder.Open(folder.Folder))
        {
            // Held by nobody else: so the record may be written. The run takes hold of the folder again.
            record.Write(folder.RecordPath, "running");
        }

        var events = new RunEvents(startup, showsWorkers: Workers == 0);
        try
        {
            using var signals = new StopSignals(Supervised);
            RunResult result = Lead(folder, data, setup, record, display, events, signals);
            if (CommunicationWarning(result) is { } sentence)
            {
                display.Warning(sentence);
            }

            display.End();
            events.VerifyFolder();
            return Finish(folder, record, result, data, signals.ExitCode);
        }
        catch (Exception exception)
        {
            display.End();
            TryRecordFailure(folder, record, events, exception.Message);
            throw;
        }
    }

    private string? CommunicationWarning(RunResult result) => CommunicationRule.Warning(
        result.StepTimes.MeanMs(StepPart.Compute), result.StepTimes.MeanCommunicationMs, result.StepTimes.Steps, request.Job.Training.Batch, result.Workers);

    private RunResult Lead(RunDestination folder, LoadedData data, RunSetup setup, RunRecord record, RunDisplay display, RunEvents events, StopSignals signals)
    {
        RunStart start = Start(folder, setup, record);
        startup.Reached(StartupPhase.Model);
        Task<RunResult> training = Train(new RunPlan
        {
            Request = request,
            Folder = folder.Folder,
            Resume = folder.HoldsRun,
            Data = data,
            Events = events,
            Stop = signals.Token,
            Begin = () => events.Post(display => display.Start(start)),
        });
        events.ShowUntilDone(training, display);
        return training.GetAwaiter().GetResult();
    }

    private RunStart Start(RunDestination folder, RunSetup setup, RunRecord record) => new(
        request.JobPath,
        folder.Folder,
        folder.HoldsRun,
        setup.Graph.Layout.ParameterCount,
        record.TrainSamples,
        record.ValidationSamples,
        record.TestSamples,
        request.Job.Training.Epochs,
        setup.Plan.StepsPerEpoch,
        Workers,
        Threads);

    private int Finish(RunDestination folder, RunRecord record, RunResult result, LoadedData data, int signal)
    {
        bool interrupted = result.Outcome == RunOutcomeKind.Interrupted;
        record.Write(folder.RecordPath, interrupted ? "interrupted" : "finished", result);
        if (!interrupted)
        {
            RunPlots.Write(folder, EpochHistory.Read(folder.FilePath("metrics.csv")), result.ConfusionMatrix, data.ClassNames, data.Test is null ? "validation data" : "test data");
        }

        if (request.Json)
        {
            JsonLines.Write(terminal.Output, writer =>
            {
                writer.WriteString("event", interrupted ? "interrupted" : "done");
                writer.WriteString("run", folder.Folder);
                record.WriteResults(writer, result);
            });
        }

        if (interrupted)
        {
            terminal.Errors.WriteLine(FormattableString.Invariant(
                $"interrupted after step {result.Steps}; a checkpoint was written. Go on with: {ResumeCommand} {ShellText.Quoted(request.JobPath)}{ResumeArguments} --out {ShellText.Quoted(folder.Folder)}{request.JobArguments} --resume"));
            return signal == 0 ? StopSignals.InterruptCode : signal;
        }

        if (!request.Json && !request.Quiet)
        {
            string workers = Threads > 0
                ? RunFigures.Workers(result.Workers, Threads)
                : FormattableString.Invariant($"{result.Workers} at once, {result.WorkerSamples.Count} in all");
            RunSummary.Write(terminal, folder.Folder, RunFigures.Of(result), workers);
        }

        return 0;
    }

    private static void TryRecordFailure(RunDestination folder, RunRecord record, RunEvents events, string sentence)
    {
        try
        {
            events.VerifyFolder();
            record.Write(folder.RecordPath, "failed", error: sentence);
        }
        catch (DistNetException)
        {
            // The failure that is on its way out says more than this second one.
        }
    }
}
