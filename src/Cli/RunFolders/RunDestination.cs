using System.Globalization;
using System.Text.Json;
using DistNet.Checkpoints;
using DistNet.Jobs;
using DistNet.Training;

namespace DistNet.Cli.RunFolders;

/// <summary>The folder that a training goes to: chosen and checked before anything is written to it.</summary>
internal sealed class RunDestination
{
    private const string RunsFolder = "runs";

    private RunDestination(string folder, bool holdsRun)
    {
        Folder = folder;
        HoldsRun = holdsRun;
    }

    public string Folder { get; }

    /// <summary>Whether there is a run to go on with.</summary>
    public bool HoldsRun { get; }

    public string RecordPath => RunFolder.RunJsonOf(Folder);

    public string FilePath(string name) => Path.Combine(Folder, name);

    /// <summary>Chooses the folder of a run.</summary>
    /// <param name="given">The value of --out; null for runs/JOB-N.</param>
    /// <param name="jobPath">The job file.</param>
    /// <param name="resume">Whether to go on with a run that is there.</param>
    /// <param name="canResume">Whether the command has --resume at all.</param>
    /// <exception cref="DistNetException">The folder holds a run and should not, holds none and should, or holds something else.</exception>
    public static RunDestination Choose(string? given, string jobPath, bool resume, bool canResume = true)
    {
        string folder = given ?? Default(Path.GetFileNameWithoutExtension(jobPath), resume);
        if (File.Exists(folder))
        {
            throw DistNetException.Usage($"--out {folder} is a file; expected a folder for the run.");
        }

        bool holdsRun = Directory.Exists(folder) && RunFolder.HoldsRun(folder);
        return (holdsRun, resume) switch
        {
            (true, false) => throw DistNetException.Usage($"{folder} holds a run already; {(canResume ? "add --resume to go on with it, or choose" : "expected")} another folder with --out."),
            (false, true) => throw DistNetException.Usage($"{folder} holds no run to go on with; leave --resume out to start one."),
            (false, false) when !IsEmpty(folder) => throw DistNetException.Usage($"{folder} is not empty and holds no run; expected a new or an empty folder for --out."),
            _ => new RunDestination(folder, holdsRun),
        };
    }

    /// <summary>Whether there is a run to go on with, by the same choice of folder.</summary>
    public static bool HoldsRunAt(string? given, string jobPath)
    {
        string folder = given ?? Default(Path.GetFileNameWithoutExtension(jobPath), resume: true);
        return Directory.Exists(folder) && RunFolder.HoldsRun(folder);
    }

    /// <summary>Refuses to go on when job or data are not those of the run in the folder.</summary>
    /// <exception cref="DistNetException">They differ: the sentence names each difference.</exception>
    public void CheckSame(Job job, string dataFingerprint)
    {
        if (!HoldsRun || ReadRecord() is not { } record)
        {
            return;
        }

        var differences = JobComparison.Differences(record.Job, job);
        if (!differences.IsEmpty)
        {
            throw DistNetException.BadInput($"{Folder} holds the run of another job, which differs in {string.Join(", ", differences)}; expected the same job, or another folder.");
        }

        if (record.Fingerprint != dataFingerprint)
        {
            throw DistNetException.BadInput(
                $"{Folder} holds a run over other data (fingerprint {Short(record.Fingerprint)}…, now {Short(dataFingerprint)}…); expected the same data files, or another folder.");
        }
    }

    private static string Default(string job, bool resume)
    {
        int number = 0;
        if (Directory.Exists(RunsFolder))
        {
            foreach (string folder in Directory.EnumerateDirectories(RunsFolder, $"{job}-*"))
            {
                if (int.TryParse(Path.GetFileName(folder)[(job.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int found))
                {
                    number = Math.Max(number, found);
                }
            }
        }

        return Path.Combine(RunsFolder, FormattableString.Invariant($"{job}-{Math.Max(resume ? number : number + 1, 1)}"));
    }

    // What an earlier try left that came to nothing (its lock, its journal) is nothing to lose.
    private static bool IsEmpty(string folder) => !Directory.Exists(folder) || Directory.EnumerateFileSystemEntries(folder).All(RunFolder.IsBookkeeping);

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;

    private (Job Job, string Fingerprint)? ReadRecord()
    {
        if (!File.Exists(RecordPath))
        {
            return new CheckpointStore(Folder).LoadLatest(_ => { }) is { } checkpoint
                ? (JobFile.FromJson(checkpoint.JobJson, source: $"the job in {Folder}"), checkpoint.DataFingerprint)
                : null;
        }

        try
        {
            using JsonDocument record = JsonDocument.Parse(File.ReadAllBytes(RecordPath));
            return (
                JobFile.FromJson(record.RootElement.GetProperty("job").GetRawText(), source: RecordPath),
                record.RootElement.GetProperty("data").GetProperty("fingerprint").GetString() ?? "");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"{RecordPath} cannot be read as the record of a run: {exception.Message}", exception);
        }
    }
}
