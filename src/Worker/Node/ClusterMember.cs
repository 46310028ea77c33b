using Akka.Actor;
using Akka.Hosting;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Worker.Plane;

namespace DistNet.Worker.Node;

/// <summary>The actor system of one session: it joins the coordinator's cluster, and its one worker actor serves the attendance.</summary>
internal sealed class ClusterMember(WorkerNodeOptions options, AttendanceReply attendance, WorkerCompute compute, IWorkerPlane plane, ActivityReport activity) : IAsyncDisposable
{
    private static readonly TimeSpan ResolveInterval = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<SessionOutcome> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ControlHost? host;
    private IActorRef? worker;
    private bool planeUsed;

    /// <summary>Completed when the coordinator has welcomed the worker.</summary>
    public Task Joined => joined.Task;

    /// <summary>Completed when the worker actor has ended.</summary>
    public Task<SessionOutcome> Ended => ended.Task;

    /// <summary>Completed when this is no member of the cluster any more.</summary>
    public Task Removed { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the actor system and registers with the coordinator.</summary>
    /// <param name="bind">Where the control plane listens.</param>
    /// <exception cref="DistNetException">An address is wrong, or cannot be listened on.</exception>
    public async Task StartAsync(HostPort bind)
    {
        WorkerSettings settings = new()
        {
            Worker = new WorkerId(options.Name),
            Threads = options.Threads,
            Compute = compute,
            CreatePlane = _ => Plane(),
            Incarnation = attendance.Id,
            Membership = new Membership(attendance.Run, attendance.Term, 0),
            Activity = activity,
            Joined = () => joined.TrySetResult(),
            Ended = outcome => ended.TrySetResult(outcome),
        };
        ClusterNodeOptions node = new()
        {
            Role = ClusterRole.Worker,
            BindHost = bind.Host,
            BindPort = bind.Port,
            PublicHost = options.PublicControl?.Host,
            PublicPort = options.PublicControl?.Port ?? 0,
            Seed = attendance.ControlAddress,
            Tls = options.Tls,
        };
        host = await ControlHost.StartAsync(akka => akka
            .AddDistNetControl()
            .AddDistNetCluster(node)
            .WithActors((system, _) => worker = system.ActorOf(WorkerActor.Props(settings), options.Name))).ConfigureAwait(false);
        Removed = ClusterConfiguration.WhenRemoved(host.System);
        _ = FindAsync(host.System);
    }

    /// <summary>Asks the worker to finish or hand back what it has.</summary>
    public void Leave(string reason) => worker?.Tell(new LeaveRun(reason));

    /// <summary>Leaves the cluster.</summary>
    public Task SayGoodbyeAsync(TimeSpan most) => host is null ? Task.CompletedTask : ClusterConfiguration.LeaveAsync(host.System, most);

    /// <summary>Ends the actor system.</summary>
    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.DisposeAsync().ConfigureAwait(false);
        }

        if (!planeUsed)
        {
            plane.Dispose();
        }
    }

    private IWorkerPlane Plane()
    {
        planeUsed = true;
        return plane;
    }

    // Until it answers: the actor system has just begun to connect.
    private async Task FindAsync(ActorSystem system)
    {
        ActorSelection selection = system.ActorSelection($"{attendance.ControlAddress}/user/coordinator");
        while (!ended.Task.IsCompleted && !system.WhenTerminated.IsCompleted)
        {
            try
            {
                worker!.Tell(new CoordinatorFound(await selection.ResolveOne(ResolveInterval).ConfigureAwait(false)));
                return;
            }
            catch (Exception error) when (error is ActorNotFoundException or AskTimeoutException or OperationCanceledException)
            {
                // Asked again.
            }
        }
    }
}
