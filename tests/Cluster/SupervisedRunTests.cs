using System.Globalization;
using System.Runtime.InteropServices;
using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary><c>train --processes N</c>: real processes, killed and stopped in every way, come to the bits of a run in one process and leave none behind.</summary>
public sealed class SupervisedRunTests(UndisturbedRun undisturbed, ITestOutputHelper output)
{
    private readonly Workspace workspace = undisturbed.Workspace;

    [Theory]
    [InlineData(1, "auto")]
    [InlineData(2, "off")]
    [InlineData(3, "auto")]
    [InlineData(5, "auto")]
    public async Task Any_number_of_processes_gives_the_bits_of_one(int processes, string sharedMemory)
    {
        string run = $"processes-{processes}";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(run, processes, "--shared-memory", sharedMemory));
        Assert.True(await process.Exit() == 0, process.Output);
        AssertSameBits(run);
        Assert.Equal(processes, Number(run, "processes"));
        Assert.All(Enumerable.Range(1, processes), worker => Assert.NotEqual("0", workspace.Result(run, $"w{worker}")));
        Assert.Equal("0", workspace.Restarts(run, "coordinator"));
        AssertSaysNothingButWhatTheRecordBearsOut(run, process.Output);
        AssertControlAllocatesLittle(run, processes);
        Assert.InRange(Real(run, "supervisor"), 0.1, Real(run, "total") - Real(run, "first_step"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_number_of_workers_in_one_process_gives_the_bits_of_one(int workers)
    {
        string run = $"workers-{workers}";
        using DistNetProcess process = DistNetProcess.Start(workspace.Train(run, workers));
        Assert.True(await process.Exit() == 0, process.Output);
        AssertSameBits(run);
        Assert.All(Enumerable.Range(1, workers), worker => Assert.NotEqual("0", workspace.Result(run, $"w{worker}")));
        AssertControlAllocatesLittle(run, workers);
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM, 143)]
    [InlineData(PosixSignal.SIGINT, 130)]
    public async Task Asked_to_stop_it_writes_a_checkpoint_ends_every_process_and_resumes_to_the_same_bits(PosixSignal signal, int exitCode)
    {
        string run = $"asked-{signal}";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(run, 2));
        int[] children = await WaitForStep(process, run);
        process.Send(signal);
        int code = await process.Exit();
        Assert.True(code == exitCode, $"Exit code {code}.\n{process.Output}");
        Assert.Contains("--processes 2", process.Output, StringComparison.Ordinal);
        Assert.All(children, child => Assert.False(ProcessTree.Runs(child)));
        Assert.InRange(workspace.LatestCheckpoint(run), 1, UndisturbedRun.Steps - 1);
        await ResumesToTheSameBits(run, workspace.Train(run, 2, "--resume"));
    }

    [Fact]
    public async Task A_supervisor_killed_with_signal_9_leaves_no_process_and_a_run_to_go_on_with()
    {
        const string Run = "supervisor-killed";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(Run, 2));
        int[] children = await WaitForStep(process, Run);
        await process.Kill();
        await Poll.Until(() => !children.Any(ProcessTree.Runs), () => $"{children.Count(ProcessTree.Runs)} of {children.Length} processes still run.");
        await ResumesToTheSameBits(Run, workspace.TrainInProcesses(Run, 2, "--resume"));
    }

    [Fact]
    public async Task A_coordinator_killed_with_signal_9_is_started_again_and_the_run_comes_to_the_same_bits()
    {
        const string Run = "coordinator-killed";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(Run, 2));
        await WaitForStep(process, Run);
        int[] workers = ProcessTree.Children(process.Id, "worker");
        ProcessTree.Kill(Assert.Single(ProcessTree.Children(process.Id, "coordinator")));
        Assert.True(await process.Exit() == 0, process.Output);
        output.WriteLine(process.Output);
        Assert.Contains("was killed by signal 9", process.Output, StringComparison.Ordinal);
        Assert.Equal(2, workers.Length);
        Assert.All(workers, worker => Assert.False(ProcessTree.Runs(worker)));
        AssertSameBits(Run);
        Assert.Equal("1", workspace.Restarts(Run, "coordinator"));
        AssertEachEpochOnce(Run);
    }

    [Fact]
    public async Task A_worker_killed_with_signal_9_is_started_again_and_the_run_comes_to_the_same_bits()
    {
        const string Run = "worker-killed";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(Run, 2));
        await WaitForStep(process, Run);
        int coordinator = Assert.Single(ProcessTree.Children(process.Id, "coordinator"));
        ProcessTree.Kill(ProcessTree.Children(process.Id, "worker")[0]);
        await Poll.Until(() => ProcessTree.Children(process.Id, "worker").Length == 2 || !process.IsRunning, () => $"no second worker.\n{process.Output}");
        Assert.True(ProcessTree.Runs(coordinator), process.Output);
        Assert.True(await process.Exit() == 0, process.Output);
        output.WriteLine(process.Output);
        AssertSameBits(Run);
        Assert.Equal("0", workspace.Restarts(Run, "coordinator"));
        Assert.Equal("1", workspace.Restarts(Run, "workers"));
        AssertEachEpochOnce(Run);
    }

    [Fact]
    public async Task All_processes_killed_at_once_come_back_and_the_run_comes_to_the_same_bits()
    {
        const string Run = "all-killed";
        using DistNetProcess process = DistNetProcess.Start(workspace.TrainInProcesses(Run, 2));
        foreach (int child in await WaitForStep(process, Run))
        {
            ProcessTree.Kill(child);
        }

        Assert.True(await process.Exit() == 0, process.Output);
        output.WriteLine(process.Output);
        AssertSameBits(Run);
        AssertEachEpochOnce(Run);
    }

    [Fact]
    public async Task What_is_wrong_with_a_job_its_data_or_its_folder_is_said_as_in_one_process()
    {
        string[][] mistakes = [["--set", "model=[{ linear: 3 }]"], ["--set", "data.train=nowhere.csv"], ["--set", "training.epochs=0"], ["--resume"]];
        foreach (string[] mistake in mistakes)
        {
            using DistNetProcess one = DistNetProcess.Start(workspace.Train("mistake", 2, mistake));
            using DistNetProcess many = DistNetProcess.Start(workspace.TrainInProcesses("mistake", 2, mistake));
            int code = await one.Exit();
            Assert.InRange(code, 2, 3);
            Assert.Equal(code, await many.Exit());
            Assert.Equal(one.Output, many.Output);
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private int Number(string run, string key) => Number(workspace.Result(run, key));

    private double Real(string run, string key) => double.Parse(workspace.Result(run, key), CultureInfo.InvariantCulture);

    // Nothing at all; but where a busy machine delayed the messages of so small a model, one sentence that says so, with the record's own figures to prove it.
    private void AssertSaysNothingButWhatTheRecordBearsOut(string run, string output)
    {
        if (output.Length > 0)
        {
            Assert.Matches(@"\Awarning: communication outweighs computing: [^\n]*\n?\z", output);
            double communication = Real(run, "exchange") + Real(run, "decide");
            Assert.True(communication > 0.99 * Real(run, "compute"), output);
            Assert.True(communication * Real(run, "steps") > 990, output);
        }
    }

    // Messages and decisions for each worker, and room for what is not compiled well yet; a gradient of this model alone would be some 300 kB.
    private void AssertControlAllocatesLittle(string run, int workers) =>
        Assert.InRange(Real(run, "allocated_kilobytes_per_step"), 0.1, 20 + (20 * workers));

    private void AssertSameBits(string run)
    {
        Assert.Equal(undisturbed.ParametersSha256, workspace.Result(run, "parameters_sha256"));
        Assert.Equal(undisturbed.StateSha256, workspace.Result(run, "state_sha256"));
    }

    private void AssertEachEpochOnce(string run)
    {
        string[] lines = File.ReadAllLines(Path.Combine(workspace.Run(run), "metrics.csv"));
        int column = Array.IndexOf(lines[0].Split(','), "epoch");
        Assert.Equal(Enumerable.Range(1, UndisturbedRun.Epochs), lines.Skip(1).Select(line => Number(line.Split(',')[column])));
    }

    private async Task ResumesToTheSameBits(string run, string[] arguments)
    {
        using DistNetProcess process = DistNetProcess.Start(arguments);
        Assert.True(await process.Exit() == 0, process.Output);
        AssertSameBits(run);
        AssertEachEpochOnce(run);
    }

    // Waits for a checkpoint of a random step and for both workers; returns the run's processes.
    private async Task<int[]> WaitForStep(DistNetProcess process, string run)
    {
        int seed = Environment.TickCount;
        long step = new Random(seed).Next(1, (int)UndisturbedRun.Steps / 2);
        output.WriteLine($"{run}: the checkpoint of step {step} or a later one (seed {seed}).");
        await Poll.Until(
            () => !process.IsRunning || (workspace.LatestCheckpoint(run) >= step && ProcessTree.Children(process.Id).Length == 3),
            () => $"no checkpoint of step {step} in {run}.\n{process.Output}");
        Assert.True(process.IsRunning, $"{run} ended before it could be stopped.\n{process.Output}");
        return ProcessTree.Children(process.Id);
    }
}
