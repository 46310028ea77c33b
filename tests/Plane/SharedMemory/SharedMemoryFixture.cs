using System.Net;
using DistNet.Coordinator.Plane;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

/// <summary>Both ends of shared memory in one process: each maps the files for itself, as two processes would. The folder is the test's own, beside the real ones.</summary>
internal sealed class SharedMemoryFixture : IDisposable
{
    public const int Floats = 5000;

    public SharedMemoryFixture(int slots = 3)
    {
        Folder = Path.Combine(SharedMemoryFolder.Default, $"distnet-tests-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Folder);
        if (!SharedMemoryHost.TryCreate(Run, 7, Sizes(slots), out SharedMemoryHost? host, out string? sentence, folder: Folder))
        {
            Directory.Delete(Folder);
            Assert.Fail(sentence);
        }

        Host = host;
    }

    /// <summary>Sizes of no real model.</summary>
    public static SharedMemorySizes Sizes(int slots = 3, int floats = Floats) => new(floats, slots);

    public RunId Run { get; } = RunId.Create();

    public string Folder { get; }

    public SharedMemoryHost Host { get; }

    public string[] Files => [.. Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)!).Order()];

    public SharedSession Offer() => Assert.IsType<SharedSession>(Host.Offer(Guid.NewGuid(), threads: 1));

    public bool TryOpen(
        SharedMemoryPaths offer, out SharedWorkerPlane? plane, out Guid proof, out string? reason, SharedMemorySizes? sizes = null, WorkerAttendance? attendance = null) =>
        SharedMemoryClient.TryOpen(offer, sizes ?? Sizes(), out plane, out proof, out reason, Folder, attendance);

    /// <summary>A session of which both ends know that they share memory.</summary>
    public (SharedSession Coordinator, SharedWorkerPlane Worker) Open()
    {
        SharedSession session = Offer();
        Assert.True(TryOpen(session.Paths, out SharedWorkerPlane? plane, out Guid proof, out string? reason), reason);
        Assert.Same(session, session.Accept(proof));
        return (session, plane!);
    }

    public static ShardResult Result(params (SumNode Node, GradientLease? Lease)[] nodes) =>
        new([.. nodes.Select(node => new ShardNode(node.Node, new NodeMetrics(node.Node.Index, 1, 1, 0), node.Lease))]);

    public static GradientLease Lease(SharedWorkerPlane plane, float value)
    {
        GradientLease lease = plane.Lease();
        lease.Values.Span.Fill(value);
        return lease;
    }

    /// <summary>Writes a gradient and delivers it; its ticket.</summary>
    public static long Deliver(SharedWorkerPlane plane, float value) => plane.Deliver(default, Result((new SumNode(0, 0), Lease(plane, value))))[0].Ticket;

    public void Dispose()
    {
        Host.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
