using System.Text.Json;
using DistNet.Tests.Data;
using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>A folder of images from the job file to predictions.</summary>
public sealed class ImageJobTests : IDisposable
{
    private const string Job = """
        data: { format: images, train: train, validation: 0.25, test: test, size: [6, 6], channels: 1, normalize: channel }
        model: [random-flip, { conv2d: 4, kernel: 3, padding: 1 }, batch-norm, relu, { max-pool2d: 2 }, flatten, { linear: 2 }]
        optimizer: { kind: adamw, learningRate: 0.02, emaDecay: 0.9 }
        training: { epochs: 12, batch: 12, slice: 4, seed: 3 }
        checkpoints: { everySeconds: null }
        """;

    private readonly Scratch scratch = new();

    public ImageJobTests()
    {
        for (int i = 0; i < 64; i++)
        {
            Write($"train/{(i % 2 == 0 ? "across" : "down")}/{i}.png", isAcross: i % 2 == 0, size: 6, seed: i);
        }

        // Twice the size: the job scales them.
        for (int i = 0; i < 16; i++)
        {
            Write($"test/{(i % 2 == 0 ? "across" : "down")}/{i}.png", isAcross: i % 2 == 0, size: 12, seed: 100 + i);
            Write($"new/{i:D2}.png", isAcross: i % 3 == 0, size: 12, seed: 200 + i);
        }
    }

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Images_are_trained_on_by_any_number_of_workers_evaluated_and_predicted_for()
    {
        string job = scratch.Write("job.yaml", Job);
        Assert.Equal(new CliCall(0, "", ""), CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1"));
        Assert.Equal(new CliCall(0, "", ""), CliCall.Run("train", job, "--out", scratch["again"], "--quiet", "--workers", "3", "--threads", "2"));
        JsonElement results = Results("run");
        foreach (string digest in new[] { "parameters_sha256", "state_sha256" })
        {
            Assert.Equal(results.GetProperty(digest).GetString(), Results("again").GetProperty(digest).GetString());
        }

        Assert.Equal(1, results.GetProperty("test.accuracy").GetDouble());

        CliCall evaluate = CliCall.Run("evaluate", scratch["run"], scratch["test"], "--json");
        Assert.Equal("", evaluate.Errors);
        using JsonDocument evaluation = JsonDocument.Parse(evaluate.Output);
        Assert.Equal(results.GetProperty("test.loss").GetDouble(), evaluation.RootElement.GetProperty("loss").GetDouble());

        string[] predicted = CliCall.Run("predict", scratch["run"], scratch["new"]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("class,across,down", predicted[0]);
        Assert.Equal(Enumerable.Range(0, 16).Select(i => i % 3 == 0 ? "across" : "down"), predicted[1..].Select(line => line.Split(',')[0]));
    }

    [Fact]
    public void A_run_goes_on_with_the_same_images_alone()
    {
        string job = scratch.Write("job.yaml", Job);
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "2", "--set", "training.epochs=2");
        File.Move(scratch["train/down/1.png"], scratch["train/down/9999.png"]);
        string[] onward = ["train", job, "--out", scratch["run"], "--resume", "--quiet", "--workers", "1", "--set", "training.epochs=3"];
        Assert.Contains("holds a run over other data", CliCall.Refused(3, onward), StringComparison.Ordinal);
        File.Move(scratch["train/down/9999.png"], scratch["train/down/1.png"]);
        Assert.Equal(new CliCall(0, "", ""), CliCall.Run(onward));
    }

    [Fact]
    public void What_is_wrong_with_the_images_is_one_sentence_before_anything_is_written()
    {
        string job = scratch.Write("job.yaml", Job);
        string sizes = CliCall.Refused(3, "train", job, "--out", scratch["run"], "--set", "data.size=null");
        Assert.Equal($"The images in '{scratch["test"]}' have the shape [1, 12, 12]; expected [1, 6, 6], as in the training data (data.size scales them).", sizes);
        File.WriteAllText(scratch["train/across/2.png"], "no image");
        Assert.Equal(
            $"The image '{scratch["train/across/2.png"]}' is not used: it begins with the bytes of neither a PNG nor a JPEG file; expected a whole PNG or JPEG file.",
            CliCall.Refused(3, "train", job, "--out", scratch["run"]));
        Assert.False(Directory.Exists(scratch["run"]));
    }

    // Bright lines of a third of the size, at a place and with noise by the seed.
    private void Write(string name, bool isAcross, int size, int seed)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(scratch[name])!);
        Random random = new(seed);
        int phase = random.Next(3), third = size / 6;
        File.WriteAllBytes(scratch[name], PngFile.Grey(size, size, (row, column) => (byte)(((isAcross ? row : column) / third % 3 == phase ? 180 : 20) + random.Next(50))));
    }

    private JsonElement Results(string run)
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch[run], "run.json")));
        return record.RootElement.GetProperty("results").Clone();
    }
}
