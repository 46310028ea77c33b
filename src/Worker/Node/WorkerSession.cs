using System.Net;
using System.Net.Sockets;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using DistNet.Worker.Plane;

namespace DistNet.Worker.Node;

/// <summary>How a session ended.</summary>
internal enum SessionEndKind
{
    /// <summary>The run is over.</summary>
    RunOver,

    /// <summary>The worker was asked to stop.</summary>
    Stopped,

    /// <summary>It was cut off, or did not come about; there may be another.</summary>
    Over,
}

/// <summary>The end of a session.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Sentence">Why.</param>
/// <param name="Joined">Whether the worker took part.</param>
internal sealed record SessionEnd(SessionEndKind Kind, string Sentence, bool Joined);

/// <summary>One session after another: attend, learn the run, make ready, choose a transport, join the cluster, work, and end with whatever ends first.</summary>
internal sealed class WorkerSession(WorkerNodeOptions options, PlaneClient client, WorkerWork work)
{
    /// <summary>From the actor system's start to the coordinator's welcome; Akka's own attempts take some seconds.</summary>
    private static readonly TimeSpan Joining = TimeSpan.FromSeconds(20);

    /// <summary>For the coordinator to hear that the member leaves; it does not need to.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

    private readonly Guid processNonce = Guid.NewGuid();
    private Task closing = Task.CompletedTask;

    /// <summary>Has a session.</summary>
    /// <exception cref="DistNetException">The worker is refused for good, or cannot work for this run.</exception>
    public async Task<SessionEnd> RunAsync(CancellationToken stop)
    {
        var activity = new ActivityReport();
        activity.Set(ActivityKind.PreparingData);
        var hello = new WorkerHello { Worker = new WorkerId(options.Name), ProcessNonce = processNonce, Threads = options.Threads, Token = options.Token };
        try
        {
            stop.ThrowIfCancellationRequested();
            await using WorkerAttendance attendance = await client.AttendAsync(hello, () => activity.Current, stop).ConfigureAwait(false);
            return await AttendedAsync(attendance, activity, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new SessionEnd(SessionEndKind.Stopped, "It was asked to stop.", Joined: false);
        }
        catch (PlaneRefusedException refused)
        {
            return refused.Kind == PlaneRefusalKind.ForGood
                ? throw DistNetException.Usage(refused.Message, refused)
                : new SessionEnd(
                    SessionEndKind.Over,
                    refused.Kind == PlaneRefusalKind.TryAgain ? $"The coordinator at {options.Join} does not take this worker yet: {refused.Message}" : refused.Message,
                    Joined: false);
        }
    }

    /// <summary>Completed when the last session's actor system has ended.</summary>
    public Task CloseAsync() => closing;

    private async Task<SessionEnd> AttendedAsync(WorkerAttendance attendance, ActivityReport activity, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(attendance.Over, stop);
        IWorkerPlane plane;
        WorkerWork.Prepared prepared;
        try
        {
            RunDescription description = await client.DescribeAsync(attendance.Reply.Id, over.Token).ConfigureAwait(false);
            prepared = await work.PrepareAsync(description, new PlaneDataFetcher(client, attendance.Reply.Id), over.Token).ConfigureAwait(false);
            plane = await ChooseAsync(attendance, prepared).ConfigureAwait(false);
        }
        catch (Exception broken) when (attendance.Ended.IsCompleted && broken is OperationCanceledException or PlaneRefusedException or PlaneBrokenException)
        {
            return Over(await attendance.Ended.ConfigureAwait(false), joined: false);
        }
        catch (PlaneBrokenException broken)
        {
            return Over(broken.Message, joined: false);
        }

        activity.Set(ActivityKind.Idle);
        var member = new ClusterMember(options, attendance.Reply, prepared.Compute, plane, activity);
        try
        {
            return await TakePartAsync(attendance, member, plane.Transport, stop).ConfigureAwait(false);
        }
        finally
        {
            // While the coordinator is sought again: an actor system whose peer is gone takes its time to end.
            closing = member.DisposeAsync().AsTask();
        }
    }

    private async Task<SessionEnd> TakePartAsync(WorkerAttendance attendance, ClusterMember member, string transport, CancellationToken stop)
    {
        try
        {
            await closing.ConfigureAwait(false);
            await member.StartAsync(await ControlBindAsync().ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (DistNetException refused) when (refused.Kind == FailureKind.Failed)
        {
            return Over(refused.Message, joined: false);
        }

        await using CancellationTokenRegistration leave = stop.Register(() => member.Leave("it was asked to stop"));
        Task first = await Task.WhenAny(member.Joined, member.Ended, member.Removed, attendance.Ended, Task.Delay(Joining, stop)).ConfigureAwait(false);
        if (first == member.Joined)
        {
            AttendanceReply reply = attendance.Reply;
            options.Observer?.OnJoined(new WorkerSessionInfo(options.Name, reply.Run.ToString(), reply.Term, transport));
            first = await Task.WhenAny(member.Ended, member.Removed, attendance.Ended).ConfigureAwait(false);
        }
        else if (stop.IsCancellationRequested && !member.Ended.IsCompleted)
        {
            first = await Task.WhenAny(member.Ended, attendance.Ended).ConfigureAwait(false);
        }

        bool joined = member.Joined.IsCompleted;
        if (member.Ended.IsCompleted)
        {
            SessionOutcome outcome = await member.Ended.ConfigureAwait(false);
            if (outcome.Kind is SessionOutcomeKind.RunOver or SessionOutcomeKind.Left)
            {
                await member.SayGoodbyeAsync(Farewell).ConfigureAwait(false);
                return new SessionEnd(outcome.Kind == SessionOutcomeKind.RunOver ? SessionEndKind.RunOver : SessionEndKind.Stopped, outcome.Reason, joined);
            }

            return stop.IsCancellationRequested ? new SessionEnd(SessionEndKind.Stopped, outcome.Reason, joined) : Over(outcome.Reason, joined);
        }

        return stop.IsCancellationRequested ? new SessionEnd(SessionEndKind.Stopped, "it was asked to stop", joined)
            : first == attendance.Ended ? Over(await attendance.Ended.ConfigureAwait(false), joined)
            : first == member.Removed ? Over("the coordinator took this worker out of the cluster", joined)
            : Over($"the coordinator's control plane at {attendance.Reply.ControlAddress} did not answer for {Joining.TotalSeconds:0} s; expected that each can call the other", joined);
    }

    // Shared memory where both ends find that it is so; gRPC else.
    private async Task<IWorkerPlane> ChooseAsync(WorkerAttendance attendance, WorkerWork.Prepared prepared)
    {
        if (attendance.Reply.SharedMemory is { } offer)
        {
            SharedWorkerPlane? shared = null;
            Guid proof = Guid.NewGuid();
            bool opened = options.SharedMemory && SharedMemoryClient.TryOpen(offer, prepared.Sizes, out shared, out proof, out _, attendance: attendance);
            // A proof that stands nowhere has the coordinator give the memory back.
            if (await attendance.ProbeAsync(proof).ConfigureAwait(false) && opened)
            {
                return shared!;
            }

            shared?.Dispose();
        }

        return new GrpcWorkerPlane(client, attendance, prepared.Gradients);
    }

    // Where the coordinator is called from, this machine can be called at, as a rule.
    private async Task<HostPort> ControlBindAsync()
    {
        if (options.ControlBind is { } bind)
        {
            return bind;
        }

        try
        {
            IPAddress address = (await Dns.GetHostAddressesAsync(options.Join.Host).ConfigureAwait(false))[0];
            using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(new IPEndPoint(address, options.Join.Port)).ConfigureAwait(false);
            return new HostPort(((IPEndPoint)socket.LocalEndPoint!).Address.ToString(), 0);
        }
        catch (Exception error) when (error is SocketException or IndexOutOfRangeException)
        {
            throw DistNetException.Failed($"This machine's address towards {options.Join} cannot be found: {error.Message.TrimEnd('.')}.", error);
        }
    }

    private SessionEnd Over(string reason, bool joined)
    {
        string clause = reason.TrimEnd('.');
        if (clause.EndsWith(EndReasons.RunOver, StringComparison.Ordinal))
        {
            return new SessionEnd(SessionEndKind.RunOver, clause, joined);
        }

        return new SessionEnd(SessionEndKind.Over, $"The session with the coordinator at {options.Join} is over: {clause}; it is sought again.", joined);
    }
}
