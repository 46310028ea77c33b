using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using DistNet.Coordinator.Data;
using DistNet.Coordinator.Plane;
using DistNet.Data;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Coordinator.Node;

/// <summary>Leads a run whose workers are processes of their own, on this machine or others: they join and leave as they like, and the result does not change.</summary>
/// <remarks>The run folder's lock and journal see to it that one coordinator at a time writes a run. A coordinator that was killed goes on from its last whole
/// checkpoint when it is started again with <see cref="CoordinatorNodeOptions.Resume"/>; its workers find it by themselves where it has the same address.</remarks>
public static class CoordinatorNode
{
    /// <summary>At the run's end workers are told, and have this long to go by themselves.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    /// <summary>Leads a run to its end.</summary>
    /// <param name="job">The job, with its data section: workers look for the same files.</param>
    /// <param name="data">The data, split.</param>
    /// <param name="options">Addresses, security, run folder: nothing that changes the result.</param>
    /// <param name="progress">Told at most twice a second and at each epoch's end.</param>
    /// <param name="cancellationToken">Finishes the step under way, writes a checkpoint (with a run folder) and returns an interrupted result.</param>
    /// <exception cref="DistNetException">The job does not fit the data, an address cannot be listened on, or the run could not go on.</exception>
    public static async Task<RunResult> RunAsync(
        Job job, LoadedData data, CoordinatorNodeOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinimumWorkers, 1, nameof(options));
        IClusterObserver? observer = options.Observer;
        if (options.Tls is not null)
        {
            options.Tls.Refused = new RefusalNotes(sentence => observer?.OnWarning(sentence)).Add;
        }

        if (ExposurePolicy.Check(options.Bind.Host, options.Token, options.Tls, options.Insecure) is { } exposed)
        {
            observer?.OnWarning(exposed);
        }

        RunSetup setup = RunSetup.Create(job, data, options.JobJson);
        RunDataFiles files = new(job.Data ?? throw DistNetException.BadInput("The job names no data; expected a data section, as workers look for the same files."), options.DataFolder, data);
        files.Start();
        VectorUnit unit = options.Unit ?? VectorUnit.Widest;
        SharedMemorySizes sizes = SharedMemorySizes.Of(setup);
        SharedMemoryHost? memory = null;
        using OpenRun open = OpenRun.Open(setup, new OpenRunOptions
        {
            RunFolder = options.RunFolder,
            Resume = options.Resume,
            Threads = options.Threads ?? Environment.ProcessorCount,
            Unit = unit,
            MinimumWorkers = options.MinimumWorkers,
            ShareParameters = (run, term) => (memory = Share(run, term, sizes, options))?.Parameters,
            Observer = observer,
            Progress = progress,
        });
        try
        {
            RunResult result = open.Result(await LeadAsync(open, files, sizes, memory, options, cancellationToken).ConfigureAwait(false));
            return result with { Processes = Math.Max(1, result.Workers) };
        }
        finally
        {
            memory?.Dispose();
        }
    }

    private static SharedMemoryHost? Share(RunId run, int term, SharedMemorySizes sizes, CoordinatorNodeOptions options)
    {
        if (!options.SharedMemory)
        {
            return null;
        }

        void Warn(string sentence) => options.Observer?.OnWarning(sentence);
        if (SharedMemoryHost.TryCreate(run, term, sizes, out SharedMemoryHost? memory, out string? sentence, Warn))
        {
            return memory;
        }

        Warn(sentence);
        return null;
    }

    private static async Task<RunOutcome> LeadAsync(
        OpenRun open, RunDataFiles files, SharedMemorySizes sizes, SharedMemoryHost? memory, CoordinatorNodeOptions options, CancellationToken cancellationToken)
    {
        IClusterObserver? observer = options.Observer;
        RunDefinition definition = open.Run.Definition;
        RunView view = new();
        PlaneLink link = new(open, files, sizes.Slots, view, sentence => observer?.OnWarning(sentence));
        PlaneSettings settings = new()
        {
            Run = definition.Run,
            Term = definition.Term,
            ArenaLength = sizes.ArenaLength,
            Slots = sizes.Slots,
            Token = options.Token,
        };
        using CoordinatorPlane plane = new(settings, link, link, memory);
        IPEndPoint bind = new(await AddressOf(options.Bind.Host).ConfigureAwait(false), options.Bind.Port);
        await using PlaneServer server = await PlaneServer.StartAsync(plane, bind, options.Tls).ConfigureAwait(false);
        HostPort address = options.Public ?? new HostPort(IsAny(bind.Address) ? Dns.GetHostName() : options.Bind.Host, server.Endpoint.Port);
        ClusterNodeOptions node = new()
        {
            Role = ClusterRole.Coordinator,
            BindHost = options.Bind.Host,
            BindPort = options.ControlPort,
            PublicHost = address.Host,
            PublicPort = options.PublicControlPort,
            Tls = options.Tls,
        };
        ActorSystem? system = null;
        await using ControlHost host = await ControlHost.StartAsync(akka => akka
            .AddDistNetCoordinator(new CoordinatorSettings
            {
                Run = open.Run,
                Times = open.Run.Times,
                Plane = plane,
                Observer = open.Observer,
                View = view,
                MemberGone = member => ClusterConfiguration.Down(system!, member),
            })
            .AddDistNetCluster(node)).ConfigureAwait(false);
        system = host.System;
        IActorRef coordinator = host.Registry.Get<CoordinatorActor>();
        string control = ClusterConfiguration.ControlAddress(system);
        link.Open(coordinator, control, plane);
        observer?.OnListening(address, Address.Parse(control).Port ?? 0);
        await using CancellationTokenRegistration stop = cancellationToken.Register(() => coordinator.Tell(new StopRun(StopSignal.Cancellation)));
        RunOutcome outcome = await open.Ended.ConfigureAwait(false);
        await link.WhenEmptyAsync(Farewell).ConfigureAwait(false);
        foreach (AttendanceInfo left in plane.Attendances)
        {
            // It had not registered, or does not answer.
            plane.End(left.Id, outcome.Kind == RunOutcomeKind.Interrupted ? "the coordinator was stopped" : EndReasons.RunOver);
        }

        plane.Dispose();
        return outcome;
    }

    // All interfaces is no address that a worker could call.
    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static async Task<IPAddress> AddressOf(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return address;
        }

        try
        {
            return (await Dns.GetHostAddressesAsync(host).ConfigureAwait(false)).First();
        }
        catch (Exception error) when (error is SocketException or ArgumentException or InvalidOperationException)
        {
            throw DistNetException.Usage($"The host '{host}' to listen on has no address: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
