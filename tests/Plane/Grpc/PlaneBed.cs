using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using DistNet.Cluster.Tests;
using DistNet.Coordinator.Plane;
using DistNet.Data;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Security;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>A coordinator's plane that is served on loopback, with its parameters and its owner's ear.</summary>
internal sealed class PlaneBed : IPlaneOwner, IPlaneContent, IAsyncDisposable
{
    public const int Term = 3;
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<PlaneClient> clients = [];
    private readonly AlignedBuffer parameters;

    private PlaneBed(PlaneSettings settings, ISharedMemoryHost? sharedMemory)
    {
        Settings = settings;
        parameters = new AlignedBuffer(settings.ArenaLength);
        Fill(parameters.Span, 1);
        Parameters = new VersionedParameters(parameters.Memory, Term);
        Plane = new CoordinatorPlane(settings, this, this, sharedMemory);
    }

    public PlaneSettings Settings { get; }

    public VersionedParameters Parameters { get; }

    public CoordinatorPlane Plane { get; }

    public PlaneServer Server { get; private set; } = null!;

    public byte[] File { get; init; } = [];

    public ConcurrentQueue<AttendanceInfo> AttendedWorkers { get; } = [];

    public ConcurrentQueue<(Guid Attendance, WorkerActivity Activity)> Beats { get; } = [];

    public ConcurrentQueue<(Guid Attendance, ShardDone Answer)> Answers { get; } = [];

    public ConcurrentQueue<(Guid Attendance, string Reason)> Endings { get; } = [];

    public ConcurrentQueue<string> Refusals { get; } = [];

    public string? ControlAddress { get; set; } = "akka.tcp://distnet@127.0.0.1:1";

    public RunDescription Description => new(
        Settings.Run,
        Term,
        """{"model": [1]}""",
        new DataDescription(
            [new DataFileInfo("data.train", "digits.csv", "../digits.csv", File.Length, Convert.ToHexStringLower(SHA256.HashData(File)))],
            new string('a', 64),
            new NormalizationStatistics(NormalizeMode.Feature, [1f, -2.5f], [0f, 3f])),
        new string('b', 64),
        Settings.ArenaLength,
        Settings.Slots);

    public static async Task<PlaneBed> StartAsync(
        int arenaLength = 1000,
        Func<PlaneSettings, PlaneSettings>? change = null,
        TlsFiles? tls = null,
        byte[]? file = null,
        ISharedMemoryHost? sharedMemory = null)
    {
        var settings = new PlaneSettings { Run = RunId.Create(), Term = Term, ArenaLength = arenaLength, Slots = 4 };
        var bed = new PlaneBed(change?.Invoke(settings) ?? settings, sharedMemory) { File = file ?? [] };
        bed.Plane.Publish(bed.Parameters.Handle);
        bed.Server = await PlaneServer.StartAsync(bed.Plane, new IPEndPoint(IPAddress.Loopback, 0), tls);
        return bed;
    }

    public static WorkerHello Hello(string name = "w1", JoinToken? token = null) =>
        new() { Worker = new WorkerId(name), ProcessNonce = Guid.NewGuid(), Threads = 1, Token = token };

    public static void Fill(Span<float> values, int seed)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (i * 31 % 1009) + seed;
        }
    }

    public PlaneClient Client(TlsFiles? tls = null, TimeSpan? silence = null)
    {
        var client = new PlaneClient("127.0.0.1", Server.Endpoint.Port, tls) { Silence = silence ?? WireLimits.Silence };
        clients.Add(client);
        return client;
    }

    public async Task<TestWorker> WorkerAsync(string name = "w1")
    {
        PlaneClient client = Client();
        WorkerAttendance attendance = await client.AttendAsync(Hello(name, Settings.Token), () => default);
        return new TestWorker(this, client, attendance, new GradientPool(Settings.ArenaLength));
    }

    /// <summary>A new version of the parameters, published.</summary>
    public long Overwrite(int seed)
    {
        Parameters.BeginOverwrite();
        Fill(parameters.Span, seed);
        Parameters.EndOverwrite();
        Plane.Publish(Parameters.Handle);
        return Parameters.Handle.Version;
    }

    /// <summary>Overwrites without publishing: what is being sent is gone.</summary>
    public void BeginOverwrite() => Parameters.BeginOverwrite();

    public long Count(string name) => Plane.Counts.FirstOrDefault(counter => counter.Name == name).Value;

    /// <summary>Waits for a state, bounded.</summary>
    public static Task UntilAsync(Func<bool> holds, string what) => Poll.Until(holds, () => what);

    void IPlaneOwner.Attended(AttendanceInfo attendance) => AttendedWorkers.Enqueue(attendance);

    void IPlaneOwner.Heard(Guid attendance, WorkerActivity activity)
    {
        if (Beats.Count < 10_000)
        {
            Beats.Enqueue((attendance, activity));
        }
    }

    void IPlaneOwner.Answered(Guid attendance, ShardDone answer) => Answers.Enqueue((attendance, answer));

    void IPlaneOwner.Ended(Guid attendance, string reason) => Endings.Enqueue((attendance, reason));

    void IPlaneOwner.Refused(string sentence) => Refusals.Enqueue(sentence);

    Task<RunDescription> IPlaneContent.DescribeAsync() => Task.FromResult(Description);

    Task<Stream> IPlaneContent.OpenDataAsync(string sha256, long offset)
    {
        if (sha256 != Convert.ToHexStringLower(SHA256.HashData(File)))
        {
            throw DistNetException.BadInput("The run has no data file with the SHA-256 asked for.");
        }

        return Task.FromResult<Stream>(new MemoryStream(File) { Position = offset });
    }

    ClusterStatus IPlaneContent.Status() => new(
        Settings.Run, Term, "training", "training", 5, 10, 1, 2, 100.5, double.NaN, "waiting for w2: [1, 2)",
        [.. Plane.Attendances.Select(a => new ClusterWorker(
            a.Worker, a.Host, a.ProcessId, a.Threads, Plane.TransportOf(a.Id), 1, new SliceRange(1, 2), 0.5, new WorkerActivity(ActivityKind.Computing, 5, new SliceRange(1, 2), 0.25), 0.1, 12, ["late"], 0))],
        Plane.Counts,
        1.5);

    public async ValueTask DisposeAsync()
    {
        foreach (PlaneClient client in clients)
        {
            client.Dispose();
        }

        Plane.Dispose();
        await Server.DisposeAsync();
    }
}

/// <summary>A worker's end, as its compute thread would use it.</summary>
internal sealed record TestWorker(PlaneBed Bed, PlaneClient Client, WorkerAttendance Attendance, GradientPool Pool)
{
    public GrpcWorkerPlane Plane { get; } = new(Client, Attendance, Pool);

    public Guid Id => Attendance.Reply.Id;

    public Fence Fence(long step = 1, long session = 1) => new(Bed.Settings.Run, PlaneBed.Term, RunPhase.Training, step, session);

    /// <summary>An answer with gradients of some seeds.</summary>
    public ShardResult Answer(params int[] seeds)
    {
        var nodes = ImmutableArray.CreateBuilder<ShardNode>();
        foreach (int seed in seeds)
        {
            GradientLease lease = Plane.Lease();
            PlaneBed.Fill(lease.Values.Span, seed);
            nodes.Add(new ShardNode(new SumNode(0, seed), default, lease));
        }

        return new ShardResult(nodes.ToImmutable());
    }

    public Task<ImmutableArray<AnsweredNode>> DeliverAsync(Fence fence, params int[] seeds)
    {
        ShardResult answer = Answer(seeds);
        return OwnThread.Run("test-compute", () => Plane.Deliver(fence, answer));
    }

    public Task<ParameterHandle> FetchAsync(long version, CancellationToken unwanted = default) =>
        OwnThread.Run("test-compute", () => Plane.Fetch(version, unwanted));

    public void Take(long ticket, int seed)
    {
        Assert.True(Bed.Plane.TryTake(Id, ticket, out GradientLease? lease));
        float[] expected = new float[Bed.Settings.ArenaLength];
        PlaneBed.Fill(expected, seed);
        Assert.Equal(expected, lease.Values.ToArray());
        lease.Return();
    }
}
