using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Cli.RunFolders;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Runs;
using DistNet.Local;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary>One training: checks job, data and run folder, trains, and writes the record, the plots and the summary.</summary>
internal sealed class TrainCommand(Terminal terminal, string jobPath, Job job)
{
    /// <summary>The options that change the job or its data, as they were given.</summary>
    public required string JobArguments { get; init; }

    public required int Workers { get; init; }

    public required int Threads { get; init; }

    public required string? Output { get; init; }

    public required bool Resume { get; init; }

    public required string? DataFolder { get; init; }

    public required bool Quiet { get; init; }

    public required bool Json { get; init; }

    public int Run()
    {
        // Nothing is written before job, data and folder are found right.
        RunDestination folder = RunDestination.Choose(Output, jobPath, Resume);
        LoadedData data = DataLoader.Load(job.Data!, job.Loss.Kind, job.Training.Seed, DataFolder);
        RunSetup setup = RunSetup.Create(job, data);
        folder.CheckSame(job, data.Fingerprint);
        RunDisplay display = terminal.Display(Quiet, Json);
        foreach (string warning in setup.Graph.Warnings)
        {
            display.Warning(warning);
        }

        var record = new RunRecord
        {
            JobFilePath = Path.GetFullPath(jobPath),
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

        display.Start(Start(folder, setup, record));
        try
        {
            using var signals = new StopSignals();
            RunResult result = Train(folder, data, display, signals);
            display.End();
            return Finish(folder, record, result, data, signals.ExitCode);
        }
        catch (Exception exception)
        {
            display.End();
            TryRecordFailure(folder, record, exception.Message);
            throw;
        }
    }

    private RunStart Start(RunDestination folder, RunSetup setup, RunRecord record) => new(
        jobPath,
        folder.Folder,
        folder.HoldsRun,
        setup.Graph.Layout.ParameterCount,
        record.TrainSamples,
        record.ValidationSamples,
        record.TestSamples,
        job.Training.Epochs,
        setup.Plan.StepsPerEpoch,
        Workers,
        Threads);

    private RunResult Train(RunDestination folder, LoadedData data, RunDisplay display, StopSignals signals)
    {
        var events = new RunEvents();
        var options = new LocalOptions
        {
            Workers = Workers,
            ThreadsPerWorker = Threads,
            RunFolder = folder.Folder,
            Resume = folder.HoldsRun,
            JobJson = JobFile.ToJson(job),
            Observer = events,
        };
        Task<RunResult> training = LocalTrainer.TrainAsync(job, data, options, events, signals.Token);
        events.ShowUntilDone(training, display);
        return training.GetAwaiter().GetResult();
    }

    private int Finish(RunDestination folder, RunRecord record, RunResult result, LoadedData data, int signal)
    {
        bool interrupted = result.Outcome == RunOutcomeKind.Interrupted;
        record.Write(folder.RecordPath, interrupted ? "interrupted" : "finished", result);
        if (!interrupted)
        {
            RunPlots.Write(folder, EpochHistory.Read(folder.FilePath("metrics.csv")), result.ConfusionMatrix, data.ClassNames, data.Test is null ? "validation data" : "test data");
        }

        if (Json)
        {
            JsonLines.Write(terminal.Output, writer =>
            {
                writer.WriteString("event", interrupted ? "interrupted" : "done");
                writer.WriteString("run", folder.Folder);
                RunRecord.WriteResults(writer, result, Threads);
            });
        }

        if (interrupted)
        {
            terminal.Errors.WriteLine(FormattableString.Invariant(
                $"interrupted after step {result.Steps}; a checkpoint was written. Go on with: distnet train {ShellText.Quoted(jobPath)} --out {ShellText.Quoted(folder.Folder)}{JobArguments} --resume"));
            return signal == 0 ? 130 : signal;
        }

        if (!Json && !Quiet)
        {
            RunSummary.Write(terminal, folder.Folder, result, Threads);
        }

        return 0;
    }

    private static void TryRecordFailure(RunDestination folder, RunRecord record, string sentence)
    {
        try
        {
            record.Write(folder.RecordPath, "failed", error: sentence);
        }
        catch (DistNetException)
        {
            // The failure that is on its way out says more than this second one.
        }
    }
}
