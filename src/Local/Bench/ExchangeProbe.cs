using System.Diagnostics;
using DistNet.Coordinator.Node;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker.Data;
using DistNet.Worker.Node;

namespace DistNet.Local.Bench;

/// <summary>What a probe measured.</summary>
/// <param name="Seconds">The mean time of a step's messages, wake-ups and, over gRPC, transfers.</param>
/// <param name="Transport">How tensors travelled: <c>shared memory</c> or <c>grpc</c>.</param>
internal sealed record Exchanged(double Seconds, string Transport);

/// <summary>Runs the job in a real cluster of a coordinator and workers on loopback, all in this process: what its steps take besides computing,
/// summing and updating is what the cluster costs. With the whole batch, as threads that have slept longer wake later.</summary>
internal static class ExchangeProbe
{
    // The first ten are left out of the times.
    private const int FewestSteps = 15;

    public static async Task<Exchanged> MeasureAsync(
        Job job, LoadedData data, MachineBenchOptions options, int workers, bool sharedMemory, TimeSpan budget, CancellationToken cancellation)
    {
        Job one = job with { Checkpoints = new CheckpointOptions { EverySeconds = null } };
        var watch = new Watch(budget);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<RunResult> leading = CoordinatorNode.RunAsync(
            one,
            data,
            new CoordinatorNodeOptions
            {
                Bind = new HostPort("127.0.0.1", 0),
                MinimumWorkers = workers,
                Threads = (int)Math.Min((long)workers * options.Threads, Environment.ProcessorCount),
                SharedMemory = sharedMemory,
                JobJson = JobFile.ToJson(one),
                DataFolder = options.DataFolder,
                Observer = watch,
            },
            progress: null,
            enough.Token);
        Task<WorkerEnd>[] working = [];
        try
        {
            if (await Task.WhenAny(watch.Listening, leading).ConfigureAwait(false) == watch.Listening)
            {
                HostPort join = await watch.Listening.ConfigureAwait(false);
                working = [.. Enumerable.Range(1, workers).Select(number => WorkerNode.RunAsync(Worker(number, join, options, sharedMemory, watch), leave.Token))];
                await Task.WhenAny([watch.Enough, leading, .. working]).ConfigureAwait(false);
            }
        }
        finally
        {
            await enough.CancelAsync().ConfigureAwait(false);
            await leave.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll([leading, .. working]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (Array.Find(working, worker => worker.IsFaulted) is { } failed)
        {
            await failed.ConfigureAwait(false);
        }

        RunResult result = await leading.ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        return new Exchanged(result.StepTimes.MeanCommunicationMs / 1000, watch.Transport);
    }

    private static WorkerNodeOptions Worker(int number, HostPort join, MachineBenchOptions options, bool sharedMemory, Watch watch) => new()
    {
        Join = join,
        Name = FormattableString.Invariant($"bench{number}"),
        Threads = options.Threads,
        Data = new WorkerDataOptions { DataFolder = options.DataFolder },
        SharedMemory = sharedMemory,
        Observer = watch,
    };

    private sealed class Watch(TimeSpan budget) : IClusterObserver, IWorkerObserver
    {
        private readonly TaskCompletionSource<HostPort> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long began;
        private long steps;

        public Task<HostPort> Listening => listening.Task;

        public Task Enough => enough.Task;

        public string Transport { get; private set; } = "";

        public void OnListening(HostPort address, int controlPort) => listening.TrySetResult(address);

        public void OnJoined(WorkerSessionInfo session) => Transport = session.Transport;

        public void OnStep(StepReport report)
        {
            began = began == 0 ? Stopwatch.GetTimestamp() : began;
            if (++steps >= FewestSteps && Stopwatch.GetElapsedTime(began) >= budget)
            {
                enough.TrySetResult();
            }
        }

        // Nothing that is worth a word in a run that ends at once.
        void IRunObserver.OnWarning(string sentence)
        {
        }

        void IWorkerObserver.OnWarning(string sentence)
        {
        }
    }
}
