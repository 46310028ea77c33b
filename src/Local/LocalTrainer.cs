using System.Diagnostics;
using Akka.Actor;
using DistNet.Checkpoints;
using DistNet.Coordinator;
using DistNet.Data;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker;

namespace DistNet.Local;

/// <summary>Trains in this process: one coordinator actor and some worker actors in one actor system.</summary>
public static class LocalTrainer
{
    /// <summary>Trains a job on loaded data.</summary>
    /// <param name="job">The job; its data section is not read.</param>
    /// <param name="data">The data, split.</param>
    /// <param name="options">Workers, threads, run folder: nothing that changes the result. Null for the defaults.</param>
    /// <param name="progress">Told a few times a second and at each epoch's end.</param>
    /// <param name="cancellationToken">Finishes the step under way, writes a checkpoint (with a run folder) and returns an interrupted result.</param>
    /// <exception cref="DistNetException">The job does not fit the data, or the run could not go on.</exception>
    public static async Task<RunResult> TrainAsync(
        Job job, LoadedData data, LocalOptions? options = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new LocalOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ThreadsPerWorker, 1, nameof(options));
        RunSetup setup = RunSetup.Create(job, data, options.JobJson);
        using RunFolder? folder = options.RunFolder is null ? null : RunFolder.Open(options.RunFolder);
        Checkpoint? resumed = folder is not null && options.Resume ? Resumable(setup, folder, options) : null;
        using RunRecorder? recorder = folder is null ? null : new RunRecorder(folder, job.Checkpoints.Keep, resumed?.State.Epoch ?? 0, TimeProvider.System);
        VectorUnit unit = options.Unit ?? VectorUnit.Widest;
        int updateThreads = Math.Min(options.Workers * options.ThreadsPerWorker, Environment.ProcessorCount);
        TrainingRun run = new(setup, recorder, resumed, RunId.Create(), term: 1, updateThreads, unit, TimeProvider.System);
        RunWatcher watcher = new(setup, run.State, options.Observer, progress, () => run.SamplesPerSecond);
        WorkerCount[] workers = [.. Enumerable.Range(1, options.Workers).Select(number => new WorkerCount($"w{number}"))];
        long started = Stopwatch.GetTimestamp();
        RunOutcome outcome = await RunAsync(setup, run, watcher, workers, options, unit, cancellationToken).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        if (outcome.Kind == RunOutcomeKind.Failed)
        {
            throw outcome.Cause as DistNetException ?? DistNetException.Failed(outcome.Sentence, outcome.Cause);
        }

        return RunResults.Of(setup, run, watcher, workers, outcome, elapsed, unit);
    }

    private static async Task<RunOutcome> RunAsync(
        RunSetup setup, TrainingRun run, RunWatcher watcher, WorkerCount[] workers, LocalOptions options, VectorUnit unit, CancellationToken cancellationToken)
    {
        GradientPool pool = new(setup.Graph.Layout.ArenaLength);
        await using ControlHost host = await ControlHost.StartAsync(akka =>
        {
            akka.AddDistNetCoordinator(new CoordinatorSettings { Run = run, Observer = watcher });
            foreach (WorkerCount count in workers)
            {
                WorkerSettings settings = new()
                {
                    Worker = new WorkerId(count.Name),
                    Threads = options.ThreadsPerWorker,
                    CreateComputer = () => new CountingComputer(new ShardComputer(setup, pool, options.ThreadsPerWorker, unit, count.Name, run.Prepared), count, setup.Plan),
                };
                akka.AddDistNetWorker(settings, (_, registry) => registry.Get<CoordinatorActor>());
            }
        }).ConfigureAwait(false);
        IActorRef coordinator = host.Registry.Get<CoordinatorActor>();
        using CancellationTokenRegistration stop = cancellationToken.Register(() => coordinator.Tell(new StopRun(StopSignal.Cancellation)));
        return await watcher.Ended.ConfigureAwait(false);
    }

    private static Checkpoint? Resumable(RunSetup setup, RunFolder folder, LocalOptions options)
    {
        Checkpoint? found = new CheckpointStore(folder.Path).LoadLatest(sentence => options.Observer?.OnWarning(sentence));
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
