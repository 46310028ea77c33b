using System.Collections.Concurrent;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Training;
using DistNet.Runs;

namespace DistNet.Cli.Verbs;

/// <summary>Takes a run's reports on the coordinator's thread and shows them on the command's own, so that a slow terminal never slows a step.</summary>
/// <param name="startup">Told of the workers and of the first step.</param>
/// <param name="showsWorkers">Whether workers that join and leave are shown: those of this process do so when it starts and ends, which tells nothing.</param>
internal sealed class RunEvents(StartupTimes startup, bool showsWorkers = false) : IProgress<TrainingProgress>, IRunObserver
{
    private readonly ConcurrentQueue<(DateTimeOffset Time, Action<RunDisplay> Show)> queue = new();

    // Rung when there is something to show: who looked again and again would take a processor from those who compute.
    private readonly object bell = new();
    private bool rung;
    private TrainingProgress? latest;
    private int workers;
    private volatile RunJournal? journal;

    /// <summary>Measures the start.</summary>
    public StartupTimes Startup => startup;

    public void Report(TrainingProgress value)
    {
        if (value.EpochEnded)
        {
            Post(display => display.Epoch(value));
        }

        if (value.Message is { } message)
        {
            Post(display => display.Message(message));
        }

        Volatile.Write(ref latest, value);
        Ring();
    }

    /// <summary>Shows something in the order of all that happens.</summary>
    public void Post(Action<RunDisplay> show)
    {
        queue.Enqueue((DateTimeOffset.UtcNow, show));
        Ring();
    }

    public void OnOpened(RunJournal journal) => this.journal = journal;

    /// <summary>Whether the run folder may be written: another coordinator may have taken it over.</summary>
    /// <exception cref="DistNetException">It has.</exception>
    public void VerifyFolder() => journal?.Verify();

    public void OnWorkers(WorkerId worker, int workers, string sentence)
    {
        startup.Reached(StartupPhase.Workers);
        int before = this.workers;
        this.workers = workers;
        if (showsWorkers)
        {
            Post(display => display.Workers(worker.Name, before, workers, sentence));
        }
    }

    public void OnStep(StepReport report) => startup.Reached(StartupPhase.FirstStep);

    public void OnWarning(string sentence) => Post(display => display.Warning(sentence));

    public void OnCheckpoint(CheckpointReport report) => Post(display => display.Checkpoint(report.Step, report.Reason));

    /// <summary>Shows what is reported until the run is done; does not throw what the run throws.</summary>
    public void ShowUntilDone(Task training, RunDisplay display)
    {
        training.ConfigureAwait(false).GetAwaiter().OnCompleted(Ring);
        bool done;
        do
        {
            SleepUntilRung();
            done = training.IsCompleted;
            while (queue.TryDequeue(out (DateTimeOffset Time, Action<RunDisplay> Show) happened))
            {
                display.Time = happened.Time;
                happened.Show(display);
            }

            if (!done && Interlocked.Exchange(ref latest, null) is { } progress)
            {
                display.Progress(progress);
            }
        }
        while (!done);
    }

    private void Ring()
    {
        lock (bell)
        {
            rung = true;
            Monitor.Pulse(bell);
        }
    }

    private void SleepUntilRung()
    {
        lock (bell)
        {
            while (!rung)
            {
                Monitor.Wait(bell);
            }

            rung = false;
        }
    }
}
