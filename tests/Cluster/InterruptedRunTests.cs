using System.Runtime.InteropServices;
using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>A run that is stopped at any step and resumed, with another number of workers, comes to the bits of one that was not.</summary>
public sealed class InterruptedRunTests(UndisturbedRun undisturbed, ITestOutputHelper output)
{
    private readonly Workspace workspace = undisturbed.Workspace;

    [Fact]
    public async Task A_run_killed_with_signal_9_resumes_to_the_same_bits()
    {
        using DistNetProcess process = DistNetProcess.Start(workspace.Train("killed", 2));
        long reached = await WaitForRandomStep(process, "killed");
        await process.Kill();
        Assert.InRange(workspace.LatestCheckpoint("killed"), reached, UndisturbedRun.Steps - 1);
        await ResumesToTheSameBits("killed", 3);
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM, 143, 5)]
    [InlineData(PosixSignal.SIGINT, 130, 1)]
    public async Task A_run_that_is_asked_to_stop_writes_a_checkpoint_and_resumes_to_the_same_bits(PosixSignal signal, int exitCode, int workers)
    {
        string run = signal.ToString();
        using DistNetProcess process = DistNetProcess.Start(workspace.Train(run, 2));
        long reached = await WaitForRandomStep(process, run);
        process.Send(signal);
        int code = await process.Exit();
        Assert.True(code == exitCode, $"Exit code {code}.\n{process.Output}");
        Assert.InRange(workspace.LatestCheckpoint(run), reached, UndisturbedRun.Steps - 1);
        await ResumesToTheSameBits(run, workers);
    }

    [Fact]
    public async Task A_run_killed_again_and_again_comes_to_the_same_bits()
    {
        long reached = 0;
        for (int kill = 0; kill < 3; kill++)
        {
            using DistNetProcess process = DistNetProcess.Start(workspace.Train("killed-often", 1 + kill, kill == 0 ? [] : ["--resume"]));
            long after = reached + 20;
            await WaitForStep(process, "killed-often", after);
            await process.Kill();
            reached = workspace.LatestCheckpoint("killed-often");
            Assert.InRange(reached, after, UndisturbedRun.Steps - 1);
        }

        await ResumesToTheSameBits("killed-often", 2);
    }

    private async Task ResumesToTheSameBits(string run, int workers)
    {
        using DistNetProcess process = DistNetProcess.Start(workspace.Train(run, workers, "--resume"));
        Assert.True(await process.Exit() == 0, process.Output);
        Assert.Equal(undisturbed.ParametersSha256, workspace.Result(run, "parameters_sha256"));
        Assert.Equal(undisturbed.StateSha256, workspace.Result(run, "state_sha256"));
    }

    private async Task<long> WaitForRandomStep(DistNetProcess process, string run)
    {
        int seed = Environment.TickCount;
        long step = new Random(seed).Next(1, (int)UndisturbedRun.Steps / 2);
        output.WriteLine($"{run}: stopped after the checkpoint of step {step} or a later one (seed {seed}).");
        await WaitForStep(process, run, step);
        return step;
    }

    private async Task WaitForStep(DistNetProcess process, string run, long step)
    {
        await Poll.Until(() => workspace.LatestCheckpoint(run) >= step || !process.IsRunning, () => $"no checkpoint of step {step} in {run}.\n{process.Output}");
        Assert.True(process.IsRunning, $"{run} ended before it could be stopped.\n{process.Output}");
    }
}
