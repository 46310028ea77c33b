using System.Collections.Immutable;
using DistNet.Coordinator.Plane;
using DistNet.Plane.Tests.Grpc;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

/// <summary>The offer and the probe over a real liveness stream, and the choice that follows.</summary>
public sealed class AttendanceTests
{
    [Fact]
    public async Task Both_ends_choose_shared_memory_when_the_probe_holds()
    {
        using SharedMemoryFixture memory = new();
        await using PlaneBed bed = await PlaneBed.StartAsync(SharedMemoryFixture.Floats, sharedMemory: memory.Host);
        TestWorker worker = await bed.WorkerAsync();
        Assert.Equal("grpc", bed.Plane.TransportOf(worker.Id));
        Assert.False(bed.Plane.OrdersStand(worker.Id) || worker.Plane.OrdersStand);
        SharedMemoryPaths offer = Assert.IsType<SharedMemoryPaths>(worker.Attendance.Reply.SharedMemory);
        Assert.True(memory.TryOpen(offer, out SharedWorkerPlane? shared, out Guid proof, out string? reason), reason);

        Assert.True(await worker.Attendance.ProbeAsync(proof));

        Assert.Equal("shared memory", bed.Plane.TransportOf(worker.Id));
        Assert.Equal([offer.ParametersFile], memory.Files);
        using (shared)
        {
            Assert.True(shared!.OrdersStand && bed.Plane.OrdersStand(worker.Id));
            bed.Plane.LetStand(bed.Parameters.Handle.Version + 1);
            Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(later => shared.Stands(bed.Parameters.Handle.Version + later)));

            ParameterHandle parameters = shared!.Fetch(bed.Parameters.Handle.Version, default);
            Assert.Equal(bed.Parameters.Values.ToArray(), parameters.Values.ToArray());
            long next = bed.Overwrite(5);
            Assert.False(parameters.IsCurrent);
            Assert.Equal(bed.Parameters.Values.ToArray(), shared.Fetch(next, default).Values.ToArray());

            long ticket = SharedMemoryFixture.Deliver(shared, 2.5f);
            Assert.True(bed.Plane.TryTake(worker.Id, ticket, out GradientLease? lease));
            Assert.Equal(Enumerable.Repeat(2.5f, SharedMemoryFixture.Floats), lease.Values.ToArray());
            Assert.Equal([ticket], bed.Plane.Held(worker.Id));
            bed.Plane.End(worker.Id, "the test ends it");
            Assert.Equal(2.5f, lease.Values.Span[^1]);
            lease.Return();
            Assert.False(bed.Plane.TryTake(worker.Id, SharedMemoryFixture.Deliver(shared, 1), out _));
        }
    }

    [Fact]
    public async Task A_worker_that_cannot_open_the_files_stays_with_grpc_and_the_memory_is_given_back()
    {
        using SharedMemoryFixture memory = new();
        using SharedMemoryFixture elsewhere = new();
        await using PlaneBed bed = await PlaneBed.StartAsync(SharedMemoryFixture.Floats, sharedMemory: memory.Host);
        TestWorker worker = await bed.WorkerAsync();
        SharedMemoryPaths offer = worker.Attendance.Reply.SharedMemory!;
        Assert.False(elsewhere.TryOpen(offer, out _, out Guid proof, out _));
        Assert.Equal(2, memory.Files.Length);

        Assert.False(await worker.Attendance.ProbeAsync(proof));

        Assert.Equal([offer.ParametersFile], memory.Files);
        Assert.Equal("grpc", bed.Plane.TransportOf(worker.Id));
        ImmutableArray<AnsweredNode> nodes = await worker.DeliverAsync(worker.Fence(), 7);
        worker.Take(nodes[0].Ticket, 7);
    }

    [Fact]
    public async Task A_worker_that_waits_for_parameters_learns_that_its_session_is_over()
    {
        using SharedMemoryFixture memory = new();
        await using PlaneBed bed = await PlaneBed.StartAsync(SharedMemoryFixture.Floats, sharedMemory: memory.Host);
        TestWorker worker = await bed.WorkerAsync();
        Assert.True(memory.TryOpen(worker.Attendance.Reply.SharedMemory!, out SharedWorkerPlane? shared, out Guid proof, out string? reason, attendance: worker.Attendance), reason);
        using (shared)
        {
            Assert.True(await worker.Attendance.ProbeAsync(proof));
            long version = bed.Parameters.Handle.Version;
            Task<ParameterHandle> waits = OwnThread.Run("test-compute", () => shared!.Fetch(version + 1, CancellationToken.None));
            await PlaneBed.UntilAsync(() => shared!.Waiting == 1, "the worker waits");

            bed.Plane.End(worker.Id, "the test ends it");

            PlaneBrokenException broken = await Assert.ThrowsAsync<PlaneBrokenException>(() => waits.WaitAsync(PlaneBed.Patience));
            Assert.Contains("the test ends it", broken.Message, StringComparison.Ordinal);
            Assert.Throws<PlaneBrokenException>(() => shared!.Fetch(version + 1, CancellationToken.None));
            Assert.Equal(version, shared!.Fetch(version, CancellationToken.None).Version);
        }
    }

    [Fact]
    public async Task What_is_offered_to_a_worker_that_never_probes_goes_with_its_attendance()
    {
        using SharedMemoryFixture memory = new();
        await using PlaneBed bed = await PlaneBed.StartAsync(SharedMemoryFixture.Floats, sharedMemory: memory.Host);
        TestWorker worker = await bed.WorkerAsync();
        SharedMemoryPaths offer = worker.Attendance.Reply.SharedMemory!;
        await worker.Attendance.DisposeAsync();
        await PlaneBed.UntilAsync(() => memory.Files.Length == 1, "the offered file is gone");
        Assert.Equal([offer.ParametersFile], memory.Files);
    }
}
