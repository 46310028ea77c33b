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

    [Fact]
    public async Task An_order_that_stands_is_computed_when_the_coordinator_says_so()
    {
        var computer = new Computer();
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(computer, stands: true);
        Assert.Equal(ActivityKind.Idle, activity.Current.Kind);
        plane.LetStand(shard.Request.Version);
        Assert.Equal((ActivityKind.WaitingForParameters, 3), (activity.Current.Kind, activity.Current.Step));
        Overwrite();
        await Bounded(run);
        Assert.Equal((true, false), (shard.IsDone, shard.HasLapsed));
        Assert.Equal(shard.Request.Version, computer.Computed);
    }

    [Fact]
    public async Task An_order_that_stands_lapses_when_its_parameters_come_without_a_word()
    {
        var computer = new Computer();
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(computer, stands: true);
        Overwrite();
        await Bounded(run);
        Assert.Equal((false, true), (shard.IsDone, shard.HasLapsed));
        Assert.Equal(0, computer.Computed);
    }

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public async Task An_order_that_stands_ends_with_the_next_that_comes(bool isSaid, bool isForTheSame, bool lapses)
    {
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(new Computer(), stands: true);
        if (isSaid)
        {
            plane.LetStand(shard.Request.Version);
        }

        shard.Overrule(isForTheSame ? shard.Request : shard.Request with { Work = shard.Request.Work with { Slices = new SliceRange(0, 2) } });
        await Bounded(run);
        Assert.Equal((false, lapses), (shard.IsDone, shard.HasLapsed));
        Assert.Equal((ShardFailureKind.Withdrawn, "another order came"), (shard.FailureKind, shard.Reason));
    }

    [Fact]
    public async Task An_order_that_came_is_not_overruled()
    {
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(new Computer());
        shard.Overrule(shard.Request);
        Overwrite();
        await Bounded(run);
        Assert.True(shard.IsDone);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task An_order_that_stands_is_answered_when_it_is_withdrawn_and_lapses_when_the_worker_leaves(bool leaves, bool lapses)
    {
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(new Computer(), stands: true);
        if (leaves)
        {
            shard.HandBack();
        }
        else
        {
            shard.Withdraw();
        }

        await Bounded(run);
        Assert.Equal((false, lapses), (shard.IsDone, shard.HasLapsed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_order_that_stands_is_answered_when_its_parameters_were_passed_over_after_the_word(bool isSaid)
    {
        (ShardComputation shard, Task<bool> run) = await WaitingAsync(new Computer(), stands: true);
        if (isSaid)
        {
            plane.LetStand(shard.Request.Version);
        }

        parameters.BeginOverwrite();
        parameters.EndOverwrite();
        Overwrite();
        await Bounded(run);
        Assert.Equal((false, !isSaid), (shard.IsDone, shard.HasLapsed));
        Assert.Equal(isSaid, shard.Reason.Contains("overwritten", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        plane.Dispose();
        crew.Dispose();
    }

    private static Task<bool> Bounded(Task<bool> run) => run.WaitAsync(PlaneBed.Patience, TestContext.Current.CancellationToken);

    private async Task<(ShardComputation Shard, Task<bool> Run)> WaitingAsync(Computer computer, bool stands = false)
    {
        plane.Publish(parameters.Handle);
        var work = new ShardWork(RunPhase.Training, 0, 3, 3, new SliceRange(0, 4), 4, 32);
        var fence = new Fence(RunId.Create(), 1, RunPhase.Training, 3, 1);
        var shard = new ShardComputation(new ComputeShard(fence, work, parameters.Handle.Version + 1, []), plane.CreateWorkerPlane(Guid.NewGuid()), activity, stands);
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
