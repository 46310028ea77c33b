using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>Takes part in a run: registers, computes the shards that it is given, answers for each of them.</summary>
/// <remarks>Without a coordinator it seeks one: it registers again and again. A coordinator that is gone or has ended its session sends it back to
/// seeking, with a new incarnation. The computation runs on a thread of its own, so that the actor always answers.</remarks>
public sealed class WorkerActor : ReceiveActor, IWithTimers
{
    private readonly WorkerSettings settings;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly List<ShardComputation> underWay = [];
    private readonly ConcurrentQueue<IWorkerPlane> retired = new();
    private readonly DedicatedThread thread;
    private readonly IActorRef self;
    private IActorRef? coordinator;
    private IShardComputer? computer;
    private IWorkerPlane? plane;
    private Guid incarnation;
    private Membership membership;

    /// <summary>Creates the actor.</summary>
    /// <param name="settings">What it needs.</param>
    /// <param name="coordinator">Its coordinator, or null to wait for <see cref="CoordinatorFound"/>.</param>
    public WorkerActor(WorkerSettings settings, IActorRef? coordinator)
    {
        ArgumentNullException.ThrowIfNull(settings);
        this.settings = settings;
        this.coordinator = coordinator;
        self = Self;
        thread = new DedicatedThread($"distnet-{settings.Worker}");
        Become(Seeking);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create the actor.</summary>
    public static Props Props(WorkerSettings settings, IActorRef? coordinator = null) =>
        Akka.Actor.Props.Create(() => new WorkerActor(settings, coordinator)).WithDispatcher(ControlConfiguration.Dispatcher);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        // The first shard need not wait for the allocation of the engine's memory.
        thread.Post(() =>
        {
            try
            {
                Computer();
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                log.Debug("Worker {0} has no engine yet: {1}", settings.Worker, failure.Message);
            }
        });
        if (coordinator is not null)
        {
            Context.Watch(coordinator);
        }

        Seek("it starts");
    }

    /// <inheritdoc/>
    protected override void PreRestart(Exception reason, object message)
    {
        log.Warning("Worker {0} starts again: {1}", settings.Worker, reason.Message);
        base.PreRestart(reason, message);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        if (membership != default)
        {
            coordinator?.Tell(new Goodbye(settings.Worker, membership, "it stops"));
        }

        Forget();
        thread.End(() =>
        {
            DisposeRetired();
            computer?.Dispose();
        });
    }

    private void Seeking()
    {
        Receive<Welcome>(welcome =>
        {
            if (welcome.Incarnation == incarnation)
            {
                membership = welcome.Membership;
                Timers.Cancel(RetryRegistration.Key);
                log.Debug("Worker {0}: seeking → ready: session {1}", settings.Worker, membership.Session);
                Become(Ready);
            }
        });
        Receive<RetryRegistration>(retry =>
        {
            if (retry.Incarnation == incarnation)
            {
                Register();
            }
        });
        Receive<ShardComputation>(Ended);
        Receive<RunEnded>(_ => Context.Stop(Self));
        Common();
    }

    private void Ready()
    {
        Receive<ComputeShard>(request =>
        {
            if (Membership.Of(request.Fence) != membership)
            {
                log.Debug("Worker {0} drops a shard of another session: {1}", settings.Worker, request.Fence);
                return;
            }

            var computation = new ShardComputation(request);
            IWorkerPlane its = plane!;
            underWay.Add(computation);
            thread.Post(() =>
            {
                computation.Run(Computer, its);
                self.Tell(computation);
            });
        });
        Receive<WithdrawShard>(withdrawal =>
        {
            foreach (ShardComputation computation in underWay)
            {
                if (computation.Request.Fence == withdrawal.Fence && computation.Request.Work.Slices == withdrawal.Slices)
                {
                    computation.Withdraw();
                }
            }
        });
        Receive<ShardComputation>(Ended);
        Receive<Welcome>(_ => { });
        Receive<RetryRegistration>(_ => { });
        Common();
    }

    private void Common()
    {
        Receive<SessionEnded>(ended =>
        {
            if (ended.Membership == membership)
            {
                // Not at once: a coordinator that refuses it would be asked again as fast as it answers.
                Seek(ended.Sentence, registerNow: false);
            }
        });
        Receive<RunEnded>(ended =>
        {
            if (ended.Membership == membership)
            {
                membership = default;
                Context.Stop(Self);
            }
        });
        Receive<CoordinatorFound>(found =>
        {
            if (!found.Coordinator.Equals(coordinator))
            {
                if (coordinator is not null)
                {
                    Context.Unwatch(coordinator);
                }

                coordinator = Context.Watch(found.Coordinator);
                Seek("another coordinator was found");
            }
        });
        Receive<Terminated>(terminated =>
        {
            if (terminated.ActorRef.Equals(coordinator))
            {
                coordinator = null;
                Seek("the coordinator is gone");
            }
        });
        Receive<ComputeShard>(request => log.Debug("Worker {0} drops a shard as it has no session: {1}", settings.Worker, request.Fence));
        Receive<WithdrawShard>(_ => { });
    }

    private void Ended(ShardComputation computation)
    {
        underWay.Remove(computation);
        ComputeShard request = computation.Request;
        if (Membership.Of(request.Fence) != membership)
        {
            log.Debug("Worker {0} drops an answer of an ended session: {1}", settings.Worker, request.Fence);
        }
        else if (computation.IsDone)
        {
            coordinator?.Tell(new ShardDone(settings.Worker, request.Fence, request.Work.Slices, computation.Nodes, computation.Finding, computation.Seconds));
        }
        else
        {
            coordinator?.Tell(new ShardNotDone(settings.Worker, request.Fence, request.Work.Slices, computation.FailureKind, computation.Reason));
        }
    }

    private void Seek(string why, bool registerNow = true)
    {
        log.Debug("Worker {0}: → seeking: {1}", settings.Worker, why);
        Forget();
        incarnation = Guid.NewGuid();
        plane = settings.CreatePlane(incarnation);
        Become(Seeking);
        // Until answered: the message may be lost, and the coordinator may not be there yet.
        Timers.StartPeriodicTimer(RetryRegistration.Key, new RetryRegistration(incarnation), settings.RegistrationInterval);
        if (registerNow)
        {
            Register();
        }
    }

    private void Forget()
    {
        membership = default;
        foreach (ShardComputation computation in underWay)
        {
            computation.Withdraw();
        }

        if (plane is not null)
        {
            retired.Enqueue(plane);
            plane = null;
            thread.Post(DisposeRetired);
        }
    }

    // On the compute thread, after the last computation that used them.
    private void DisposeRetired()
    {
        while (retired.TryDequeue(out IWorkerPlane? gone))
        {
            gone.Dispose();
        }
    }

    private void Register() => coordinator?.Tell(new RegisterWorker(settings.Worker, incarnation, settings.Threads));

    private IShardComputer Computer() => computer ??= settings.CreateComputer();

    private sealed record RetryRegistration(Guid Incarnation) : INotInfluenceReceiveTimeout
    {
        public const string Key = "registration";
    }
}
