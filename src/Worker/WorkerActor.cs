using Akka.Actor;
using Akka.Event;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>Takes part in a run: registers, computes the shards that it is given, answers for each of them.</summary>
/// <remarks>Inside one process it seeks a coordinator for ever: one that is gone or has ended its session sends it back to seeking, with a new incarnation.
/// Across processes it serves one attendance (<see cref="WorkerSettings.Incarnation"/>) and stops with it; the process attends anew. The computation runs on a
/// thread of its own, so that the actor always answers.</remarks>
public sealed class WorkerActor : ReceiveActor, IWithTimers
{
    private readonly WorkerSettings settings;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly List<ShardComputation> underWay = [];
    private readonly IActorRef self;
    private IActorRef? coordinator;
    private IWorkerPlane? plane;
    private ComputeShard? order;
    private Guid incarnation;
    private Membership membership;
    private SessionOutcome? outcome;
    private bool restarts;

    /// <summary>Creates the actor.</summary>
    /// <param name="settings">What it needs.</param>
    /// <param name="coordinator">Its coordinator, or null to wait for <see cref="CoordinatorFound"/>.</param>
    public WorkerActor(WorkerSettings settings, IActorRef? coordinator)
    {
        ArgumentNullException.ThrowIfNull(settings);
        this.settings = settings;
        this.coordinator = coordinator;
        self = Self;
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
        settings.Compute.Prepare(failure => log.Debug("Worker {0} has no engine yet: {1}", settings.Worker, failure.Message));
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
        outcome = new SessionOutcome(SessionOutcomeKind.Failed, "it starts again");
        restarts = true;
        base.PreRestart(reason, message);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        outcome ??= new SessionOutcome(SessionOutcomeKind.Stopped, "it stops");
        if (membership != default)
        {
            coordinator?.Tell(new Goodbye(settings.Worker, membership, outcome.Reason));
        }

        Forget();
        log.Debug("Worker {0}: → stopped ({1}): {2}", settings.Worker, outcome.Kind, outcome.Reason);
        if (!restarts)
        {
            settings.Ended?.Invoke(outcome);
        }
    }

    /// <inheritdoc/>
    protected override bool AroundReceive(Receive receive, object message)
    {
        try
        {
            return base.AroundReceive(receive, message);
        }
        catch (Exception bug) when (settings.Incarnation is not null && bug is not OutOfMemoryException)
        {
            // An actor that started again would serve the same session from half a state.
            log.Error(bug, "Worker {0} stops", settings.Worker);
            Quit(SessionOutcomeKind.Failed, $"it failed ({bug.GetType().Name}: {bug.Message.TrimEnd('.')})");
            return true;
        }
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
                settings.Joined?.Invoke();
            }
        });
        Receive<RetryRegistration>(retry =>
        {
            if (retry.Incarnation == incarnation)
            {
                Register();
            }
        });
        Receive<SessionEnded>(refused =>
        {
            if (refused.Membership.Session == 0)
            {
                log.Debug("Worker {0} is refused: {1}", settings.Worker, refused.Sentence);
                // Inside one process it goes on asking, no faster than before.
                if (settings.Incarnation is not null)
                {
                    Quit(SessionOutcomeKind.Ended, refused.Sentence);
                }
            }
        });
        Receive<ShardComputation>(Answer);
        Receive<RunEnded>(_ => Quit(SessionOutcomeKind.RunOver, EndReasons.RunOver));
        Receive<LeaveRun>(leave => Quit(SessionOutcomeKind.Left, leave.Reason));
        Common();
    }

    private void Ready()
    {
        Receive<ComputeShard>(request =>
        {
            if (Membership.Of(request.Fence) != membership || HasIt(request))
            {
                log.Debug("Worker {0} drops a shard of another session or a second copy: {1}", settings.Worker, request.Fence);
                return;
            }

            foreach (ShardComputation computation in underWay)
            {
                computation.Overrule(by: request);
            }

            Begin(request);
        });
        Receive<WithdrawShard>(Withdraw);
        Receive<ShardComputation>(Answer);
        Receive<LeaveRun>(leave =>
        {
            settings.Activity.Leave();
            outcome = new SessionOutcome(SessionOutcomeKind.Left, leave.Reason);
            log.Debug("Worker {0}: ready → leaving: {1}", settings.Worker, leave.Reason);
            foreach (ShardComputation computation in underWay)
            {
                computation.HandBack();
            }

            Become(Leaving);
            StopIfNothingIsOwed();
        });
        Common();
    }

    private void Leaving()
    {
        Receive<ComputeShard>(request =>
        {
            if (Membership.Of(request.Fence) == membership && !HasIt(request))
            {
                coordinator?.Tell(new ShardNotDone(settings.Worker, request.Fence, request.Work.Slices, ShardFailureKind.Withdrawn, "the worker leaves"));
            }
        });
        Receive<WithdrawShard>(Withdraw);
        Receive<ShardComputation>(computation =>
        {
            Answer(computation);
            StopIfNothingIsOwed();
        });
        Common();
    }

    private void Common()
    {
        Receive<SessionEnded>(ended =>
        {
            if (ended.Membership == membership && membership != default)
            {
                membership = default;
                // Not at once: a coordinator that refuses it would be asked again as fast as it answers.
                SeekOrQuit(SessionOutcomeKind.Ended, ended.Sentence, registerNow: false);
            }
        });
        Receive<RunEnded>(ended =>
        {
            if (ended.Membership == membership)
            {
                membership = default;
                Quit(SessionOutcomeKind.RunOver, EndReasons.RunOver);
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

                bool replaces = membership != default;
                coordinator = Context.Watch(found.Coordinator);
                if (replaces || settings.Incarnation is null)
                {
                    membership = default;
                    SeekOrQuit(SessionOutcomeKind.CoordinatorGone, "another coordinator was found");
                }
                else
                {
                    Register();
                }
            }
        });
        Receive<Terminated>(terminated =>
        {
            if (terminated.ActorRef.Equals(coordinator))
            {
                coordinator = null;
                membership = default;
                SeekOrQuit(SessionOutcomeKind.CoordinatorGone, "the coordinator is gone");
            }
        });
        Receive<ComputeShard>(request => log.Debug("Worker {0} drops a shard as it has no session: {1}", settings.Worker, request.Fence));
        Receive<Welcome>(_ => { });
        Receive<RetryRegistration>(_ => { });
        Receive<WithdrawShard>(_ => { });
        Receive<LeaveRun>(_ => { });
    }

    private bool HasIt(ComputeShard request) => underWay.Exists(one => !one.Stands && one.IsFor(request.Fence, request.Work.Slices));

    private void Begin(ComputeShard request, bool stands = false)
    {
        order = request;
        var computation = new ShardComputation(request, plane!, settings.Activity, stands);
        underWay.Add(computation);
        settings.Compute.Post(() =>
        {
            computation.Run(settings.Compute.Computer);
            Helper.Tell(self, computation);
        });
    }

    private void Withdraw(WithdrawShard withdrawal)
    {
        foreach (ShardComputation computation in underWay)
        {
            if (computation.IsFor(withdrawal.Fence, withdrawal.Slices))
            {
                computation.Withdraw();
            }
        }
    }

    private void Answer(ShardComputation computation)
    {
        underWay.Remove(computation);
        ComputeShard request = computation.Request;
        if (membership == default || Membership.Of(request.Fence) != membership)
        {
            log.Debug("Worker {0} drops an answer of an ended session: {1}", settings.Worker, request.Fence);
        }
        else if (computation.BrokenPlane is { } broken)
        {
            Break(broken);
        }
        else if (computation.HasLapsed)
        {
            log.Debug("Worker {0}: an order has lapsed: {1}", settings.Worker, request.Fence);
        }
        else if (computation.IsDone)
        {
            Tell(new ShardDone(settings.Worker, request.Fence, request.Work.Slices, computation.Nodes, computation.Finding, computation.Seconds));

            // While the answer is on its way the thread goes to wait for the next parameters.
            if (ReferenceEquals(request, order) && request.Work.Phase == RunPhase.Training && plane is { OrdersStand: true } && outcome is null)
            {
                Begin(request.Next, stands: true);
            }
        }
        else
        {
            coordinator?.Tell(new ShardNotDone(settings.Worker, request.Fence, request.Work.Slices, computation.FailureKind, computation.Reason));
        }
    }

    private void Tell(ShardDone answer)
    {
        try
        {
            if (!plane!.TryAnswer(answer))
            {
                coordinator?.Tell(answer);
            }
        }
        catch (PlaneBrokenException broken)
        {
            Break(broken.Message.TrimEnd('.'));
        }
    }

    // The goodbye frees its slices at once, where the control plane still works.
    private void Break(string why) => SeekOrQuit(SessionOutcomeKind.PlaneBroken, $"its tensor plane broke: {why}");

    private void StopIfNothingIsOwed()
    {
        if (!underWay.Exists(computation => Membership.Of(computation.Request.Fence) == membership))
        {
            Context.Stop(Self);
        }
    }

    // What ends a session ends the actor where it serves that session alone, or leaves anyway.
    private void SeekOrQuit(SessionOutcomeKind kind, string why, bool registerNow = true)
    {
        if (settings.Incarnation is not null || outcome is not null)
        {
            Quit(kind, why);
        }
        else
        {
            Seek(why, registerNow);
        }
    }

    private void Seek(string why, bool registerNow = true)
    {
        log.Debug("Worker {0}: → seeking: {1}", settings.Worker, why);
        Forget();
        incarnation = settings.Incarnation ?? Guid.NewGuid();
        plane = settings.CreatePlane(incarnation);
        Become(Seeking);
        // Until answered: the message may be lost, and the coordinator may not be there yet.
        Timers.StartPeriodicTimer(RetryRegistration.Key, new RetryRegistration(incarnation), settings.RegistrationInterval);
        if (registerNow)
        {
            Register();
        }
    }

    private void Quit(SessionOutcomeKind kind, string reason)
    {
        outcome ??= new SessionOutcome(kind, reason);
        Context.Stop(Self);
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
            settings.Compute.Retire(plane);
            plane = null;
        }
    }

    private void Register() => coordinator?.Tell(new RegisterWorker(settings.Worker, incarnation, settings.Threads, settings.Membership));

    private sealed record RetryRegistration(Guid Incarnation) : ILocalMessage, INotInfluenceReceiveTimeout
    {
        public const string Key = "registration";
    }
}
