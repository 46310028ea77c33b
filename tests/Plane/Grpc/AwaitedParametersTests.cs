using DistNet.Protocol;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using Grpc.Core;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>A worker asks over gRPC for parameters that do not exist yet: the coordinator holds the call.</summary>
public sealed class AwaitedParametersTests
{
    [Fact]
    public async Task Workers_get_the_version_that_is_published_while_they_wait()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(100_000);
        TestWorker[] workers = [await bed.WorkerAsync("w1"), await bed.WorkerAsync("w2")];
        for (int seed = 2; seed < 6; seed++)
        {
            long next = bed.Parameters.Handle.Version + 1;
            Task<ParameterHandle>[] waits = [.. workers.Select(worker => worker.FetchAsync(next))];
            await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 2, "both calls are held");
            Assert.Equal(next, bed.Overwrite(seed));
            foreach (ParameterHandle got in await Bounded(Task.WhenAll(waits)))
            {
                Assert.Equal((next, true), (got.Version, got.IsCurrent));
                Assert.True(got.Values.Span.SequenceEqual(bed.Parameters.Values.Span));
            }
        }

        Assert.Equal((0, 8), (bed.Plane.Waiting, bed.Count("parameters sent")));
    }

    [Fact]
    public async Task A_wait_that_is_given_up_ends_at_both_ends_and_the_session_goes_on()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        using var unwanted = new CancellationTokenSource();
        long next = bed.Parameters.Handle.Version + 1;
        Task<ParameterHandle> waits = worker.FetchAsync(next, unwanted.Token);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 1, "the call is held");
        await unwanted.CancelAsync();
        Assert.False((await Bounded(waits)).IsCurrent);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 0, "the call is gone");
        Assert.False((await Bounded(worker.FetchAsync(next, unwanted.Token))).IsCurrent);

        Task<ParameterHandle> again = worker.FetchAsync(next);
        bed.Overwrite(2);
        Assert.True((await Bounded(again)).IsCurrent);
        Assert.False(worker.Attendance.Ended.IsCompleted);
        Assert.Equal(0, bed.Count("parameters not taken in time"));
    }

    [Fact]
    public async Task A_transfer_that_is_given_up_leaves_nothing_behind()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(4_000_000);
        TestWorker worker = await bed.WorkerAsync();
        for (int seed = 2; seed < 6; seed++)
        {
            using var unwanted = new CancellationTokenSource();
            long calls = bed.Count("calls");
            Task<ParameterHandle> givenUp = worker.FetchAsync(bed.Overwrite(seed), unwanted.Token);
            await PlaneBed.UntilAsync(() => bed.Count("calls") > calls, "the coordinator is asked");
            await unwanted.CancelAsync();

            // What was there before it was given up may be used.
            ParameterHandle got = await Bounded(givenUp);
            Assert.True(!got.IsCurrent || got.Values.Span.SequenceEqual(bed.Parameters.Values.Span));
            ParameterHandle whole = await Bounded(worker.FetchAsync(bed.Parameters.Handle.Version));
            Assert.True(whole.Values.Span.SequenceEqual(bed.Parameters.Values.Span));
        }

        Assert.Equal(0, bed.Count("parameters not taken in time"));
    }

    [Fact]
    public async Task A_version_that_is_passed_over_while_it_is_waited_for_is_gone()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        Task<ParameterHandle> waits = worker.FetchAsync(bed.Parameters.Handle.Version + 1);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 1, "the call is held");
        bed.Parameters.BeginOverwrite();
        bed.Parameters.EndOverwrite();
        bed.Overwrite(3);
        Assert.False((await Bounded(waits)).IsCurrent);
        Assert.Equal(1, bed.Count("parameters asked for and gone"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_the_session_or_of_the_plane_ends_the_wait_and_says_why(bool session)
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        Task<ParameterHandle> waits = worker.FetchAsync(bed.Parameters.Handle.Version + 1);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 1, "the call is held");
        if (session)
        {
            bed.Plane.End(worker.Id, "it is replaced");
        }
        else
        {
            bed.Plane.Dispose();
        }

        PlaneBrokenException broken = await Assert.ThrowsAsync<PlaneBrokenException>(() => Bounded(waits));
        Assert.Contains(session ? "it is replaced" : "the coordinator stops", broken.Message, StringComparison.Ordinal);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 0, "the call is gone");
    }

    [Fact]
    public async Task The_calls_of_one_attendance_that_wait_are_bounded_and_hold_nobody_else_up()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker hostile = await bed.WorkerAsync("hostile");
        TestWorker good = await bed.WorkerAsync("good");
        using var raw = new RawPlane(bed);
        long next = bed.Parameters.Handle.Version + 1;
        List<AsyncServerStreamingCall<Chunk>> held = [.. Enumerable.Range(0, WireLimits.CallsPerAttendance).Select(_ => raw.Fetch(hostile.Id, next))];
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == held.Count, "all are held");
        using (AsyncServerStreamingCall<Chunk> further = raw.Fetch(hostile.Id, next))
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => further.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        }

        // A worker that is refused tries again, until nobody wants it any more.
        using var unwanted = new CancellationTokenSource();
        long calls = bed.Count("calls");
        Task<ParameterHandle> tries = hostile.FetchAsync(next, unwanted.Token);
        await PlaneBed.UntilAsync(() => bed.Count("calls") > calls + 2, "it tries again");
        await unwanted.CancelAsync();
        Assert.False((await Bounded(tries)).IsCurrent);

        Task<ParameterHandle> waits = good.FetchAsync(next);
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == held.Count + 1, "the good one waits too");
        held.ForEach(call => call.Dispose());
        await PlaneBed.UntilAsync(() => bed.Plane.Waiting == 1, "the others are gone");
        bed.Overwrite(2);
        Assert.True((await Bounded(waits)).IsCurrent);
    }

    private static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(PlaneBed.Patience, TestContext.Current.CancellationToken);
}
