using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>One life of a coordinator, in virtual time: what the process, its actor and its tensor plane do. This part: its life, its workers, their messages.</summary>
internal sealed partial class SimCoordinator(World world) : SimProcess(world), IDisposable
{
    private const int BeatMs = 250;

    private readonly Dictionary<WorkerId, Member> members = [];
    private RunJournal journal = null!;
    private ExactRun run = null!;
    private long sessions;

    /// <summary>Whether it came so far as to lead the run.</summary>
    public bool HasBegun { get; private set; }

    public RunState State { get; private set; } = null!;

    /// <summary>Takes the run folder, begins its term and leads the run; or ends, where the folder is held or the disk is full.</summary>
    public void Start()
    {
        Begin();
        if (!World.Disk.TryLock(this))
        {
            World.Faults.LocksRefused++;
            Exit();
            return;
        }

        ExactCheckpoint? from = World.Disk.Load();
        try
        {
            journal = RunJournal.Begin(World.Disk, resume: true, World.Disk.HoldsCheckpoints, _ => World.Faults.JournalsRecovered++, NewRun);
        }
        catch (DistNetException)
        {
            Exit();
            return;
        }

        lastStep = (from?.State.Step ?? 0) - 1;
        run = new ExactRun(World.Plan.Definition with { Run = journal.Run, Term = journal.Term }, World.Plan.NonFiniteSteps, from)
        {
            OnCheckpoint = Write,
            OnFinish = WriteEnd,
            OnVerifyFolder = Verify,
        };
        State = RunState.Start(run.Definition, run.State);
        heardVersion = run.Parameters.Version;
        HasBegun = true;
        Feed(new RunInput.Begin());
        Tick();
        if (World.Plan.Beats)
        {
            Beat();
        }
    }

    public void Dispose() => run?.Dispose();

    /// <summary>It dies, whatever it is doing.</summary>
    public void Kill()
    {
        if (!IsAlive)
        {
            return;
        }

        World.Faults.CoordinatorsKilled++;
        if (writing && World.Random.Chance(0.5))
        {
            World.Faults.Torn++;
            World.Disk.Tear(new ExactCheckpoint(run.State, run.Digest));
        }

        if (World.Random.Chance(0.03))
        {
            World.Faults.JournalsTorn++;
            World.Disk.TearJournal();
        }

        Exit();
    }

    public void Register(SimWorker worker, long attendance)
    {
        if (!members.TryGetValue(worker.Id, out Member? member) || member.Attendance != attendance)
        {
            // A registration of an earlier attendance that was overtaken must not end the session of the later one.
            if (member is not null && member.Attendance > attendance)
            {
                return;
            }

            member = new Member(worker, attendance, ++sessions);
            members[worker.Id] = member;
            Feed(new RunInput.WorkerJoined(worker.Id, member.Session, worker.Threads, worker.Host, World.Plan.Beats, World.Plan.OrdersStand));
        }

        World.Network.Send(this, worker, () => worker.Welcome(this, attendance, member.Session));
    }

    /// <summary>The stream of an attendance broke.</summary>
    public void Notice(WorkerId worker, long attendance)
    {
        if (members.TryGetValue(worker, out Member? member) && member.Attendance == attendance)
        {
            members.Remove(worker);
            Feed(new RunInput.WorkerLeft(worker, member.Session, "its stream broke"));
        }
    }

    public void Hear(WorkerId worker, long attendance, WorkerActivity activity)
    {
        if (members.TryGetValue(worker, out Member? member) && member.Attendance == attendance)
        {
            Feed(new RunInput.WorkerHeard(worker, member.Session, activity));
        }
    }

    public void Take(WorkerId worker, long attendance, Fence fence, SliceRange slices, ShardResult result, ImmutableArray<NodeProof> proofs, double seconds)
    {
        bool isMember = members.TryGetValue(worker, out Member? member) && member.Attendance == attendance;
        if (State.Stage == RunStage.Ended || (isMember && IsCopy(result)))
        {
            return;
        }

        // The memory of an ended session is abandoned: its tickets name nothing.
        offered = isMember ? result : new ShardResult([.. result.Nodes.Select(node => node with { Gradient = null })], result.Finding);
        offeredInput = new RunInput.ShardCompleted(fence, worker, slices, ++answers, seconds, result.Finding, proofs);
        offeredWasAsked = State.Workers.Any(there => there.Id == worker && there.Session == fence.Session && fence.Run == State.Definition.Run && fence.Term == State.Definition.Term
            && there.Work is { } work && work.Phase == fence.Phase && work.Step == fence.Step && work.Slices == slices);
        Feed(offeredInput);
        Invariant.Holds(offered is null);
    }

    public void Take(RunInput.ShardFailed failed)
    {
        if (State.Stage != RunStage.Ended)
        {
            Feed(failed);
        }
    }

    // A gradient is taken once, by its ticket: the second copy of a message has none.
    private bool IsCopy(ShardResult result)
    {
        foreach (ShardNode node in result.Nodes)
        {
            if (node.Gradient is { } lease && !taken.Add(lease))
            {
                World.Faults.LateCopies++;
                return true;
            }
        }

        return false;
    }

    private void Tick()
    {
        Feed(new RunInput.Tick());
        After(RunLimits.TickMs, Tick);
    }

    private void Beat()
    {
        foreach (Member member in members.Values)
        {
            World.Network.Beat(this, member.Worker, () => member.Worker.Heard(this, member.Attendance));
        }

        After(BeatMs, Beat);
    }

    private void Exit()
    {
        End();
        Dispose();
        World.Gone(this);
    }

    private RunId NewRun()
    {
        byte[] bytes = new byte[16];
        BitConverter.TryWriteBytes(bytes, World.Random.Next(int.MaxValue));
        return new RunId(new Guid(bytes));
    }

    private sealed record Member(SimWorker Worker, long Attendance, long Session);
}
