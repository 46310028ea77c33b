using System.IO.Compression;
using DistNet.Checkpoints;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class ExportTests
{
    [Fact]
    public void Every_format_holds_the_parameters_under_their_names()
    {
        using var scratch = new Scratch();
        CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1");

        foreach (string format in new[] { "onnx", "safetensors", "npz", "NPZ" })
        {
            CliCall call = CliCall.Run("export", scratch["run"], "--out", scratch[$"model.{format}"]);
            Assert.Equal("", call.Errors);
            Assert.StartsWith($"wrote {scratch[$"model.{format}"]}: ", call.Output, StringComparison.Ordinal);
        }

        using TrainedModel model = TrainedModel.Load(scratch["run"]);
        using SafetensorsReader weights = SafetensorsReader.Open(scratch["model.safetensors"]);
        Assert.Equal(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], weights.Tensors.Select(tensor => tensor.Name));
        foreach (StoredTensor tensor in weights.Tensors)
        {
            Assert.True(model.Graph.Layout.TryFind(tensor.Name, out ParameterEntry? entry));
            Assert.Equal(entry.Shape, tensor.Shape);
            Assert.Equal(model.Parameters[entry].ToArray(), weights.Read(tensor));
        }

        Assert.Equal("""["blue","green","red, dark"]""", weights.Metadata["class_names"]);
        Assert.Equal("""["x","y"]""", weights.Metadata["feature_names"]);
        Assert.Equal("[2]", weights.Metadata["input_shape"]);
        Assert.Equal(model.Info.Normalization!.Mean, System.Text.Json.JsonSerializer.Deserialize<float[]>(weights.Metadata["normalization.mean"])!);
        using ZipArchive arrays = ZipFile.OpenRead(scratch["model.npz"]);
        Assert.Equal(
            ["fc1.weight.npy", "fc1.bias.npy", "fc2.weight.npy", "fc2.bias.npy", "normalization.mean.npy", "normalization.deviation.npy"],
            arrays.Entries.Select(entry => entry.FullName));
    }

    [Fact]
    public void The_optimizer_s_state_goes_into_a_second_file_under_PyTorch_s_words()
    {
        using var scratch = new Scratch();
        CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1");

        CliCall call = CliCall.Run("export", scratch["run"], "--out", scratch["model.npz"], "--optimizer", scratch["optimizer.safetensors"]);

        Assert.Equal("", call.Errors);
        Checkpoint checkpoint = CheckpointStore.Open(scratch["run"], _ => { });
        using SafetensorsReader state = SafetensorsReader.Open(scratch["optimizer.safetensors"]);
        Assert.True(state.TryFind("fc2.weight.exp_avg_sq", out StoredTensor? moment));
        Arena slot = checkpoint.Slots["secondMoment"];
        Assert.Equal(slot[slot.Layout.Entries[2]].ToArray(), state.Read(moment));
        Assert.Equal(9, state.Tensors.Length);
        Assert.True(state.TryFind("step", out StoredTensor? step));
        Assert.Equal(("I64", ""), (step.Type, string.Join(", ", step.Shape.Dimensions)));
    }

    [Fact]
    public void A_wrong_format_a_missing_run_and_a_folder_in_the_way_get_one_sentence()
    {
        using var scratch = new Scratch();
        CliCall.Run("train", TinyJob.Write(scratch, TinyJob.Text.Replace("kind: adamw", "kind: sgd", StringComparison.Ordinal)), "--out", scratch["run"], "--quiet", "--workers", "1");

        Assert.Equal("--format is 'h5'; expected onnx, safetensors or npz.", CliCall.Refused(2, "export", scratch["run"], "--format", "h5"));
        Assert.Equal("--format is missing; expected onnx, safetensors or npz.", CliCall.Refused(2, "export", scratch["run"]));
        foreach (string name in new[] { "model", "model.pt" })
        {
            Assert.Equal($"--out {scratch[name]} ends with none of the known formats; expected --format onnx, safetensors or npz.", CliCall.Refused(2, "export", scratch["run"], "--out", scratch[name]));
        }

        Assert.Contains("does not exist; expected a run folder or a checkpoint", CliCall.Refused(3, "export", scratch["none"], "--format", "onnx"), StringComparison.Ordinal);
        Directory.CreateDirectory(scratch["taken.npz"]);
        Assert.Contains("could not be written", CliCall.Refused(1, "export", scratch["run"], "--out", scratch["taken.npz"]), StringComparison.Ordinal);
        string[] both = ["export", scratch["run"], "--out", scratch["model.safetensors"], "--optimizer"];
        Assert.Equal("The optimizer has no state to export: SGD without momentum keeps none.", CliCall.Refused(3, [.. both, scratch["state.safetensors"]]));
        string same = Path.Combine(scratch.Folder, ".", "model.safetensors");
        Assert.Equal($"--optimizer {same} is the file of the model too; expected another.", CliCall.Refused(2, [.. both, same]));
        Assert.Empty(Directory.EnumerateFiles(scratch.Folder, "*.safetensors"));
    }
}
