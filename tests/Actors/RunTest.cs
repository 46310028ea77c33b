using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Akka.TestKit;
using DistNet.Coordinator;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Tests.Shared;
using DistNet.Training;
using DistNet.Worker;
using Xunit;

namespace DistNet.Actors.Tests;

/// <summary>A coordinator and workers under the real configuration, with an exact stand-in for the engine.</summary>
public abstract class RunTest : Akka.Hosting.TestKit.TestKit
{
    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<WorkerCompute> computes = [];

    protected RunTest() => Plane = new InProcessPlane(Pool, Crew);

    private protected Crew Crew { get; } = new(1, "crew");

    private protected GradientPool Pool { get; } = new(ExactSum.Floats);

    private protected InProcessPlane Plane { get; }

    private protected ManualTime Time { get; } = new();

    private protected Observer Seen { get; } = new();

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => builder.AddDistNetControl();

    /// <summary>41 uneven slices a step, 5 steps an epoch (the last with 13 slices), and validation.</summary>
    private protected static RunDefinition Definition(int epochs = 2, NonFinitePolicy nonFinite = NonFinitePolicy.Stop, CheckpointOptions? checkpoints = null) => new()
    {
        Run = RunId.Create(),
        Plan = new TrainingPlan((4 * 328) + 99, 328, 8, epochs),
        ValidationSamples = 150,
        NonFinite = nonFinite,
        Checkpoints = checkpoints ?? new CheckpointOptions { EverySeconds = null },
    };

    private protected IActorRef Coordinate(ExactRun run, ICoordinatorPlane? plane = null, Action<Address>? memberGone = null) => Sys.ActorOf(CoordinatorActor.Props(new CoordinatorSettings
    {
        Run = run,
        Plane = plane ?? Plane,
        Observer = Seen,
        Time = Time,
        TickInterval = TimeSpan.FromMilliseconds(5),
        MemberGone = memberGone,
    }));

    private protected IActorRef Work(IActorRef? coordinator, string name, Action<ShardWork>? before = null, ISet<long>? nonFinite = null) =>
        Sys.ActorOf(WorkerActor.Props(Settings(name, before, nonFinite), coordinator), name);

    private protected WorkerSettings Settings(string name, Action<ShardWork>? before = null, ISet<long>? nonFinite = null) => new()
    {
        Worker = new WorkerId(name),
        Compute = ComputeWith(name, () => new ExactComputer(nonFinite, before)),
        CreatePlane = Plane.CreateWorkerPlane,
        RegistrationInterval = TimeSpan.FromMilliseconds(20),
    };

    private protected WorkerCompute ComputeWith(string name, Func<IShardComputer> create)
    {
        var compute = new WorkerCompute(name, create);
        computes.Add(compute);
        return compute;
    }

    protected override Task AfterAllAsync()
    {
        computes.ForEach(compute => compute.Dispose());
        return base.AfterAllAsync();
    }

    /// <summary>A worker whose answers the test gives by hand.</summary>
    private protected Puppet Register(IActorRef coordinator, string name) => new(this, coordinator, name);

    private protected async Task FinishesUndisturbed(ExactRun run, ISet<long>? nonFinite = null)
    {
        RunOutcome outcome = await Seen.Finished.WaitAsync(Patience);
        Assert.Equal((RunOutcomeKind.Finished, null), (outcome.Kind, outcome.Cause));
        Assert.Equal(ExactRun.Undisturbed(run.Definition, nonFinite), run.Digest);
        Assert.True(run.IsDisposed);
        Plane.Dispose();
        await AwaitAssertAsync(() => Assert.Equal(0, Pool.Outstanding), Patience);
    }

    /// <summary>Waits for a state; the time only bounds a failure.</summary>
    private protected async Task Until(Func<bool> state)
    {
        await AwaitConditionAsync(() => Task.FromResult(state() || Seen.Finished.IsCompleted), Patience, TimeSpan.FromMilliseconds(5));
        if (!state())
        {
            Assert.Fail($"The run ended first: {await Seen.Finished}");
        }
    }

    /// <summary>A worker's side of the protocol in the hands of the test.</summary>
    private protected sealed class Puppet
    {
        private readonly RunTest test;
        private readonly IActorRef coordinator;
        private readonly WorkerId id;
        private ComputeShard? computed;

        public Puppet(RunTest test, IActorRef coordinator, string name)
        {
            this.test = test;
            this.coordinator = coordinator;
            id = new WorkerId(name);
            Probe = test.CreateTestProbe();
            Join();
        }

        public TestProbe Probe { get; }

        public Membership Membership { get; private set; }

        public Guid Incarnation { get; private set; }

        public IWorkerPlane Plane { get; private set; } = null!;

        public void Join()
        {
            Incarnation = Guid.NewGuid();
            Plane = test.Plane.CreateWorkerPlane(Incarnation);
            coordinator.Tell(new RegisterWorker(id, Incarnation, 1), Probe.Ref);
            Membership = Probe.FishForMessage<Welcome>(_ => true, Patience).Membership;
        }

        /// <summary>The next order: one that comes, or the last one, if it stands for the next step.</summary>
        public ComputeShard Receive(RunPhase phase = RunPhase.Training)
        {
            for (long started = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(started) < Patience;)
            {
                if (phase == RunPhase.Training && computed?.Next is { } next && Plane.Stands(next.Version))
                {
                    return next;
                }

                if (Probe.ReceiveOne(TimeSpan.FromMilliseconds(5)) is ComputeShard shard && shard.Work.Phase == phase)
                {
                    return shard;
                }
            }

            throw new TimeoutException($"No order of {phase} came.");
        }

        /// <summary>Its answer.</summary>
        /// <param name="shard">The order.</param>
        /// <param name="spoil">What a broken machine makes of its gradients.</param>
        public ShardDone Compute(ComputeShard shard, Action<Memory<float>>? spoil = null)
        {
            computed = shard.Work.Phase == RunPhase.Training ? shard : null;
            ShardResult result = new ExactComputer().Compute(shard.Work, Plane.Fetch(shard.Version, CancellationToken.None), Plane);
            foreach (ShardNode node in result.Nodes)
            {
                spoil?.Invoke(node.Gradient!.Values);
            }

            return new(id, shard.Fence, shard.Work.Slices, Plane.Deliver(shard.Fence, result), result.Finding, 0.001);
        }

        public void Send(IControlMessage message) => coordinator.Tell(message, Probe.Ref);

        public void Fail(ComputeShard shard) => Send(new ShardNotDone(id, shard.Fence, shard.Work.Slices, ShardFailureKind.Failed, "the puppet fails"));

        public void Leave() => Send(new Goodbye(id, Membership, "the puppet leaves"));
    }
}

/// <summary>A clock that the test moves.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long nowMs = 1_000_000;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Read(ref nowMs);

    public void Advance(long milliseconds) => Interlocked.Add(ref nowMs, milliseconds);
}

/// <summary>Keeps what it sees.</summary>
internal sealed class Observer : IRunObserver
{
    private readonly TaskCompletionSource<RunOutcome> finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<RunOutcome> Finished => finished.Task;

    public ConcurrentQueue<StepReport> Steps { get; } = new();

    public ConcurrentQueue<string> Warnings { get; } = new();

    public ConcurrentQueue<CheckpointReport> Checkpoints { get; } = new();

    public ConcurrentQueue<string> Workers { get; } = new();

    public int Validations { get; private set; }

    public void OnWorkers(WorkerId worker, int workers, string sentence) => Workers.Enqueue(sentence);

    public void OnStep(StepReport report) => Steps.Enqueue(report);

    public void OnValidation(ValidationReport report) => Validations++;

    public void OnCheckpoint(CheckpointReport report) => Checkpoints.Enqueue(report);

    public void OnWarning(string sentence) => Warnings.Enqueue(sentence);

    public void OnFinished(RunOutcome outcome) => finished.SetResult(outcome);
}
