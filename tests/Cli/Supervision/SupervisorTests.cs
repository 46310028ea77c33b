using System.Text.Json.Nodes;
using DistNet.Cli.Consoles;
using DistNet.Cli.Supervision;
using DistNet.Cli.Verbs;
using Xunit;

namespace DistNet.Cli.Tests.Supervision;

/// <summary>The supervisor over shell scripts that play coordinator and workers: each way in which a child can end.</summary>
public sealed class SupervisorTests : IDisposable
{
    private const string Start = """
        echo '{"event":"start","job":"j","run":"r","resumed":false,"parameters":1,"train_samples":1,"validation_samples":0,"test_samples":0,"epochs":2,"steps_per_epoch":3}'
        echo '{"event":"listening","address":"127.0.0.1:7"}'

        """;

    private const string Done = """
        echo '{"event":"done","steps":6,"parameters_sha256":"x"}'

        """;

    private const string Patient = "while read -r line; do :; done; exit 1";

    private readonly Scratch scratch = new();
    private readonly StringWriter output = new() { NewLine = "\n" };
    private readonly StringWriter errors = new() { NewLine = "\n" };

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void A_run_that_ends_well_is_shown_once_and_its_workers_are_dismissed()
    {
        (JsonObject? end, Supervisor supervisor) = Supervise(
            Start + """
            echo '{"event":"epoch","epoch":1,"step":3,"train.loss":0.5,"train.accuracy":null,"validation.loss":null,"validation.accuracy":null,"learning_rate":0.1,"samples_per_second":0}'
            until [ -e $DIR/w1 ] && [ -e $DIR/w2 ]; do :; done

            """ + Done,
            "touch $DIR/$5; " + Patient);

        Assert.Equal("done", end!["event"]!.GetValue<string>());
        Assert.Equal(0, supervisor.CoordinatorRestarts + supervisor.WorkerRestarts);
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("2 workers × 1 thread", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("epoch 1/2  loss 0.5000  rate", lines[1], StringComparison.Ordinal);
        Assert.Equal("", errors.ToString());
    }

    [Fact]
    public void A_coordinator_that_crashes_is_started_again_on_its_port_and_goes_on()
    {
        (JsonObject? end, Supervisor supervisor) = Supervise(
            "echo \"$@\" >> $DIR/lives\n" + Start + """
            if [ -e $DIR/second ]; then
              echo '{"event":"progress","epoch":1,"epochs":2,"step":2,"total_steps":6,"train.loss":1}'

            """ + Done + """
            else
              touch $DIR/second $DIR/run.json
              echo '{"event":"progress","epoch":1,"epochs":2,"step":4,"total_steps":6,"train.loss":1}'
              kill -9 $$
            fi
            """,
            Patient);

        Assert.Equal("done", end!["event"]!.GetValue<string>());
        Assert.Equal(1, supervisor.CoordinatorRestarts);
        string[] lives = File.ReadAllLines(scratch["lives"]);
        Assert.Contains("--bind 127.0.0.1:0 --min-workers 2", lives[0], StringComparison.Ordinal);
        Assert.DoesNotContain("--resume", lives[0], StringComparison.Ordinal);
        Assert.Contains("--resume", lives[1], StringComparison.Ordinal);
        Assert.Contains("--bind 127.0.0.1:7 --min-workers 1", lives[1], StringComparison.Ordinal);
        string warning = Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Matches("^warning: the coordinator process [0-9]+ was killed by signal 9 after step 4 and was started again: the run is at step 2, [0-9.]+ s later$", warning);
        Assert.Equal(1, output.ToString().Split('\n').Count(line => line.StartsWith("training j", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("echo '{\"event\":\"error\",\"message\":\"Bad data.\",\"exit_code\":3}'; exit 3", "error")]
    [InlineData("echo '{\"event\":\"error\",\"message\":\"Failed.\",\"exit_code\":1}'; exit 1", "error")]
    [InlineData("echo '{\"event\":\"interrupted\",\"steps\":2}'; exit 130", "interrupted")]
    public void A_coordinator_that_says_how_the_run_ended_is_not_started_again(string script, string kind)
    {
        (JsonObject? end, Supervisor supervisor) = Supervise(script, Patient);
        Assert.Equal(kind, end!["event"]!.GetValue<string>());
        Assert.Equal(0, supervisor.CoordinatorRestarts);
    }

    [Fact]
    public void A_coordinator_that_crashes_again_and_again_ends_the_run_with_its_last_words()
    {
        DistNetException failure = Assert.Throws<DistNetException>(() => Supervise("echo life >> $DIR/lives; echo 'no such library.' >&2; exit 134", Patient));
        Assert.Equal(FailureKind.Failed, failure.Kind);
        Assert.Contains("no such library", failure.Message, StringComparison.Ordinal);
        Assert.Contains("6 times in a row", failure.Message, StringComparison.Ordinal);
        Assert.Equal(6, File.ReadAllLines(scratch["lives"]).Length);
    }

    [Fact]
    public void A_worker_that_dies_is_started_again_under_its_name()
    {
        (_, Supervisor supervisor) = Supervise(
            Start + """
            until [ -e $DIR/again ]; do :; done
            echo '{"event":"worker-joined","worker":"w1","present":1,"message":"Worker w1 (here) joined."}'

            """ + Done,
            "if [ $5 = w1 ]; then if [ -e $DIR/once ]; then touch $DIR/again; else touch $DIR/once; kill -9 $$; fi; fi; " + Patient);
        Assert.Equal(1, supervisor.WorkerRestarts);
        string warning = Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Matches("^warning: the worker w1: process [0-9]+ was killed by signal 9; started again, it joined [0-9.]+ s later$", warning);
    }

    [Fact]
    public void A_worker_that_dies_again_and_again_without_a_step_of_the_run_ends_it_with_its_last_words()
    {
        DistNetException failure = Assert.Throws<DistNetException>(() => Supervise(
            Start + Patient,
            "if [ $5 = w2 ]; then echo '{\"event\":\"error\",\"message\":\"The token is wrong.\",\"exit_code\":2}'; exit 2; fi; " + Patient));
        Assert.Contains("w2", failure.Message, StringComparison.Ordinal);
        Assert.Contains("The token is wrong", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_that_dies_while_the_run_goes_on_is_started_again_each_time()
    {
        (_, Supervisor supervisor) = Supervise(
            Start + """
            step=0
            until [ -e $DIR/enough ]; do
              step=$((step+1))
              echo '{"event":"progress","epoch":1,"epochs":2,"step":'$step',"total_steps":6,"train.loss":1}'
              sleep 0.01
            done

            """ + Done,
            "if [ $5 = w1 ]; then echo life >> $DIR/lives; if [ $(wc -l < $DIR/lives) -ge 12 ]; then touch $DIR/enough; fi; sleep 0.05; exit 1; fi; " + Patient);
        Assert.InRange(supervisor.WorkerRestarts, 11, 13);
    }

    [Fact]
    public void A_child_that_does_not_go_when_it_is_dismissed_is_killed()
    {
        Supervise(Start + "until [ -e $DIR/w1 ]; do :; done\n" + Done, "echo $$ > $DIR/$5.tmp; mv $DIR/$5.tmp $DIR/$5; while :; do sleep 1; done");
        Assert.False(Directory.Exists($"/proc/{File.ReadAllText(scratch["w1"]).Trim()}"));
    }

    private (JsonObject? End, Supervisor Supervisor) Supervise(string coordinator, string worker)
    {
        string script = $"DIR='{scratch.Folder}'\nif [ $1 = coordinator ]; then\n{coordinator}\nelse\n{worker}\nfi";
        var run = new SupervisedRun
        {
            JobPath = "j",
            JobOptions = [],
            DataFolder = null,
            Folder = scratch.Folder,
            Processes = 2,
            Threads = 1,
            SharedMemory = "auto",
        };
        using var signals = new StopSignals();
        using var supervisor = new Supervisor(run, new ChildCommand("sh", ["-c", script, "sh"]), new LineDisplay(output, errors), showsWorkers: false, signals);
        return (supervisor.Run(resume: false), supervisor);
    }
}
