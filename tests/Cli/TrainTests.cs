using System.Text.Json;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class TrainTests
{
    [Fact]
    public void Training_writes_the_record_the_metrics_the_plots_and_a_summary()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--workers", "2");

        Assert.Equal("", call.Errors);
        Assert.Equal(0, call.Code);
        JsonElement results = Results(scratch["run"]);
        string digest = results.GetProperty("parameters_sha256").GetString()!;
        Assert.Matches("^[0-9a-f]{64}$", digest);
        Assert.Contains(digest, call.Output, StringComparison.Ordinal);
        Assert.Equal(12, results.GetProperty("steps").GetInt64());
        Assert.Equal(4, results.GetProperty("epochs").GetInt32());
        Assert.Equal(2, results.GetProperty("workers").GetInt32());
        Assert.Equal(1, results.GetProperty("processes").GetInt32());
        Assert.Equal(0, results.GetProperty("recoveries").GetInt32());
        JsonElement startup = results.GetProperty("startup_ms");
        double[] phases = [.. new[] { "runtime", "command", "data", "model", "workers", "first_step" }.Select(phase => startup.GetProperty(phase).GetDouble())];
        Assert.All(phases, phase => Assert.True(phase >= 0));
        Assert.Equal(startup.GetProperty("total").GetDouble(), phases.Sum(), 0.5);
        foreach (string name in new[] { "state_sha256", "allocated_kilobytes_per_step", "samples_per_second", "train.loss", "validation.loss", "validation.accuracy", "test.accuracy" })
        {
            Assert.True(results.TryGetProperty(name, out _), name);
        }

        foreach (string name in new[] { "metrics.csv", "loss.svg", "confusion.csv", "confusion.svg", "model.safetensors" })
        {
            Assert.True(new FileInfo(Path.Combine(scratch["run"], name)).Length > 0, name);
        }

        Assert.Equal(4, call.Output.Split('\n').Count(line => line.StartsWith("epoch ", StringComparison.Ordinal)));
        Assert.DoesNotContain('\u001b', call.Output);
        Assert.StartsWith("true\\predicted,blue,green,\"red, dark\"", File.ReadAllText(Path.Combine(scratch["run"], "confusion.csv")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_recorded_job_has_every_default_and_trains_to_the_same_bits()
    {
        using var scratch = new Scratch();
        CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["first"], "--quiet", "--workers", "1");
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["first"], "run.json")));
        string recorded = scratch.Write("recorded.yaml", record.RootElement.GetProperty("job").GetRawText());

        Assert.Equal(0, CliCall.Run("train", recorded, "--out", scratch["second"], "--quiet", "--workers", "3").Code);

        Assert.Equal("finished", record.RootElement.GetProperty("status").GetString());
        Assert.Equal(Digest(scratch["first"]), Digest(scratch["second"]));
    }

    [Fact]
    public void Json_prints_one_object_per_line_and_nothing_else()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--json", "--workers", "1");

        List<string> events = [];
        foreach (string line in call.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument parsed = JsonDocument.Parse(line);
            events.Add(parsed.RootElement.GetProperty("event").GetString()!);
        }

        Assert.Equal("start", events[0]);
        Assert.Equal("done", events[^1]);
        Assert.Equal(4, events.Count(name => name == "epoch"));
        Assert.Contains("checkpoint", events);
    }

    [Fact]
    public void Quiet_prints_nothing()
    {
        using var scratch = new Scratch();

        Assert.Equal(new CliCall(0, "", ""), CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1"));
    }

    [Fact]
    public void A_folder_that_holds_a_run_is_not_written_over()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        string before = File.ReadAllText(Path.Combine(scratch["run"], "run.json"));

        Assert.EndsWith("holds a run already; add --resume to go on with it, or choose another folder with --out.", CliCall.Refused(2, "train", job, "--out", scratch["run"]), StringComparison.Ordinal);
        Assert.Contains(
            "holds the run of another job, which differs in optimizer.learningRate (was 0.05, is 0.5), training.batch (was 16, is 20); ",
            CliCall.Refused(3, "train", job, "--out", scratch["run"], "--resume", "--set", "training.batch=20", "--set", "optimizer.learningRate=0.5"),
            StringComparison.Ordinal);
        scratch.Write("points.csv", TinyJob.Points(withLabels: true).Replace("0.1", "0.2", StringComparison.Ordinal));
        Assert.Contains("holds a run over other data", CliCall.Refused(3, "train", job, "--out", scratch["run"], "--resume"), StringComparison.Ordinal);

        Assert.Equal(before, File.ReadAllText(Path.Combine(scratch["run"], "run.json")));
    }

    [Fact]
    public void A_folder_without_a_run_is_refused_where_it_does_not_fit()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        Directory.CreateDirectory(scratch["other"]);
        scratch.Write("other/letter.txt", "dear");

        Assert.EndsWith("holds no run to go on with; leave --resume out to start one.", CliCall.Refused(2, "train", job, "--out", scratch["none"], "--resume"), StringComparison.Ordinal);
        Assert.EndsWith("is not empty and holds no run; expected a new or an empty folder for --out.", CliCall.Refused(2, "train", job, "--out", scratch["other"]), StringComparison.Ordinal);
        Assert.EndsWith("job.yaml is a file; expected a folder for the run.", CliCall.Refused(2, "train", job, "--out", job), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["none"]));
    }

    [Fact]
    public void One_command_line_starts_a_run_and_goes_on_with_it_whenever_it_is_started_again()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        string[] line = ["train", job, "--out", scratch["run"], "--resume-if-any", "--quiet"];

        Assert.Equal(0, CliCall.Run(line).Code);
        string digest = Digest(scratch["run"]);
        Assert.Equal(0, CliCall.Run([.. line, "--set", "training.epochs=7"]).Code);

        Assert.NotEqual(digest, Digest(scratch["run"]));
        Assert.Equal(21, Results(scratch["run"]).GetProperty("steps").GetInt64());
    }

    [Fact]
    public void A_resume_trains_more_epochs_to_the_bits_of_one_long_run()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["long"], "--quiet", "--workers", "2", "--set", "training.epochs=7");
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");

        CliCall resumed = CliCall.Run("train", job, "--out", scratch["run"], "--resume", "--workers", "3", "--set", "training.epochs=7", "--set", "checkpoints.keep=1");

        Assert.Equal(0, resumed.Code);
        Assert.Equal(3, resumed.Output.Split('\n').Count(line => line.StartsWith("epoch ", StringComparison.Ordinal)));
        Assert.Equal(Digest(scratch["long"]), Digest(scratch["run"]));
        Assert.Equal(8, File.ReadAllLines(Path.Combine(scratch["run"], "metrics.csv")).Length);
    }

    private static JsonElement Results(string folder)
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json")));
        return record.RootElement.GetProperty("results").Clone();
    }

    private static string Digest(string folder) => Results(folder).GetProperty("parameters_sha256").GetString()!;
}
