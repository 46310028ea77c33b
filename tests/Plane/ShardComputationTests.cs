using DistNet.Kernels;
using DistNet.Plane.Tests.Grpc;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker;
using Xunit;

namespace DistNet.Plane.Tests;

/// <summary>A shard that was given before its parameters exist.</summary>
public sealed class ShardComputationTests : IDisposable
{
    private const int Floats = 16;
    private readonly Crew crew = new(1, "crew");
    private readonly InProcessPlane plane;
    private readonly VersionedParameters parameters = new(new float[Floats]);
    private readonly ActivityReport activity = new();

    public ShardComputationTests() => plane = new(new GradientPool(Floats), crew);

    [Fact]
    public async Task It_waits_for_them_says_so_and_is_computed()
    {
        var computer = new Computer();
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(computer);
        Assert.Equal((ActivityKind.WaitingForParameters, 3), (activity.Current.Kind, activity.Current.Step));
        Overwrite();
        await Bounded(run);
        Assert.True(shard.IsDone);
        Assert.Equal(shard.Request.Version, computer.Computed);
        Assert.Equal(ActivityKind.Idle, activity.Current.Kind);
    }

    [Theory]
    [InlineData(false, "it was withdrawn")]
    [InlineData(true, "the worker leaves")]
    public async Task It_ends_at_once_when_it_is_withdrawn_or_the_worker_leaves(bool leaves, string reason)
    {
        var computer = new Computer();
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(computer);
        if (leaves)
        {
            shard.HandBack();
        }
        else
        {
            shard.Withdraw();
        }

        await Bounded(run);
        Assert.Equal((false, ShardFailureKind.Withdrawn, reason), (shard.IsDone, shard.FailureKind, shard.Reason));
        Assert.Equal(0, computer.Computed);
    }

    [Fact]
    public async Task It_is_given_up_when_they_were_passed_over()
    {
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(new Computer());
        parameters.BeginOverwrite();
        parameters.EndOverwrite();
        Overwrite();
        await Bounded(run);
        Assert.Equal((false, ShardFailureKind.Overwritten), (shard.IsDone, shard.FailureKind));
    }

    [Fact]
    public async Task A_computation_that_has_begun_is_finished_though_the_worker_leaves()
    {
        ShardComputation? leaving = null;
        var computer = new Computer { OnCompute = () => leaving!.HandBack() };
        (leaving, Task<bool> run) = await WaitingAsync(computer);
        Overwrite();
        await Bounded(run);
        Assert.True(leaving.IsDone);
    }

    public void Dispose()
    {
        plane.Dispose();
        crew.Dispose();
    }

    private static Task<bool> Bounded(Task<bool> run) => run.WaitAsync(PlaneBed.Patience, TestContext.Current.CancellationToken);

    private async Task<(ShardComputation Shard, Task<bool> Run)> WaitingAsync(Computer computer)
    {
        plane.Publish(parameters.Handle);
        var work = new ShardWork(RunPhase.Training, 0, 3, 3, new SliceRange(0, 4), 4, 32);
        var fence = new Fence(RunId.Create(), 1, RunPhase.Training, 3, 1);
        var shard = new ShardComputation(new ComputeShard(fence, work, parameters.Handle.Version + 1, []), plane.CreateWorkerPlane(Guid.NewGuid()), activity);
        Task<bool> run = OwnThread.Run("test-compute", () =>
        {
            shard.Run(() => computer);
            return true;
        });
        await PlaneBed.UntilAsync(() => plane.Waiting == 1, "the shard waits");
        return (shard, run);
    }

    private void Overwrite()
    {
        parameters.BeginOverwrite();
        parameters.EndOverwrite();
        plane.Publish(parameters.Handle);
    }

    private sealed class Computer : IShardComputer
    {
        public Action? OnCompute { get; init; }

        /// <summary>With which version it has computed.</summary>
        public long Computed { get; private set; }

        public ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients)
        {
            Assert.True(parameters.IsCurrent);
            Computed = parameters.Version;
            OnCompute?.Invoke();
            return new ShardResult([new ShardNode(new SumNode(0, 0), default, gradients.Lease())]);
        }

        public void Dispose()
        {
        }
    }
}
