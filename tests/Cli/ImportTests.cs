using System.Text.Json;
using DistNet.Checkpoints;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class ImportTests
{
    [Fact]
    public void An_exported_model_comes_back_and_can_be_used_and_trained_on()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall.Run("export", scratch["run"], "--out", scratch["w.safetensors"]);

        CliCall call = CliCall.Run("import", job, scratch["w.safetensors"], "--out", scratch["imported"]);

        Assert.Equal(new CliCall(0, $"wrote {scratch["imported"]}: 51 of 51 parameters from {scratch["w.safetensors"]}\n", ""), call);
        Assert.Equal(Inspected(scratch["run"]).GetProperty("parameters_sha256").GetString(), Inspected(scratch["imported"]).GetProperty("parameters_sha256").GetString());
        Assert.Equal(CliCall.Run("predict", scratch["run"], scratch["points.csv"]), CliCall.Run("predict", scratch["imported"], scratch["points.csv"]));
        Assert.Equal(0, CliCall.Run("export", scratch["imported"], "--out", scratch["again.onnx"]).Code);

        Assert.Equal($"{scratch["imported"]} holds a run already; expected another folder with --out.", CliCall.Refused(2, "import", job, scratch["w.safetensors"], "--out", scratch["imported"]));

        // What is imported is the run of the same job, before its first step.
        CliCall onward = CliCall.Run("train", job, "--initialize", scratch["w.safetensors"], "--out", scratch["imported"], "--resume", "--quiet", "--workers", "1");
        CliCall.Run("train", job, "--initialize", scratch["w.safetensors"], "--out", scratch["at-once"], "--quiet", "--workers", "2");
        Assert.Equal(new CliCall(0, "", ""), onward);
        Assert.Equal(Inspected(scratch["at-once"]).GetProperty("state_sha256").GetString(), Inspected(scratch["imported"]).GetProperty("state_sha256").GetString());
        Assert.NotEqual(Inspected(scratch["run"]).GetProperty("parameters_sha256").GetString(), Inspected(scratch["imported"]).GetProperty("parameters_sha256").GetString());
    }

    [Fact]
    public void The_file_s_hash_is_a_part_of_the_job_and_its_place_is_not()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall.Run("export", scratch["run"], "--out", scratch["w.safetensors"]);
        CliCall.Run("train", job, "--initialize", scratch["w.safetensors"], "--out", scratch["tuned"], "--quiet", "--workers", "1");
        JsonElement from = Inspected(scratch["tuned"]).GetProperty("job").GetProperty("training").GetProperty("initializeFrom");
        using FileStream file = File.OpenRead(scratch["w.safetensors"]);
        Assert.Equal(Data.FileHash.Of(file, CancellationToken.None), from.GetProperty("sha256").GetString());

        // A single word is the file, relative to the job.
        string word = scratch.Write("word.yaml", TinyJob.Text.Replace("training: { ", "training: { initializeFrom: w.safetensors, ", StringComparison.Ordinal));
        CliCall.Run("train", word, "--out", scratch["word"], "--quiet", "--workers", "1");
        Assert.Equal(Inspected(scratch["tuned"]).GetProperty("state_sha256").GetString(), Inspected(scratch["word"]).GetProperty("state_sha256").GetString());

        File.Copy(scratch["w.safetensors"], scratch["moved.safetensors"]);
        string[] resume = ["train", job, "--out", scratch["tuned"], "--resume", "--quiet", "--workers", "1", "--set", "training.epochs=5"];
        Assert.Equal(new CliCall(0, "", ""), CliCall.Run([.. resume, "--initialize", scratch["moved.safetensors"]]));
        CliCall.Run("export", scratch["tuned"], "--out", scratch["other.safetensors"]);
        Assert.Contains("which differs in training.initializeFrom.sha256 (was ", CliCall.Refused(3, [.. resume, "--initialize", scratch["other.safetensors"]]), StringComparison.Ordinal);
        Assert.Contains("training.initializeFrom.sha256", CliCall.Refused(3, resume), StringComparison.Ordinal);
    }

    [Fact]
    public void A_last_layer_of_another_width_starts_anew_where_its_names_are_skipped()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall.Run("export", scratch["run"], "--out", scratch["w.safetensors"]);
        string wider = scratch.Write("wider.yaml", TinyJob.Text.Replace("{ linear: 3 }", "{ linear: 5 }, relu, { linear: 3 }", StringComparison.Ordinal));

        string refused = CliCall.Refused(3, "train", wider, "--initialize", scratch["w.safetensors"], "--out", scratch["tuned"], "--quiet");
        Assert.Contains("it lacks fc3.weight and fc3.bias; fc2.weight is [3, 8] there and [5, 8] in the model; fc2.bias is [3] there and [5] in the model; expected", refused, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["tuned"]));

        string section = "training: { initializeFrom: { file: w.safetensors, skip: [\"fc2.*\", \"fc3.*\"] }, ";
        scratch.Write("wider.yaml", File.ReadAllText(wider).Replace("training: { ", section, StringComparison.Ordinal));
        CliCall call = CliCall.Run("import", wider, scratch["w.safetensors"], "--out", scratch["tuned"]);
        Assert.Equal((0, ""), (call.Code, call.Errors));
        Assert.Equal($"wrote {scratch["tuned"]}: 24 of 87 parameters from {scratch["w.safetensors"]}\n", call.Output);
        Checkpoint before = CheckpointStore.Open(scratch["run"], _ => { });
        Checkpoint after = CheckpointStore.Open(scratch["tuned"], _ => { });
        Assert.Equal(before.Parameters[before.Parameters.Layout.Entries[0]].ToArray(), after.Parameters[after.Parameters.Layout.Entries[0]].ToArray());
    }

    [Theory]
    [InlineData("kind: adamw")]
    [InlineData("kind: sgd, momentum: 0.9")]
    public void With_the_optimizer_s_state_a_training_goes_on_as_if_it_had_not_stopped(string kind)
    {
        using var scratch = new Scratch();
        string text = TinyJob.Text.Replace("kind: adamw", kind, StringComparison.Ordinal).Replace("{ dropout: 0.1 }, ", "", StringComparison.Ordinal)
            .Replace("epochs: 4", "epochs: 4, shuffle: none", StringComparison.Ordinal);
        string job = TinyJob.Write(scratch, text);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall.Run("train", job, "--out", scratch["eight"], "--quiet", "--workers", "1", "--set", "training.epochs=8");
        CliCall.Run("export", scratch["run"], "--out", scratch["w.safetensors"], "--optimizer", scratch["o.safetensors"]);

        string[] onward = ["train", job, "--initialize", scratch["w.safetensors"], "--quiet", "--workers", "1"];
        CliCall call = CliCall.Run([.. onward, "--out", scratch["onward"], "--set", "training.initializeFrom.optimizer=o.safetensors"]);
        Assert.Equal(new CliCall(0, "", ""), call);
        CliCall.Run([.. onward, "--out", scratch["anew"]]);

        string Digest(string run) => Inspected(scratch[run]).GetProperty("parameters_sha256").GetString()!;
        Assert.Equal(Digest("eight"), Digest("onward"));
        Assert.NotEqual(Digest("eight"), Digest("anew"));
        Assert.Equal(64, Inspected(scratch["onward"]).GetProperty("job").GetProperty("training").GetProperty("initializeFrom").GetProperty("optimizerSha256").GetString()!.Length);

        string wrong = CliCall.Refused(3, [.. onward, "--out", scratch["none"], "--set", "training.initializeFrom.optimizer=w.safetensors"]);
        Assert.Contains("does not fit optimizer and model: it lacks fc1.weight.", wrong, StringComparison.Ordinal);
        Assert.Contains("; it has fc1.weight, fc1.bias, fc2.weight and fc2.bias, which the optimizer lacks; expected", wrong, StringComparison.Ordinal);
        string plain = CliCall.Refused(
            3, [.. onward, "--out", scratch["none"], "--set", "training.initializeFrom.optimizer=o.safetensors", "--set", "optimizer={kind: sgd, learningRate: 1}"]);
        Assert.Equal("training.initializeFrom.optimizer is given, but SGD without momentum has no state; leave it out.", plain);
        Assert.False(Directory.Exists(scratch["none"]));
    }

    [Fact]
    public void Frozen_modules_keep_what_was_imported()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall.Run("export", scratch["run"], "--out", scratch["w.safetensors"]);
        string frozen = scratch.Write("frozen.yaml", TinyJob.Text.Replace("{ linear: 8 }", "{ linear: 8, frozen: true }", StringComparison.Ordinal));

        CliCall call = CliCall.Run("train", frozen, "--initialize", scratch["w.safetensors"], "--out", scratch["tuned"], "--quiet", "--workers", "2");

        Assert.Equal(new CliCall(0, "", ""), call);
        Checkpoint before = CheckpointStore.Open(scratch["run"], _ => { });
        Checkpoint after = CheckpointStore.Open(scratch["tuned"], _ => { });
        for (int entry = 0; entry < 4; entry++)
        {
            Assert.Equal(entry < 2, before.Parameters[before.Parameters.Layout.Entries[entry]].SequenceEqual(after.Parameters[after.Parameters.Layout.Entries[entry]]));
        }

        Assert.Contains("(frozen)", CliCall.Run("inspect", scratch["tuned"]).Output, StringComparison.Ordinal);
        CliCall check = CliCall.Run("check-grad", frozen, "--json");
        Assert.Equal(0, check.Code);
        string refused = CliCall.Refused(3, "train", scratch.Write("wrong.yaml", TinyJob.Text.Replace("{ linear: 8 }", "{ linear: 8, frozen: 1 }", StringComparison.Ordinal)), "--out", scratch["none"]);
        Assert.Equal("wrong.yaml line 2: model.0.frozen is '1'; expected true or false.", refused);
    }

    [Fact]
    public void A_file_that_is_missing_or_no_safetensors_is_refused_before_anything_is_written()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        scratch.Write("w.safetensors", "hello, this is no such file");
        foreach (string[] command in (string[][])[["import", job, scratch["w.safetensors"]], ["train", job, "--initialize", scratch["w.safetensors"]]])
        {
            Assert.Contains("is not a whole safetensors file: its header would have", CliCall.Refused(3, [.. command, "--out", scratch["run"]]), StringComparison.Ordinal);
        }

        Assert.Contains("none' of training.initializeFrom cannot be read", CliCall.Refused(3, "import", job, scratch["none"], "--out", scratch["run"]), StringComparison.Ordinal);
        Assert.Contains("training.initializeFrom.file is missing", CliCall.Refused(3, "train", job, "--set", "training.initializeFrom.skip=[a]", "--out", scratch["run"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["run"]));
    }

    private static JsonElement Inspected(string run)
    {
        using JsonDocument json = JsonDocument.Parse(CliCall.Run("inspect", run, "--json").Output);
        return json.RootElement.Clone();
    }
}
