using Akka.Actor;
using Akka.Event;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>Leads a run: a thin shell around <see cref="RunMachine"/>, which decides; the actor passes on what happens and carries out what was decided.</summary>
/// <remarks>An exception here is a bug: the run ends as failed and is never continued from half a state. Its last checkpoint is intact.</remarks>
public sealed partial class CoordinatorActor : ReceiveActor, IWithTimers
{
    private readonly CoordinatorSettings settings;
    private readonly ICoordinatorPlane plane;
    private readonly IRunObserver? observer;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly MemberTable members = new();
    private readonly NumericThread numeric;
    private readonly long started;
    private RunState state;
    private ParameterHandle parameters;
    private bool canMerge;
    private List<ShardNode>? offered;
    private (WorkerId Worker, RunPhase Phase) offeredBy;
    private double offeredSeconds;
    private long offeredAnswer;
    private int offeredSliceCount;
    private bool over;
    private bool interrupted;

    /// <summary>Creates the actor.</summary>
    /// <param name="settings">What it needs.</param>
    public CoordinatorActor(CoordinatorSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        this.settings = settings;
        plane = settings.Plane;
        observer = settings.Observer;
        started = settings.Time.GetTimestamp();
        state = RunState.Start(settings.Run.Definition, settings.Run.State);
        numeric = new NumericThread(settings.Run, plane, Self);
        Become(Leading);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create the actor.</summary>
    public static Props Props(CoordinatorSettings settings) =>
        Akka.Actor.Props.Create(() => new CoordinatorActor(settings)).WithDispatcher(ControlConfiguration.Dispatcher);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        // Lateness and pauses are looked at by time; the machine compares with its own deadlines, so a tick belongs to no step.
        Timers.StartPeriodicTimer(TickKey, new TimeToLook(), settings.TickInterval);
        numeric.Begin();
    }

    /// <inheritdoc/>
    protected override bool AroundReceive(Receive receive, object message)
    {
        try
        {
            return base.AroundReceive(receive, message);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            log.Error(bug, "The coordinator stops");
            End(new RunOutcome(RunOutcomeKind.Failed, NumericThread.SentenceOfBug(bug), Cause: bug));
            return true;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop() =>
        End(new RunOutcome(RunOutcomeKind.Failed, "The actor system was shut down while the run was going on; it goes on from its last checkpoint with --resume."));

    private const string TickKey = "tick";

    private void Leading()
    {
        Receive<ShardDone>(done =>
        {
            if (!IsImpostor(done.Worker, done.Fence))
            {
                Take(done, SenderOf(done.Worker, Membership.Of(done.Fence)));
            }
        });
        Receive<ShardAnswered>(answered =>
        {
            if (HolderOf(answered) is { } member)
            {
                Take(answered.Answer, member);
            }
        });
        Receive<NumericDone>(done =>
        {
            parameters = done.Parameters;
            if (done.Input is RunInput.StepCompleted { Report.Finite: true })
            {
                settings.Times.Updated();
            }

            Tell(done.Input);
            Feed(done.Input);
        });
        Receive<ShardNotDone>(not =>
        {
            if (!IsImpostor(not.Worker, not.Fence))
            {
                Feed(new RunInput.ShardFailed(not.Fence, not.Worker, not.Slices, not.Kind, not.Reason));
            }
        });
        Receive<TimeToLook>(_ => Feed(new RunInput.Tick()));
        Receive<RegisterWorker>(Register);
        Receive<Goodbye>(goodbye => Leave(SenderOf(goodbye.Worker, goodbye.Membership), goodbye.Reason, isGone: false));
        Receive<AttendanceEnded>(ended => Leave(members.Find(ended.Incarnation), ended.Reason, isGone: true));
        Receive<WorkerHeard>(Heard);
        Receive<Terminated>(terminated =>
        {
            foreach (Member member in members.Of(terminated.ActorRef))
            {
                Leave(member, "its actor stopped", isGone: true);
            }
        });
        Receive<StopRun>(stop => Feed(new RunInput.StopRequested(stop.Signal)));
    }

    private void Over()
    {
        // Late answers: nobody takes what they name; the plane frees it.
        Receive<RegisterWorker>(register => Sender.Tell(Farewell(register.Incarnation, MembershipOf(session: 0))));
        ReceiveAny(_ => { });
    }

    private void Take(ShardDone done, Member? member)
    {
        if (member is not null && AnswerTickets.IsCopy(done, member))
        {
            log.Debug("A second copy of an answer is dropped: {0} from {1}", done.Fence, done.Worker);
            return;
        }

        List<ShardNode> answer = AnswerTickets.Take(done, member, plane);
        if (member is not null && AnswerCheck.Fault(done, answer, state, parameters.Values.Length) is { } fault)
        {
            Leases.Return(answer);
            if (!plane.IsLive(member.Incarnation))
            {
                // Its gradients went with its link, which is no failure of its own: the end of its attendance is on its way here and frees the slices.
                log.Debug("An answer of worker {0} came after its link had ended: {1}", done.Worker, fault);
                return;
            }

            Feed(new RunInput.ShardFailed(done.Fence, done.Worker, done.Slices, ShardFailureKind.Failed, fault));
            return;
        }

        offered = answer;
        offeredBy = (done.Worker, done.Fence.Phase);
        offeredSeconds = done.Seconds;
        offeredAnswer++;
        offeredSliceCount = state.Phase?.Whole.SliceCount ?? 0;
        Feed(new RunInput.ShardCompleted(done.Fence, done.Worker, done.Slices, offeredAnswer, done.Seconds, done.Finding, AnswerCheck.Proofs(answer, state.IsComputedTwice(done.Worker, done.Fence, done.Slices))));
        Invariant.Holds(offered is null);
    }

    private void Feed(RunInput input)
    {
        long nowMs = (long)settings.Time.GetElapsedTime(started).TotalMilliseconds;
        Transition transition = RunMachine.Step(state, input, nowMs);
        state = transition.State;
        settings.View?.Show(state, started);
        if (transition.Reason is { } reason)
        {
            log.Info("Step {0}, {1}: {2}", state.Training.Step, state.Stage, reason);
        }

        foreach (RunEffect effect in transition.Effects)
        {
            Carry(effect);
        }

        if (canMerge && state is { Stage: RunStage.Computing, Phase.Whole.Phase: RunPhase.Training })
        {
            numeric.MergeEarly();
        }

        canMerge = false;
        if (state.Stage == RunStage.Ended)
        {
            End(state.Outcome!);
        }
    }

    private void Carry(RunEffect effect)
    {
        switch (effect)
        {
            case RunEffect.SendShard send:
                Send(send);
                break;
            case RunEffect.AcceptAnswer accept:
                TellAccepted(Offered(accept.Answer));
                if (offeredBy.Phase == RunPhase.Training)
                {
                    settings.Times.Answered(offeredSeconds);
                }

                canMerge |= numeric.Accept(offered!, offeredSliceCount);
                offered = null;
                break;
            case RunEffect.ReleaseAnswer release:
                Leases.Return(Offered(release.Answer));
                offered = null;
                break;
            case RunEffect.CompleteStep complete:
                settings.Times.Completes();
                if (complete.OrdersStand)
                {
                    plane.LetStand(parameters.Version + 1);
                }

                // The last answer of a step needs no merge: the completion sums.
                canMerge = false;
                numeric.CompleteStep(complete.Step);
                break;
            case RunEffect.CompleteValidation:
                numeric.CompleteValidation();
                break;
            case RunEffect.WriteCheckpoint checkpoint:
                settings.Times.Forget();
                numeric.WriteCheckpoint(checkpoint.Reason);
                break;
            case RunEffect.WithdrawShard withdraw:
                members.Find(withdraw.Worker, withdraw.Fence.Session)?.Actor.Tell(new WithdrawShard(withdraw.Fence, withdraw.Slices));
                break;
            case RunEffect.ReleaseAccepted:
                settings.Times.Forget();
                numeric.Abandon();
                break;
            case RunEffect.SkipStep skip:
                numeric.SkipStep(skip.Step, skip.Finding);
                break;
            case RunEffect.EndTraining:
                numeric.EndTraining();
                break;
            case RunEffect.Finish finish:
                numeric.Finish(finish.Outcome);
                break;
            case RunEffect.EndSession ended:
                EndSession(ended);
                break;
            case RunEffect.ReportWorkers report:
                observer?.OnWorkers(report.Worker, report.Present, report.Sentence);
                break;
            case RunEffect.Warn warn:
                observer?.OnWarning(warn.Sentence);
                break;
            case RunEffect.VerifyFolder:
                numeric.VerifyFolder();
                break;
            case RunEffect.SetAside:
                break;
            default:
                throw new InvalidOperationException($"Unknown effect {effect}.");
        }
    }

    private void Send(RunEffect.SendShard send)
    {
        if (send.Work.Phase == RunPhase.Training)
        {
            settings.Times.Sent();
        }
        else
        {
            settings.Times.Forget();
        }

        if (!send.Stands && members.Find(send.Worker, send.Fence.Session) is { } member)
        {
            member.Actor.Tell(new ComputeShard(send.Fence, send.Work, parameters.Version + (send.Ahead ? 1 : 0), plane.Held(member.Incarnation)));
        }
    }

    private void TellAccepted(List<ShardNode> answer)
    {
        long samples = 0;
        foreach (ShardNode node in answer)
        {
            samples += node.Metrics.Samples;
        }

        observer?.OnAccepted(offeredBy.Worker, offeredBy.Phase, samples);
    }

    private void Tell(RunInput input)
    {
        switch (input)
        {
            case RunInput.StepCompleted { Report: { } report } when report.Finite || report.Skipped:
                observer?.OnStep(report);
                break;
            case RunInput.ValidationCompleted completed:
                observer?.OnValidation(completed.Report);
                break;
            case RunInput.CheckpointWritten written:
                observer?.OnCheckpoint(written.Report);
                break;
            default:
                break;
        }
    }

    private void End(RunOutcome outcome)
    {
        if (over)
        {
            return;
        }

        over = true;
        interrupted = outcome.Kind == RunOutcomeKind.Interrupted;
        Become(Over);
        Leases.Return(offered ?? []);
        offered = null;
        foreach (Member member in members.All)
        {
            member.Actor.Tell(Farewell(member.Incarnation, MembershipOf(member.Session)));
        }

        // The observer is told last, from the thread that has just let go of everything: whoever waits for the end may then dispose the rest.
        IRunObserver? told = observer;
        numeric.End(state.Stage < RunStage.Finishing ? outcome : null, failure => told?.OnFinished(failure is null || outcome.Kind == RunOutcomeKind.Failed
            ? outcome
            : new RunOutcome(RunOutcomeKind.Failed, $"The run could not be closed: {failure.Message}", Cause: failure)));
    }

    // A run that was interrupted can go on: workers that are processes of their own then seek the next coordinator.
    private IControlMessage Farewell(Guid incarnation, Membership membership) => interrupted && plane.HostOf(incarnation).Length > 0
        ? new SessionEnded(membership, "The coordinator was stopped; the run goes on when it is started again.")
        : new RunEnded(membership);

    private List<ShardNode> Offered(long answer)
    {
        Invariant.Holds(answer == offeredAnswer && offered is not null);
        return offered;
    }

    private sealed record TimeToLook : ILocalMessage, INotInfluenceReceiveTimeout;
}
