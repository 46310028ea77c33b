using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Grpc.Core;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Strangers cost neither the run's numbers nor the coordinator's memory. No other test runs beside these, whose memory would count too; what waits to be collected does not.</summary>
[Collection(nameof(HostileInputTests))]
[CollectionDefinition(nameof(HostileInputTests), DisableParallelization = true)]
public sealed class HostileInputTests
{
    private const int Connections = 3000;
    private const int AtOnce = 150;
    private const long MemoryBound = 96L << 20;
    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    [Fact]
    public async Task Thousands_of_connections_with_anything_change_nothing_for_a_good_worker()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 200_001);
        TestWorker worker = await bed.WorkerAsync();
        await RoundTripAsync(bed, worker, 0);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        using var stop = new CancellationTokenSource();
        Task<int> good = GoodWorkAsync(bed, worker, stop.Token);
        var random = new Random(7);
        for (int at = 0; at < Connections; at += AtOnce)
        {
            Task[] attacks = [.. Enumerable.Range(at, AtOnce).Select(number => AttackAsync(bed, number, random.Next()))];
            await Task.WhenAll(attacks);
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true));
        }

        await stop.CancelAsync();
        int steps = await good;
        Assert.True(steps > 0);
        await PlaneBed.UntilAsync(() => bed.Count("connections without a call") >= Connections / 2, "the garbage was counted");
        Assert.True(bed.Count("connections") >= Connections);
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
        Assert.False(worker.Attendance.Ended.IsCompleted);
        Assert.Empty(bed.Endings);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(most - before < MemoryBound && after - before < MemoryBound, $"managed memory before {before}, at most {most}, after {after}");
    }

    [Fact]
    public async Task Uploads_that_stay_open_hold_no_more_than_the_session_s_slots()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 1_000_000);
        TestWorker hostile = await bed.WorkerAsync("hostile");
        TestWorker good = await bed.WorkerAsync("good");
        List<AsyncClientStreamingCall<Chunk, Receipt>> hanging = [];
        List<RawPlane> clients = [];
        for (int i = 0; i < 60; i++)
        {
            var raw = new RawPlane(bed);
            clients.Add(raw);
            Chunk chunk = raw.Whole(hostile.Id, ticket: i + 1, first: 1);
            chunk.Data = Google.Protobuf.ByteString.CopyFrom(chunk.Data.Span[..1000]);
            chunk.Checksum = System.IO.Hashing.XxHash3.HashToUInt64(chunk.Data.Span);
            AsyncClientStreamingCall<Chunk, Receipt> call = raw.Upload();
            hanging.Add(call);
            await call.RequestStream.WriteAsync(chunk);
        }

        await PlaneBed.UntilAsync(() => bed.Count("gradients refused: too many") == 60 - bed.Settings.Slots, "all but the slots were refused");
        Assert.Equal(bed.Settings.Slots, bed.Plane.Pool.Outstanding);
        await RoundTripAsync(bed, good, 1);

        // The session's end frees them, whatever its connections do.
        bed.Plane.End(hostile.Id, "It is set aside.");
        await PlaneBed.UntilAsync(() => bed.Plane.Pool.Outstanding == 0, "the slots are free");
        hanging.ForEach(call => call.Dispose());
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Readers_that_do_not_read_are_cut_off_and_cost_no_memory()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 16_000_000, settings => settings with { Transfer = TimeSpan.FromMilliseconds(300) });
        using var raw = new RawPlane(bed);
        TestWorker worker = await bed.WorkerAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        List<AsyncServerStreamingCall<Chunk>> unread = [];
        for (int i = 0; i < 8; i++)
        {
            AsyncServerStreamingCall<Chunk> call = raw.Fetch(worker.Id, bed.Parameters.Handle.Version);
            unread.Add(call);
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        }

        await PlaneBed.UntilAsync(() => bed.Count("parameters not taken in time") == 8, "all were cut off");
        long after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(after - before < MemoryBound, $"managed memory before {before}, after {after}");
        unread.ForEach(call => call.Dispose());
        Assert.False(worker.Attendance.Ended.IsCompleted);
    }

    [Fact]
    public async Task One_attendance_has_a_bounded_number_of_calls_however_many_connections_it_opens()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(arenaLength: 4_000_000);
        TestWorker worker = await bed.WorkerAsync();
        List<(RawPlane Client, AsyncServerStreamingCall<Chunk> Call)> open = [];
        for (int i = 0; i < Protocol.WireLimits.CallsPerAttendance; i++)
        {
            var raw = new RawPlane(bed);
            open.Add((raw, raw.Fetch(worker.Id, bed.Parameters.Handle.Version)));
            Assert.True(await open[^1].Call.ResponseStream.MoveNext(CancellationToken.None));
        }

        using (var raw = new RawPlane(bed))
        {
            using AsyncServerStreamingCall<Chunk> further = raw.Fetch(worker.Id, bed.Parameters.Handle.Version);
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => further.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        }

        open.ForEach(one => one.Client.Dispose());
        Assert.True((await worker.FetchAsync(bed.Parameters.Handle.Version).WaitAsync(PlaneBed.Patience)).IsCurrent);
    }

    [Fact]
    public async Task Calls_without_an_attendance_are_refused_at_once()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(file: [1]);
        using var raw = new RawPlane(bed);
        using Worker.Plane.PlaneClient client = bed.Client();
        Guid stranger = Guid.NewGuid();
        await Assert.ThrowsAsync<Worker.Plane.PlaneRefusedException>(() => client.DescribeAsync(stranger));
        await Assert.ThrowsAsync<Protocol.PlaneBrokenException>(() => client.AllDataAsync(stranger, new string('0', 64), 0));
        using AsyncServerStreamingCall<Chunk> fetch = raw.Fetch(stranger, bed.Parameters.Handle.Version);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => fetch.ResponseStream.MoveNext(CancellationToken.None))).StatusCode);
        Assert.Equal(3, bed.Count("refused: not attending"));
        Assert.Single(bed.Refusals);
    }

    private static async Task<int> GoodWorkAsync(PlaneBed bed, TestWorker worker, CancellationToken stop)
    {
        int steps = 1;
        while (!stop.IsCancellationRequested)
        {
            await RoundTripAsync(bed, worker, steps++);
        }

        return steps;
    }

    private static async Task RoundTripAsync(PlaneBed bed, TestWorker worker, int step)
    {
        ParameterHandle handle = await worker.FetchAsync(bed.Overwrite(step));
        Assert.True(handle.IsCurrent);
        Assert.True(handle.Values.Span.SequenceEqual(bed.Parameters.Values.Span));
        ImmutableArray<AnsweredNode> nodes = await worker.DeliverAsync(worker.Fence(step), step + 5, step + 6);
        worker.Take(nodes[0].Ticket, step + 5);
        worker.Take(nodes[1].Ticket, step + 6);
        Assert.True(bed.Plane.Pool.Outstanding <= bed.Settings.Slots);
    }

    // One connection of one kind, closed by whichever side is first.
    private static async Task AttackAsync(PlaneBed bed, int number, int seed)
    {
        var random = new Random(seed);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(PlaneBed.Patience);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, bed.Server.Endpoint.Port), limit.Token);
            foreach (byte[] piece in Pieces(number % 8, random))
            {
                await socket.SendAsync(piece, SocketFlags.None, limit.Token);
            }

            socket.Shutdown(SocketShutdown.Send);
            byte[] answer = new byte[4096];
            while (await socket.ReceiveAsync(answer, SocketFlags.None, limit.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Cut off.
        }
    }

    private static IEnumerable<byte[]> Pieces(int kind, Random random)
    {
        byte[] noise = new byte[random.Next(1, 5000)];
        random.NextBytes(noise);
        return kind switch
        {
            0 => [noise],
            1 => [Preface, noise],
            2 => [Preface, Frame(4, 0, 0, []), noise], // settings, then noise
            3 => [Preface, Frame(4, 0, 0, []), Frame(1, 4, 1, noise)], // headers that no table decodes
            4 => [Preface, Frame(4, 0, 0, []), .. Enumerable.Repeat(Frame(9, 0, 1, new byte[16_000]), 20)], // continuations of nothing
            5 => [Preface, Frame(4, 0, 0, []), Frame(1, 0, 1, [0x83, 0x86]), .. Enumerable.Repeat(Frame(9, 0, 1, HugeHeader()), 8)], // headers without end
            6 => [Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\nX: "), new byte[100_000]],
            _ => [Preface, Frame(4, 0, 0, [])[..5]], // a truncated frame
        };
    }

    private static byte[] HugeHeader()
    {
        // A literal header field: name of one byte, value of 12,000.
        byte[] header = new byte[12_006];
        (header[1], header[2], header[3], header[4], header[5]) = (1, (byte)'x', 0x7F, 0xE1, 0x5C);
        return header;
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }
}
