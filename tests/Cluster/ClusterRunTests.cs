using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>A coordinator and workers that are processes of their own come to the bits of a run in one process.</summary>
public sealed class ClusterRunTests(UndisturbedRun undisturbed)
{
    private readonly Workspace workspace = undisturbed.Workspace;

    [Theory]
    [InlineData("auto", "shared memory", 30)]
    [InlineData("off", "grpc", 80)]
    public async Task Two_worker_processes_come_to_the_bits_of_one_process(string sharedMemory, string transport, int kilobytes)
    {
        string run = $"cluster-{sharedMemory}";
        using ClusterProcesses cluster = new(workspace, run);
        await cluster.StartCoordinator("--min-workers", "2", "--shared-memory", sharedMemory);
        DistNetProcess[] workers = [cluster.StartWorker("one", "--json"), cluster.StartWorker("two", "--json")];
        Assert.True(await cluster.Coordinator.Exit() == 0, cluster.Coordinator.Output);
        foreach (DistNetProcess worker in workers)
        {
            Assert.True(await worker.Exit() == 0, worker.Output);
            Assert.Contains($"\"transport\":\"{transport}\"", worker.Output, StringComparison.Ordinal);

            // Control's messages, and over gRPC the calls and frames of HTTP/2; a gradient of this model alone would be some 300 kB.
            string ended = worker.Output.Split('\n').Single(line => line.StartsWith("{\"event\":\"ended\"", StringComparison.Ordinal));
            using JsonDocument end = JsonDocument.Parse(ended);
            Assert.InRange(end.RootElement.GetProperty("allocated_kilobytes_per_shard").GetDouble(), 0.1, kilobytes);
        }

        AssertTheSameBits(run);
        Assert.Equal("2", workspace.Result(run, "processes"));
        Assert.NotEqual("0", workspace.Result(run, "one"));
        Assert.NotEqual("0", workspace.Result(run, "two"));
    }

    [Fact]
    public async Task A_worker_that_is_asked_to_stop_leaves_and_the_run_goes_on_without_it()
    {
        using ClusterProcesses cluster = new(workspace, "left");
        await cluster.StartCoordinator("--min-workers", "2");
        DistNetProcess stays = cluster.StartWorker("stays");
        DistNetProcess leaves = cluster.StartWorker("leaves");
        await Poll.Until(() => workspace.LatestCheckpoint("left") > 0, () => $"no step.\n{cluster.Coordinator.Output}\n{stays.Output}");
        await AssertStatusNames(cluster, "stays", "leaves");
        leaves.Send(PosixSignal.SIGTERM);
        Assert.True(await leaves.Exit() == 0, leaves.Output);
        Assert.True(await cluster.Coordinator.Exit() == 0, cluster.Coordinator.Output);
        Assert.True(await stays.Exit() == 0, stays.Output);
        Assert.NotNull(cluster.Event("worker-left"));
        AssertTheSameBits("left");
    }

    [Fact]
    public async Task A_worker_waits_for_a_coordinator_that_was_killed_and_goes_on_with_the_next_one()
    {
        using ClusterProcesses cluster = new(workspace, "restarted");
        await cluster.StartCoordinator();
        DistNetProcess worker = cluster.StartWorker("waits");
        await Poll.Until(() => workspace.LatestCheckpoint("restarted") > 0, () => $"no step.\n{cluster.Coordinator.Output}\n{worker.Output}");
        await cluster.Coordinator.Kill();
        await ClusterProcesses.Told(worker, "it is sought again");
        await cluster.StartCoordinator("--resume");
        Assert.True(await cluster.Coordinator.Exit() == 0, cluster.Coordinator.Output);
        Assert.True(await worker.Exit() == 0, worker.Output);
        Assert.Contains("in 2 sessions", worker.Output, StringComparison.Ordinal);
        Assert.Equal("2", workspace.Result("restarted", "term"));
        AssertTheSameBits("restarted");
    }

    [Fact]
    public async Task A_worker_gives_up_when_there_is_no_coordinator()
    {
        using DistNetProcess worker = DistNetProcess.Start(["worker", "--join", "127.0.0.1:1", "--give-up-after", "1"]);
        Assert.True(await worker.Exit() == 1, worker.Output);
        Assert.Contains("No coordinator at 127.0.0.1:1 took this worker for 1 s", worker.Output, StringComparison.Ordinal);
    }

    private static async Task AssertStatusNames(ClusterProcesses cluster, params string[] workers)
    {
        using DistNetProcess status = DistNetProcess.Start(["status", "--join", cluster.Address, "--json"]);
        Assert.True(await status.Exit() == 0, status.Output);
        JsonElement told = JsonDocument.Parse(status.Output).RootElement;
        Assert.Equal(UndisturbedRun.Steps, told.GetProperty("total_steps").GetInt64());
        Assert.Equal(workers.Order(), told.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("worker").GetString()).Order());
        using DistNetProcess table = DistNetProcess.Start(["status", "--join", cluster.Address]);
        Assert.True(await table.Exit() == 0, table.Output);
        Assert.All(workers, worker => Assert.Contains(worker, table.Output, StringComparison.Ordinal));
    }

    private void AssertTheSameBits(string run)
    {
        Assert.Equal(undisturbed.ParametersSha256, workspace.Result(run, "parameters_sha256"));
        Assert.Equal(undisturbed.StateSha256, workspace.Result(run, "state_sha256"));
    }
}
