using DistNet.Checkpoints;
using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Training;

/// <summary>How a run is opened. Nothing here can change the trained parameters.</summary>
public sealed record OpenRunOptions
{
    /// <summary>The folder that checkpoints are written to; null trains in memory alone.</summary>
    public string? RunFolder { get; init; }

    /// <summary>Whether to go on from the latest whole checkpoint in <see cref="RunFolder"/>, if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>Threads for sum and update, at least 1; those that wait for the parameters take part in their stead (<see cref="TrainingRun.Crew"/>). As many measure the model when the run has finished.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>The width that kernels run at.</summary>
    public required VectorUnit Unit { get; init; }

    /// <summary>Gives the memory that the parameters live in, so that other processes can read them in place, once run and term are known; null, and a null result, allocates it.
    /// It must last as long as the open run.</summary>
    public Func<RunId, int, ParameterMemory?>? ShareParameters { get; init; }

    /// <summary>Workers that must be present before the first shard is given out, at least 1.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>Told of workers, warnings and checkpoints; null for nobody.</summary>
    public IRunObserver? Observer { get; init; }

    /// <summary>Told at most twice a second and at each epoch's end; null for nobody.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}

/// <summary>A run that is open: its folder held, its numeric side made, from a checkpoint where it goes on; and its result, once it has ended.
/// What a training in one process and the coordinator of a cluster have in common.</summary>
/// <remarks>The numeric side is disposed by whoever leads the run; this lets go of the folder.</remarks>
public sealed class OpenRun : IDisposable
{
    private readonly RunFolder? folder;
    private readonly RunRecorder? recorder;
    private readonly RunWatcher watcher;
    private readonly VectorUnit unit;
    private readonly int threads;

    private OpenRun(RunSetup setup, OpenRunOptions options)
    {
        Setup = setup;
        unit = options.Unit;
        threads = options.Threads;
        folder = options.RunFolder is null ? null : RunFolder.Open(options.RunFolder);
        try
        {
            Checkpoint? resumed = folder is not null && options.Resume ? Resumable(setup, folder, options.Observer) : null;
            Journal = folder is null
                ? null
                : RunJournal.Begin(new JournalFolder(folder.Path), options.Resume, HoldsCheckpoints(folder), sentence => options.Observer?.OnWarning(sentence));
            if (Journal is not null)
            {
                options.Observer?.OnOpened(Journal);
            }

            recorder = folder is null ? null : new RunRecorder(folder, Journal!, setup.Job.Checkpoints.Keep, resumed?.State.Epoch ?? 0, TimeProvider.System);
            (RunId run, int term) = (Journal?.Run ?? RunId.Create(), Journal?.Term ?? 1);
            Run = new TrainingRun(setup, recorder, resumed, run, term, options.Threads, unit, TimeProvider.System, options.ShareParameters?.Invoke(run, term), options.MinimumWorkers);
            watcher = new RunWatcher(setup, Run.State, options.Observer, options.Progress, () => Run.SamplesPerSecond);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The job with its data.</summary>
    public RunSetup Setup { get; }

    /// <summary>The journal of the run's folder: <see cref="RunJournal.Verify"/> it before writing anything else there. Null where there is no folder.</summary>
    public RunJournal? Journal { get; }

    /// <summary>The numeric side.</summary>
    public TrainingRun Run { get; }

    /// <summary>What the coordinator must tell of the run.</summary>
    public IRunObserver Observer => watcher;

    /// <summary>How the run ended, when it has and its numeric side is disposed.</summary>
    public Task<RunOutcome> Ended => watcher.Ended;

    /// <summary>Opens a run.</summary>
    /// <param name="setup">The job with its data.</param>
    /// <param name="options">Folder, threads, observers.</param>
    /// <exception cref="DistNetException">The folder is held by another process, or holds a run of another job or other data.</exception>
    public static OpenRun Open(RunSetup setup, OpenRunOptions options)
    {
        ArgumentNullException.ThrowIfNull(setup);
        ArgumentNullException.ThrowIfNull(options);
        return new OpenRun(setup, options);
    }

    /// <summary>What the run came to.</summary>
    /// <param name="outcome">What <see cref="Ended"/> gave.</param>
    /// <exception cref="DistNetException">It failed.</exception>
    public RunResult Result(RunOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        return outcome.Kind != RunOutcomeKind.Failed
            ? RunResults.Of(Setup, Run, watcher, outcome, unit, threads)
            : throw (outcome.Cause as DistNetException ?? DistNetException.Failed(outcome.Sentence, outcome.Cause));
    }

    /// <summary>Closes the files and lets go of the folder.</summary>
    public void Dispose()
    {
        recorder?.Dispose();
        folder?.Dispose();
    }

    private static bool HoldsCheckpoints(RunFolder folder) => !new CheckpointStore(folder.Path).Folders().IsEmpty;

    private static Checkpoint? Resumable(RunSetup setup, RunFolder folder, IRunObserver? observer)
    {
        Checkpoint? found = new CheckpointStore(folder.Path).LoadLatest(sentence => observer?.OnWarning(sentence));
        if (found is null)
        {
            return null;
        }

        if (found.DataFingerprint != setup.Data.Fingerprint)
        {
            throw DistNetException.Usage(
                $"The run in '{folder.Path}' was trained on other data: its fingerprint is {found.DataFingerprint[..12]}…, that of the data given is {setup.Data.Fingerprint[..12]}…; expected the same data.");
        }

        if (!found.Parameters.Layout.Entries.SequenceEqual(setup.Graph.Layout.Entries))
        {
            throw DistNetException.Usage($"The run in '{folder.Path}' has another model; expected the job that it was started with.");
        }

        TrainingPlan plan = setup.Plan;
        if (found.State.Step != ((long)found.State.Epoch * plan.StepsPerEpoch) + found.State.StepInEpoch || found.State.StepInEpoch >= plan.StepsPerEpoch)
        {
            throw DistNetException.Usage(
                $"The run in '{folder.Path}' has completed {found.State.Step} steps and {found.State.Epoch} epochs, which does not fit {plan.SampleCount} training samples in batches of {plan.Batch}; expected the job and the split that it was started with.");
        }

        return found;
    }
}
