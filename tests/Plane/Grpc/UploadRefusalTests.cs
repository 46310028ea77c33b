using DistNet.Protocol;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Gradients that must not count: each is answered, counted, and leaves no slot behind.</summary>
public sealed class UploadRefusalTests
{
    [Fact]
    public async Task A_ticket_that_comes_twice_is_received_once()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        using var raw = new RawPlane(bed);
        Chunk chunk = raw.Whole(worker.Id, 1);
        Assert.False((await raw.UploadAsync(chunk)).AlreadyReceived);
        Assert.True((await raw.UploadAsync(chunk)).AlreadyReceived);
        Assert.True(bed.Plane.TryTake(worker.Id, 1, out GradientLease? lease));
        Assert.False(bed.Plane.TryTake(worker.Id, 1, out _));
        Assert.Equal([1], bed.Plane.Held(worker.Id));
        Assert.True((await raw.UploadAsync(chunk)).AlreadyReceived);
        lease.Return();
        Assert.True((await raw.UploadAsync(chunk)).AlreadyReceived);
        Assert.False(bed.Plane.TryTake(worker.Id, 1, out _));
        Assert.Equal((1, 3, 0), (bed.Count("gradients received"), bed.Count("gradients received again"), bed.Plane.Pool.Outstanding));
    }

    [Fact]
    public async Task A_ticket_of_an_earlier_answer_need_not_come_again_and_what_nobody_took_is_dropped()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        await worker.DeliverAsync(worker.Fence(1), 1, 2);
        await worker.DeliverAsync(worker.Fence(2), 3);
        Assert.False(bed.Plane.TryTake(worker.Id, 1, out _));
        worker.Take(3, 3);
        using var raw = new RawPlane(bed);
        Assert.True((await raw.UploadAsync(raw.Whole(worker.Id, 2, first: 1, step: 2))).AlreadyReceived);
        Assert.Equal((2, 0), (bed.Count("gradients dropped untaken"), bed.Plane.Pool.Outstanding));
    }

    [Fact]
    public async Task A_session_has_no_more_gradients_here_than_its_slots_until_one_is_returned()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { Slots = 2 });
        TestWorker worker = await bed.WorkerAsync();
        await worker.DeliverAsync(worker.Fence(), 1, 2);
        Assert.True(bed.Plane.TryTake(worker.Id, 1, out GradientLease? first));
        Assert.True(bed.Plane.TryTake(worker.Id, 2, out GradientLease? second));
        using var raw = new RawPlane(bed);
        Assert.Equal(StatusCode.ResourceExhausted, (await raw.RefusedAsync(raw.Whole(worker.Id, 3))).StatusCode);

        Task waiting = worker.DeliverAsync(worker.Fence(), 3);
        await PlaneBed.UntilAsync(() => bed.Count("gradients refused: too many") >= 3, "the worker has tried again");
        Assert.False(waiting.IsCompleted);
        Assert.Equal(2, bed.Plane.Pool.Outstanding);
        first.Return();
        await waiting.WaitAsync(PlaneBed.Patience);
        second.Return();
        worker.Take(3, 3);
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
    }

    [Fact]
    public async Task Stale_fences_are_refused()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        using var raw = new RawPlane(bed);
        await raw.UploadAsync(raw.Whole(worker.Id, 5, session: 2, step: 7));
        Chunk[] stale =
        [
            raw.Whole(worker.Id, 6, session: 2, step: 6),
            raw.Whole(worker.Id, 6, session: 1, step: 7),
            raw.Whole(worker.Id, 6, session: 2, step: 7),
            raw.Whole(worker.Id, 6, session: 2, step: 7),
        ];
        stale[2].Upload.Term--;
        stale[3].Upload.Run = ByteString.CopyFrom(new byte[16]);
        foreach (Chunk chunk in stale)
        {
            Assert.Equal(StatusCode.Aborted, (await raw.RefusedAsync(chunk)).StatusCode);
        }

        Assert.Equal(4, bed.Count("gradients refused: stale fence"));
        Assert.True(bed.Plane.TryTake(worker.Id, 5, out GradientLease? lease));
        lease.Return();

        // Our own worker is told that nobody waits for it, and goes on.
        await worker.DeliverAsync(worker.Fence(step: 1), 1);
        Assert.Equal(0, worker.Pool.Outstanding);
    }

    [Fact]
    public async Task Wrong_chunks_are_refused_and_leave_no_slot()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        using var raw = new RawPlane(bed);
        Chunk Changed(Action<Chunk> change)
        {
            Chunk chunk = raw.Whole(worker.Id, 1);
            change(chunk);
            return chunk;
        }

        (StatusCode Code, Chunk[] Chunks)[] wrong =
        [
            (StatusCode.DataLoss, [Changed(chunk => chunk.Checksum++)]),
            (StatusCode.InvalidArgument, []),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Data = ByteString.Empty)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Total++)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Offset = -1)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Offset = long.MaxValue)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Upload = null)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Upload.Run = ByteString.CopyFrom(1, 2, 3))]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Upload.Ticket = 0)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Upload.FirstTicket = 2)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Upload.Ticket = long.MaxValue)]),
            (StatusCode.InvalidArgument, [Changed(chunk => chunk.Data = ByteString.CopyFrom(new byte[WireLimits.ChunkBytes + 1]))]),
            (StatusCode.InvalidArgument, [raw.Whole(worker.Id, 1), raw.Whole(worker.Id, 1)]),
            (StatusCode.PermissionDenied, [Changed(chunk => chunk.Upload.Attendance = ByteString.Empty)]),
            (StatusCode.PermissionDenied, [raw.Whole(Guid.NewGuid(), 1)]),
        ];
        foreach ((StatusCode code, Chunk[] chunks) in wrong)
        {
            RpcException refused = await raw.RefusedAsync(chunks);
            Assert.True(code == refused.StatusCode, $"{refused.Status} for {string.Join(" ", chunks.Select(chunk => chunk.Upload))}");
        }

        Assert.Equal((1, 12), (bed.Count("gradients refused: checksum"), bed.Count("gradients refused: wrong chunk")));
        Assert.Equal(2, bed.Count("refused: not attending"));
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
        await worker.DeliverAsync(worker.Fence(), 4);
        worker.Take(1, 4);
    }

    [Fact]
    public async Task A_truncated_upload_is_refused_and_one_that_breaks_off_leaves_no_slot()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        using var raw = new RawPlane(bed);
        Chunk half = raw.Whole(worker.Id, 1);
        half.Data = ByteString.CopyFrom(half.Data.Span[..2000]);
        half.Checksum = System.IO.Hashing.XxHash3.HashToUInt64(half.Data.Span);
        Assert.Equal(StatusCode.InvalidArgument, (await raw.RefusedAsync(half)).StatusCode);

        using (AsyncClientStreamingCall<Chunk, Receipt> call = raw.Upload())
        {
            await call.RequestStream.WriteAsync(half);
            await PlaneBed.UntilAsync(() => bed.Plane.Pool.Outstanding == 1, "the upload has its slot");
        }

        await PlaneBed.UntilAsync(() => bed.Plane.Pool.Outstanding == 0, "the broken upload has given its slot back");
        Assert.Equal(2, bed.Count("gradients broken off"));
    }

    [Fact]
    public async Task A_message_above_the_limit_is_not_read()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 10_000_000);
        TestWorker worker = await bed.WorkerAsync();
        using var raw = new RawPlane(bed);
        Assert.Equal(StatusCode.ResourceExhausted, (await raw.RefusedAsync(raw.Whole(worker.Id, 1))).StatusCode);
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
    }

    [Fact]
    public async Task A_gradient_of_an_attendance_that_is_over_is_refused_and_its_memory_given_back()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        await worker.DeliverAsync(worker.Fence(), 1, 2);
        Assert.True(bed.Plane.TryTake(worker.Id, 1, out GradientLease? taken));
        bed.Plane.End(worker.Id, "It is replaced.");
        Assert.Equal("The attendance is over: It is replaced", await worker.Attendance.Ended.WaitAsync(PlaneBed.Patience));
        Assert.Equal(1, bed.Plane.Pool.Outstanding);
        Assert.False(bed.Plane.TryTake(worker.Id, 2, out _));
        Assert.All(taken.Values.ToArray().Take(3).Zip([1f, 32f, 63f]), pair => Assert.Equal(pair.Second, pair.First));
        taken.Return();
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
        await Assert.ThrowsAsync<PlaneBrokenException>(() => worker.DeliverAsync(worker.Fence(), 3));
        await Assert.ThrowsAsync<PlaneBrokenException>(() => worker.FetchAsync(bed.Parameters.Handle.Version));
        Assert.Equal(0, worker.Pool.Outstanding);
        using var raw = new RawPlane(bed);
        Assert.Equal(StatusCode.PermissionDenied, (await raw.RefusedAsync(raw.Whole(worker.Id, 3))).StatusCode);
    }
}
