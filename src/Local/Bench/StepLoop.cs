using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Local.Bench;

/// <summary>What a loop measured: medians over its steps, in seconds.</summary>
/// <param name="Shard">The mean shard of a step.</param>
/// <param name="Slowest">All shards of the worker that took longest.</param>
/// <param name="Complete">Sum and update.</param>
/// <param name="LargestSamples">Samples of the largest shard.</param>
/// <param name="Nodes">Nodes that were summed.</param>
internal sealed record LoopTimes(double Shard, double Slowest, double Complete, int LargestSamples, int Nodes);

/// <summary>Steps of a run without its messages: workers compute their shards, all at once, each on its thread; then the coordinator's side completes the step. So each
/// finds the caches as it does in a run.</summary>
internal sealed class StepLoop : IDisposable
{
    // Of the first steps pages are touched and code is compiled.
    private const int WarmUpSteps = 3;
    private const int FewestSteps = 3;

    private readonly RunSetup setup;
    private readonly int shardsEach;
    private readonly TrainingRun run;
    private readonly GradientPool pool;
    private readonly Side[] sides;

    /// <summary>Starts the threads.</summary>
    /// <param name="setup">The run; its epochs must not end before the loop does.</param>
    /// <param name="workers">Workers that compute at once.</param>
    /// <param name="shardsEach">Shards that each computes, one after the other.</param>
    /// <param name="threads">Compute threads of each.</param>
    /// <param name="updateThreads">Threads for sum and update.</param>
    /// <param name="unit">The vector width.</param>
    public StepLoop(RunSetup setup, int workers, int shardsEach, int threads, int updateThreads, VectorUnit unit)
    {
        this.setup = setup;
        this.shardsEach = shardsEach;
        run = new TrainingRun(setup, recorder: null, resumed: null, RunId.Create(), term: 1, updateThreads, unit, TimeProvider.System);
        pool = new GradientPool(setup.Graph.Layout.ArenaLength, workers * shardsEach * 2);
        sides = [.. Enumerable.Range(1, workers).Select(number => new Side(() => new ShardComputer(setup, threads, unit, FormattableString.Invariant($"bench{number}"))))];
    }

    /// <summary>Steps until the time is over.</summary>
    /// <param name="budget">About how long.</param>
    /// <param name="cancellation">Ends it.</param>
    public LoopTimes Run(TimeSpan budget, CancellationToken cancellation)
    {
        List<double> shard = [];
        List<double> slowest = [];
        List<double> complete = [];
        (int largest, int nodes) = (0, 0);
        long began = Stopwatch.GetTimestamp();
        for (int step = 0; shard.Count < FewestSteps || Stopwatch.GetElapsedTime(began) < budget; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            bool full = setup.Plan.BatchSamples(run.State.StepInEpoch) == Math.Min(setup.Plan.Batch, setup.Plan.SampleCount);
            ImmutableArray<ShardWork> shards = Shards();
            Compute(shards);
            List<ShardNode> answered = [.. sides.SelectMany(side => side.Nodes)];
            long summing = Stopwatch.GetTimestamp();
            StepReport report = run.CompleteStep(run.State.Step, CollectionsMarshal.AsSpan(answered));
            double completed = Stopwatch.GetElapsedTime(summing).TotalSeconds;
            answered.ForEach(node => node.Gradient!.Return());
            if (!report.Finite)
            {
                throw DistNetException.Failed("The gradient at the job's initial parameters is not finite, so there is nothing to measure; expected finite data and a finite loss.");
            }

            if (step >= WarmUpSteps && full)
            {
                shard.Add(sides.Sum(side => side.Seconds) / shards.Length);
                slowest.Add(sides.Max(side => side.Seconds));
                complete.Add(completed);
                (largest, nodes) = (shards.Max(work => setup.Plan.SamplesIn(work.Slices, work.SampleCount)), answered.Count);
            }
        }

        return new LoopTimes(Median(shard), Median(slowest), Median(complete), largest, nodes);
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        foreach (Side side in sides)
        {
            side.Dispose();
        }

        run.Dispose();
    }

    private ImmutableArray<ShardWork> Shards()
    {
        TrainingState state = run.State;
        int slices = setup.Plan.SliceCount(state.StepInEpoch);
        double[] speeds = new double[sides.Length * shardsEach];
        Array.Fill(speeds, 1);
        return
        [
            .. ShardPlanner.Plan([new SliceRange(0, slices)], speeds, slices).Select(part => new ShardWork(
                RunPhase.Training, state.Epoch, state.Step, state.StepInEpoch, part.Slices, slices, setup.Plan.BatchSamples(state.StepInEpoch))),
        ];
    }

    private void Compute(ImmutableArray<ShardWork> shards)
    {
        ParameterHandle parameters = run.Parameters;
        using var left = new CountdownEvent(sides.Length);
        for (int i = 0; i < sides.Length; i++)
        {
            int first = shards.Length * i / sides.Length;
            sides[i].Post([.. shards.AsSpan(first..(shards.Length * (i + 1) / sides.Length))], parameters, pool, left);
        }

        left.Wait();
        foreach (Side side in sides)
        {
            side.ThrowIfFailed();
        }
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    /// <summary>A worker: its thread and its numeric side.</summary>
    private sealed class Side(Func<IShardComputer> create) : IDisposable
    {
        private readonly DedicatedThread thread = new("distnet-bench");
        private readonly List<ShardNode> nodes = [];
        private IShardComputer? computer;
        private Exception? failure;

        public IReadOnlyList<ShardNode> Nodes => nodes;

        public double Seconds { get; private set; }

        public void Post(ShardWork[] shards, ParameterHandle parameters, GradientPool pool, CountdownEvent left) => thread.Post(() =>
        {
            try
            {
                computer ??= create();
                nodes.Clear();
                long began = Stopwatch.GetTimestamp();
                foreach (ShardWork shard in shards)
                {
                    nodes.AddRange(computer.Compute(shard, parameters, pool).Nodes);
                }

                Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            }
#pragma warning disable CA1031 // Whatever a module throws, the one who waits must see it.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                failure = thrown;
            }
            finally
            {
                left.Signal();
            }
        });

        public void ThrowIfFailed()
        {
            if (failure is not null)
            {
                throw failure as DistNetException ?? DistNetException.Failed($"The job's model failed: {failure.Message.TrimEnd('.')}.", failure);
            }
        }

        public void Dispose() => thread.End(() => computer?.Dispose());
    }
}
