using System.Collections.Immutable;
using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.Grpc;

/// <summary>Tensors and files arrive as they were sent, whatever their length.</summary>
public sealed class TransferTests(ITestOutputHelper output)
{
    private const int ChunkFloats = WireLimits.ChunkBytes / sizeof(float);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(ChunkFloats)]
    [InlineData(ChunkFloats + 1)]
    [InlineData((5 * ChunkFloats) - 3)]
    public async Task Parameters_and_gradients_make_the_round_trip(int length)
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(length);
        TestWorker worker = await bed.WorkerAsync();
        ParameterHandle handle = await worker.FetchAsync(bed.Parameters.Handle.Version);
        Assert.True(handle.IsCurrent);
        Assert.Equal(bed.Parameters.Values.ToArray(), handle.Values.ToArray());

        ImmutableArray<AnsweredNode> nodes = await worker.DeliverAsync(worker.Fence(), 7, 8);
        Assert.Equal([1, 2], nodes.Select(node => node.Ticket));
        worker.Take(2, 8);
        worker.Take(1, 7);
        Assert.Equal(0, bed.Plane.Pool.Outstanding);
        Assert.Equal(0, worker.Pool.Outstanding);
    }

    [Fact]
    public async Task A_node_without_a_gradient_has_no_ticket()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        var result = new ShardResult([new ShardNode(new SumNode(0, 0), default, null)]);
        ImmutableArray<AnsweredNode> nodes = await OwnThread.Run("test-compute", () => worker.Plane.Deliver(worker.Fence(), result));
        Assert.Equal(0, nodes[0].Ticket);
    }

    [Fact]
    public async Task A_version_that_is_gone_gives_a_handle_that_is_never_current()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        long first = bed.Parameters.Handle.Version;
        long second = bed.Overwrite(2);
        Assert.False((await worker.FetchAsync(first)).IsCurrent);
        Assert.False((await worker.FetchAsync(second + 2)).IsCurrent);
        bed.BeginOverwrite();
        Assert.False((await worker.FetchAsync(second)).IsCurrent);
        Assert.Equal(3, bed.Count("parameters asked for and gone"));
    }

    [Fact]
    public async Task Two_versions_are_kept_and_a_kept_one_is_not_fetched_again()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync();
        ParameterHandle first = await worker.FetchAsync(bed.Parameters.Handle.Version);
        ParameterHandle second = await worker.FetchAsync(bed.Overwrite(2));
        Assert.True(first.IsCurrent && second.IsCurrent);
        Assert.True((await worker.FetchAsync(first.Version)).IsCurrent);
        ParameterHandle third = await worker.FetchAsync(bed.Overwrite(3));
        Assert.True(second.IsCurrent && third.IsCurrent);
        Assert.False(first.IsCurrent);
        Assert.Equal(bed.Parameters.Values.ToArray(), third.Values.ToArray());
        Assert.Equal(3, bed.Count("parameters sent"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(WireLimits.ChunkBytes, 0)]
    [InlineData((2 * WireLimits.ChunkBytes) + 1, 0)]
    [InlineData((2 * WireLimits.ChunkBytes) + 1, WireLimits.ChunkBytes + 5)]
    [InlineData(1000, 1000)]
    public async Task A_data_file_arrives_from_any_offset_on(int length, int offset)
    {
        byte[] file = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 >> 3))];
        await using PlaneBed bed = await PlaneBed.StartAsync(file: file);
        TestWorker worker = await bed.WorkerAsync();
        Assert.Equal(file[offset..], await worker.Client.AllDataAsync(worker.Id, Convert.ToHexStringLower(SHA256.HashData(file)), offset));
    }

    [Fact]
    public async Task A_file_that_is_not_of_the_run_is_refused()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(file: [1]);
        TestWorker worker = await bed.WorkerAsync();
        PlaneRefusedException refused = await Assert.ThrowsAsync<PlaneRefusedException>(
            () => worker.Client.AllDataAsync(worker.Id, new string('0', 64), 0));
        Assert.Equal(PlaneRefusalKind.ForGood, refused.Kind);
        Assert.Contains("no data file", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, bed.Count("data files refused"));
    }

    [Fact]
    public async Task The_run_is_described_as_it_is()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync(file: [1, 2]);
        TestWorker worker = await bed.WorkerAsync();
        RunDescription described = await worker.Client.DescribeAsync(worker.Id);
        RunDescription expected = bed.Description;
        Assert.Equal(expected.Data.Files, described.Data.Files);
        Assert.Equal(expected.Data.Normalization, described.Data.Normalization);
        Assert.Equal(expected with { Data = described.Data }, described);
    }

    [Fact]
    public async Task The_status_tells_of_workers_and_of_what_was_counted()
    {
        await using PlaneBed bed = await PlaneBed.StartAsync();
        TestWorker worker = await bed.WorkerAsync("worker-7");
        ClusterStatus status = await worker.Client.StatusAsync(token: null);
        ClusterWorker told = Assert.Single(status.Workers);
        Assert.Equal(("worker-7", "grpc", Environment.ProcessId), (told.Worker, told.Transport, told.ProcessId));
        Assert.Equal(new WorkerActivity(Runs.ActivityKind.Computing, 5, new SliceRange(1, 2), 0.25), told.Activity);
        Assert.Equal(["late"], told.Flags);
        Assert.Equal("waiting for w2: [1, 2)", status.WaitingFor);
        Assert.Contains(status.Counters, counter => counter is { Name: "workers accepted", Value: 1 });
    }

    [Fact]
    public async Task A_round_trip_of_an_mlp_is_measured()
    {
        const int Length = 669_706 / 16 * 16; // 784-512-512-10: 2.7 MB
        const int Warm = 20;
        const int Measured = 60;
        await using PlaneBed bed = await PlaneBed.StartAsync(Length);
        TestWorker worker = await bed.WorkerAsync();
        (List<double> fetch, List<double> deliver) = ([], []);
        TimeSpan processorBefore = default;
        long allocatedBefore = 0;
        await OwnThread.Run("test-compute", () =>
        {
            for (int i = 0; i < Warm + Measured; i++)
            {
                if (i == Warm)
                {
                    processorBefore = Process.GetCurrentProcess().TotalProcessorTime;
                    allocatedBefore = GC.GetTotalAllocatedBytes();
                }

                bed.Parameters.BeginOverwrite();
                bed.Parameters.EndOverwrite();
                bed.Plane.Publish(bed.Parameters.Handle);
                ShardResult result = new([new ShardNode(new SumNode(0, 0), default, worker.Plane.Lease())]);
                long began = Stopwatch.GetTimestamp();
                Assert.True(worker.Plane.Fetch(bed.Parameters.Handle.Version, default).IsCurrent);
                long fetched = Stopwatch.GetTimestamp();
                long ticket = worker.Plane.Deliver(worker.Fence(i), result)[0].Ticket;
                long delivered = Stopwatch.GetTimestamp();
                Assert.True(bed.Plane.TryTake(worker.Id, ticket, out GradientLease? lease));
                lease.Return();
                if (i >= Warm)
                {
                    fetch.Add(Stopwatch.GetElapsedTime(began, fetched).TotalMilliseconds);
                    deliver.Add(Stopwatch.GetElapsedTime(fetched, delivered).TotalMilliseconds);
                }
            }

            return 0;
        });
        double processor = (Process.GetCurrentProcess().TotalProcessorTime - processorBefore).TotalMilliseconds / Measured;
        output.WriteLine(FormattableString.Invariant(
            $"2.7 MB each way: parameters {Median(fetch):0.00} ms, gradient {Median(deliver):0.00} ms, processor {processor:0.00} ms, allocated {(GC.GetTotalAllocatedBytes() - allocatedBefore) / Measured / 1024} KiB"));
        Assert.Equal(Warm + Measured, bed.Count("gradients received"));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
