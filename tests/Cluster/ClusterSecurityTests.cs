using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>Who may take part, as users meet it: one sentence on both sides, and a run that does not notice.</summary>
public sealed class ClusterSecurityTests
{
    private const string Token = "a-token-of-this-run-0123456789abcdef";

    [Fact]
    public async Task A_stranger_is_turned_away_with_a_sentence_on_both_sides_and_costs_the_run_nothing()
    {
        using Workspace workspace = new([32], epochs: 4, everySteps: 1000);
        string ours = await Certificates(workspace, "ours");
        string theirs = await Certificates(workspace, "theirs");
        using DistNetProcess alone = DistNetProcess.Start(workspace.Train("alone", 1));
        Assert.True(await alone.Exit() == 0, alone.Output);
        using ClusterProcesses cluster = new(workspace, "guarded") { Token = Token };
        await cluster.StartCoordinator("--tls", ours);

        await IsTurnedAway(cluster, cluster.StartWorkerWith(null, "untold", "--tls", ours), 2, "This run needs a join token; none was given");
        await IsTurnedAway(cluster, cluster.StartWorkerWith("another-run-s-token-0123456789abcdef", "mistaken", "--tls", ours), 2, "The join token is not that of this run");
        await IsTurnedAway(cluster, cluster.StartWorker("foreign", "--tls", theirs), 2, "of another authority");
        await IsTurnedAway(cluster, cluster.StartWorker("plain", "--give-up-after", "1"), 1, "it ended the connection");
        await cluster.Told("The worker 'untold' on");
        await cluster.Told("was turned away: This run needs a join token");
        await cluster.Told("is of another authority");

        DistNetProcess worker = cluster.StartWorker("known", "--tls", ours);
        Assert.True(await cluster.Coordinator.Exit() == 0, cluster.Coordinator.Output);
        Assert.True(await worker.Exit() == 0, worker.Output);
        Assert.Equal(workspace.Result("alone", "parameters_sha256"), workspace.Result("guarded", "parameters_sha256"));
        Assert.DoesNotContain(Token, cluster.Coordinator.Output + worker.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_text_off_loopback_is_refused_unless_it_is_asked_for_aloud()
    {
        using Workspace workspace = new([32], epochs: 1, everySteps: 1000);
        string[] coordinator = ["coordinator", workspace.Job, "--bind", "0.0.0.0:0", "--out", workspace.Run("open")];
        using DistNetProcess refused = DistNetProcess.Start(coordinator);
        Assert.True(await refused.Exit() == 2, refused.Output);
        Assert.Contains("'0.0.0.0' is not loopback, so this needs a join token (--token-file or DISTNET_TOKEN) and certificates (--tls)", refused.Output, StringComparison.Ordinal);
        using DistNetProcess worker = DistNetProcess.Start(["worker", "--join", "192.0.2.1:7000"], ("DISTNET_TOKEN", Token));
        Assert.True(await worker.Exit() == 2, worker.Output);
        Assert.Contains("'192.0.2.1' is not loopback, so this needs certificates (--tls)", worker.Output, StringComparison.Ordinal);
        using DistNetProcess insecure = DistNetProcess.Start([.. coordinator, "--insecure"]);
        await ClusterProcesses.Told(insecure, "INSECURE: '0.0.0.0' can be reached from other machines");
        await ClusterProcesses.Told(insecure, "workers join with");
    }

    private static async Task IsTurnedAway(ClusterProcesses cluster, DistNetProcess worker, int code, string sentence)
    {
        Assert.True(await worker.Exit() == code, worker.Output);
        Assert.Contains(sentence, worker.Output, StringComparison.Ordinal);
        Assert.True(cluster.Coordinator.IsRunning, cluster.Coordinator.Output);
    }

    private static async Task<string> Certificates(Workspace workspace, string name)
    {
        using DistNetProcess certs = DistNetProcess.Start(["certs", "--hosts", "127.0.0.1", "--out", workspace.Run(name)]);
        Assert.True(await certs.Exit() == 0, certs.Output);
        return Path.Combine(workspace.Run(name), "127.0.0.1");
    }
}
