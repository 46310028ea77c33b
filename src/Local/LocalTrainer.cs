using Akka.Actor;
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
    /// <param name="progress">Told at most twice a second and at each epoch's end.</param>
    /// <param name="cancellationToken">Finishes the step under way, writes a checkpoint (with a run folder) and returns an interrupted result.</param>
    /// <exception cref="DistNetException">The job does not fit the data, or the run could not go on.</exception>
    public static async Task<RunResult> TrainAsync(
        Job job, LoadedData data, LocalOptions? options = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new LocalOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ThreadsPerWorker, 1, nameof(options));
        RunSetup setup = RunSetup.Create(job, data, options.JobJson);
        VectorUnit unit = options.Unit ?? VectorUnit.Widest;
        using OpenRun open = OpenRun.Open(setup, new OpenRunOptions
        {
            RunFolder = options.RunFolder,
            Resume = options.Resume,
            Threads = Math.Min(options.Workers * options.ThreadsPerWorker, Environment.ProcessorCount),
            Unit = unit,
            Observer = options.Observer,
            Progress = progress,
        });
        string[] workers = [.. Enumerable.Range(1, options.Workers).Select(number => FormattableString.Invariant($"w{number}"))];
        WorkerCompute[] computes =
            [.. workers.Select(name => new WorkerCompute(name, () => new ShardComputer(open.Setup, options.ThreadsPerWorker, unit, name)))];
        RunOutcome outcome;
        try
        {
            outcome = await RunAsync(open, workers, computes, options, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Array.ForEach(computes, compute => compute.Dispose());
        }

        return open.Result(outcome);
    }

    private static async Task<RunOutcome> RunAsync(
        OpenRun open, string[] workers, WorkerCompute[] computes, LocalOptions options, CancellationToken cancellationToken)
    {
        using InProcessPlane plane = new(new GradientPool(open.Setup.Graph.Layout.ArenaLength), open.Run.Crew);
        await using ControlHost host = await ControlHost.StartAsync(akka =>
        {
            akka.AddDistNetCoordinator(new CoordinatorSettings { Run = open.Run, Times = open.Run.Times, Plane = plane, Observer = open.Observer });
            foreach ((string name, WorkerCompute compute) in workers.Zip(computes))
            {
                WorkerSettings settings = new()
                {
                    Worker = new WorkerId(name),
                    Threads = options.ThreadsPerWorker,
                    Compute = compute,
                    CreatePlane = plane.CreateWorkerPlane,
                };
                akka.AddDistNetWorker(settings, (_, registry) => registry.Get<CoordinatorActor>());
            }
        }).ConfigureAwait(false);
        IActorRef coordinator = host.Registry.Get<CoordinatorActor>();
        using CancellationTokenRegistration stop = cancellationToken.Register(() => coordinator.Tell(new StopRun(StopSignal.Cancellation)));
        return await open.Ended.ConfigureAwait(false);
    }
}
