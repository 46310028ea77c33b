using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Security;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Grpc.Core;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Who may attend, what both ends hear of each other, and how an attendance ends.</summary>
public sealed class AttendanceTests
{
    [Fact]
    public async Task A_worker_that_attends_is_told_of_the_run_and_beats()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { BeatInterval = TimeSpan.FromMilliseconds(5) });
        using PlaneClient client = bed.Client();
        var activity = new WorkerActivity(Runs.ActivityKind.Uploading, 4, new SliceRange(2, 3), 0.5);
        await using WorkerAttendance attendance = await client.AttendAsync(PlaneBed.Hello("w9"), () => activity);
        Assert.Equal((bed.Settings.Run, PlaneBed.Term, bed.ControlAddress), (attendance.Reply.Run, attendance.Reply.Term, attendance.Reply.ControlAddress));
        Assert.Null(attendance.Reply.SharedMemory);
        Assert.True(bed.Plane.IsLive(attendance.Reply.Id));
        Assert.False(bed.Plane.IsLive(Guid.NewGuid()));
        Assert.Equal((Environment.MachineName, "grpc"), (bed.Plane.HostOf(attendance.Reply.Id), bed.Plane.TransportOf(attendance.Reply.Id)));
        await PlaneBed.UntilAsync(() => bed.Beats.Count >= 3, "three beats were heard");
        Assert.All(bed.Beats, beat => Assert.Equal((attendance.Reply.Id, activity), beat));
        Assert.False(attendance.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_worker_that_leaves_ends_its_attendance_at_once()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        await worker.Attendance.DisposeAsync();
        await PlaneBed.UntilAsync(() => !bed.Endings.IsEmpty, "the end was told");
        Assert.Equal([(worker.Id, "it left")], bed.Endings);
        Assert.False(bed.Plane.IsLive(worker.Id));
        Assert.True(worker.Attendance.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_broken_connection_ends_the_attendance_at_once()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        worker.Client.Dispose();
        await PlaneBed.UntilAsync(() => !bed.Endings.IsEmpty, "the end was told");
        Assert.Equal([(worker.Id, "its connection broke")], bed.Endings);
        await worker.Attendance.Ended.WaitAsync(PlaneBed.Patience);
    }

    [Fact]
    public async Task A_coordinator_that_stops_says_so()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        bed.Plane.Dispose();
        Assert.Equal("The attendance is over: the coordinator stops", await worker.Attendance.Ended.WaitAsync(PlaneBed.Patience));
        PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => bed.WorkerAsync("w2"));
        Assert.Equal((PlaneRefusalKind.TryAgain, "The coordinator stops."), (refused.Kind, refused.Message));
    }

    [Fact]
    public async Task A_silent_worker_loses_its_attendance()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(
            change: settings => settings with { BeatInterval = TimeSpan.FromMilliseconds(5), Silence = TimeSpan.FromMilliseconds(50) });
        using var raw = new RawPlane(bed);
        using AsyncDuplexStreamingCall<AttendRequest, AttendReply> call = raw.Calls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
        await call.RequestStream.WriteAsync(new AttendRequest { Hello = Hello() });
        RpcException ended = await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call));
        Assert.Equal("The attendance is over: it was silent for 0.1 s.", ended.Status.Detail);
        Assert.Contains("silent", Assert.Single(bed.Endings).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_coordinator_loses_its_worker()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { BeatInterval = TimeSpan.FromSeconds(20), Silence = TimeSpan.FromSeconds(100) });
        using PlaneClient client = bed.Client(silence: TimeSpan.FromSeconds(20));

        // The reply tells 20 s; the worker that is made here counts beats of 5 ms.
        var call = new RawPlane(bed).Calls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
        await call.RequestStream.WriteAsync(new AttendRequest { Hello = Hello() });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        AttendanceReply reply = WorkerAttendance.Read(call.ResponseStream.Current.Attended) with { BeatInterval = TimeSpan.FromMilliseconds(5) };
        await using var attendance = new WorkerAttendance(call, reply, () => default, TimeSpan.FromMilliseconds(50));
        attendance.Start();
        Assert.Equal("the coordinator was silent for 0.1 s", await attendance.Ended.WaitAsync(PlaneBed.Patience));
        Assert.True(attendance.Over.IsCancellationRequested);
    }

    [Fact]
    public async Task A_name_is_one_process_at_a_time_and_a_process_that_comes_back_replaces_itself()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        using PlaneClient client = bed.Client();
        WorkerHello hello = PlaneBed.Hello("w1");
        WorkerAttendance first = await client.AttendAsync(hello, () => default);
        PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello("w1"), () => default));
        Assert.Equal(PlaneRefusalKind.TryAgain, refused.Kind);
        Assert.Contains("Another worker named 'w1'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Another worker named 'w1'", Assert.Single(bed.Refusals), StringComparison.Ordinal);

        WorkerAttendance second = await client.AttendAsync(hello, () => default);
        Assert.Contains("attends anew", await first.Ended.WaitAsync(PlaneBed.Patience), StringComparison.Ordinal);
        Assert.True(bed.Plane.IsLive(second.Reply.Id));
        Assert.False(bed.Plane.IsLive(first.Reply.Id));
        await second.DisposeAsync();
        await PlaneBed.UntilAsync(() => bed.Endings.Count == 2, "both ends were told");
        await using WorkerAttendance other = await client.AttendAsync(PlaneBed.Hello("w1"), () => default);
        Assert.Equal(1, bed.Count("refused: name in use"));
    }

    [Fact]
    public async Task The_token_is_asked_for_and_never_shown()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { Token = Token("correct-horse-battery") });
        using PlaneClient client = bed.Client();
        foreach ((string? secret, string sentence) in new[] { (null, "needs a join token"), ("wrong-horse-battery!", "not that of this run"), (new string('x', 500), "not that of this run") })
        {
            JoinToken? token = secret is null ? null : Token(secret);
            PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello("w1", token), () => default));
            Assert.Equal(PlaneRefusalKind.ForGood, refused.Kind);
            Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
            PlaneRefusedException status = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.StatusAsync(token));
            Assert.Equal(PlaneRefusalKind.ForGood, status.Kind);
        }

        await using WorkerAttendance attendance = await client.AttendAsync(PlaneBed.Hello("w1", Token("correct-horse-battery")), () => default);
        Assert.Equal(PlaneBed.Term, (await client.StatusAsync(Token("correct-horse-battery"))).Term);
        Assert.Equal(6, bed.Count("refused: token"));
        string told = Assert.Single(bed.Refusals);
        Assert.Contains("'w1'", told, StringComparison.Ordinal);
        Assert.DoesNotContain("horse", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_protocol_version_and_messages_that_cannot_be_are_refused_for_good()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        using PlaneClient client = bed.Client();
        WorkerHello[] wrong =
        [
            PlaneBed.Hello(""), PlaneBed.Hello("a\nb"), PlaneBed.Hello(new string('n', 200)), PlaneBed.Hello() with { Threads = 0 },
            PlaneBed.Hello() with { Host = "\u0007" }, PlaneBed.Hello() with { ProcessId = -1 },
        ];
        foreach (WorkerHello hello in wrong)
        {
            PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(hello, () => default));
            Assert.Equal(PlaneRefusalKind.ForGood, refused.Kind);
        }

        Assert.Equal(wrong.Length, bed.Count("refused: not a message of ours"));
        using var raw = new RawPlane(bed);
        Hello old = Hello();
        old.ProtocolVersion++;
        Assert.Contains($"version {WireLimits.ProtocolVersion + 1} of the protocol", (await RefusedAsync(raw, new AttendRequest { Hello = old })).Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(raw, new AttendRequest { Beat = new WorkerBeat() })).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(raw, new AttendRequest())).StatusCode);
        Hello longToken = Hello();
        longToken.Token = new string('t', 5000);
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync(raw, new AttendRequest { Hello = longToken })).StatusCode);
    }

    [Fact]
    public async Task A_coordinator_that_is_not_ready_and_one_that_is_full_are_tried_again()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { Attendances = 2, AttendancesPerAddress = 1, AttemptsPerAddress = 4, AttemptWindow = TimeSpan.FromHours(1) });
        using PlaneClient client = bed.Client();
        string? address = bed.ControlAddress;
        bed.ControlAddress = null;
        PlaneRefusedException starting = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello(), () => default));
        Assert.Equal((PlaneRefusalKind.TryAgain, "The coordinator is starting."), (starting.Kind, starting.Message));
        bed.ControlAddress = address;
        await using WorkerAttendance one = await client.AttendAsync(PlaneBed.Hello("w1"), () => default);
        PlaneRefusedException full = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello("w2"), () => default));
        Assert.Equal(PlaneRefusalKind.TryAgain, full.Kind);
        await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello("w3"), () => default));
        PlaneRefusedException tooOften = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello("w1"), () => default));
        Assert.Contains("Too many attempts", tooOften.Message, StringComparison.Ordinal);
        Assert.Equal(3, bed.Count("refused: too many"));
    }

    [Fact]
    public async Task Who_opens_the_stream_and_says_nothing_is_dropped_and_may_try_again()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(change: settings => settings with { Hello = TimeSpan.FromMilliseconds(20) });
        using var raw = new RawPlane(bed);
        using AsyncDuplexStreamingCall<AttendRequest, AttendReply> call = raw.Calls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
        RpcException dropped = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        PlaneRefusedException refused = PlaneRefusedException.From(dropped, "127.0.0.1:1", certificateRefusal: null);
        Assert.Equal((PlaneRefusalKind.TryAgain, "No Hello came in time."), (refused.Kind, refused.Message));
        Assert.Equal(1, bed.Count("refused: no hello in time"));
    }

    [Fact]
    public async Task A_wrong_message_ends_an_attendance_with_its_reason()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        using var raw = new RawPlane(bed);
        Activity[] wrong = [new() { Kind = (Protocol.Wire.ActivityKind)77 }, new() { Seconds = double.NaN }, new() { FirstSlice = int.MaxValue, SliceCount = 1 }, new() { Step = -1 }];
        for (int i = 0; i < wrong.Length; i++)
        {
            using AsyncDuplexStreamingCall<AttendRequest, AttendReply> call = raw.Calls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
            await call.RequestStream.WriteAsync(new AttendRequest { Hello = Hello() });
            await call.RequestStream.WriteAsync(new AttendRequest { Beat = new WorkerBeat { Activity = wrong[i] } });
            RpcException ended = await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call));
            Assert.Contains("it sent a wrong message", ended.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(i + 1, bed.Endings.Count);
        }
    }

    [Fact]
    public async Task No_coordinator_at_the_address_is_told_as_such()
    {
        int port;
        await using (PlaneBed bed = await PlaneBed.StartAsync())
        {
            port = bed.Server.Endpoint.Port;
        }

        using var client = new PlaneClient("127.0.0.1", port);
        PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(() => client.AttendAsync(PlaneBed.Hello(), () => default));
        Assert.Equal(PlaneRefusalKind.Unreachable, refused.Kind);
        Assert.StartsWith($"No coordinator answers at 127.0.0.1:{port}: ", refused.Message, StringComparison.Ordinal);
    }

    private static JoinToken Token(string secret) => JoinToken.Read(file: null, secret)!;

    private static Hello Hello() => new()
    {
        ProtocolVersion = WireLimits.ProtocolVersion,
        Worker = "raw",
        Host = "here",
        Threads = 1,
        ProcessNonce = WireChecks.Bytes(Guid.NewGuid()),
    };

    private static async Task ToTheEndAsync(AsyncDuplexStreamingCall<AttendRequest, AttendReply> call)
    {
        using var limit = new CancellationTokenSource(PlaneBed.Patience);
        while (await call.ResponseStream.MoveNext(limit.Token))
        {
        }
    }

    private static async Task<RpcException> RefusedAsync(RawPlane raw, AttendRequest first)
    {
        using AsyncDuplexStreamingCall<AttendRequest, AttendReply> call = raw.Calls.AsyncDuplexStreamingCall(TensorPlaneMethods.Attend, null, default);
        await call.RequestStream.WriteAsync(first);
        return await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call));
    }
}
