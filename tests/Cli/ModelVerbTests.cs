using System.Text.Json;
using DistNet.Tests.Data;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class ModelVerbTests
{
    [Theory]
    [InlineData("training.slice=4")]
    [InlineData("training.slice=2147483647")]
    public void Evaluate_measures_what_the_training_measured(string slice)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        scratch.Write("test.csv", TinyJob.Points(withLabels: true));
        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1", "--set", "data.test=test.csv", "--set", "training.epochs=30", "--set", slice);
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["run"], "run.json")));
        JsonElement results = record.RootElement.GetProperty("results");

        CliCall call = CliCall.Run("evaluate", scratch["run"], scratch["test.csv"], "--json");

        Assert.Equal("", call.Errors);
        using JsonDocument evaluation = JsonDocument.Parse(call.Output);
        Assert.Equal(results.GetProperty("test.loss").GetDouble(), evaluation.RootElement.GetProperty("loss").GetDouble());
        Assert.Equal(results.GetProperty("test.accuracy").GetDouble(), evaluation.RootElement.GetProperty("accuracy").GetDouble());
        Assert.Equal(TinyJob.Classes, evaluation.RootElement.GetProperty("classes").EnumerateArray().Select(item => item.GetProperty("class").GetString()!));
        Assert.Equal(60, evaluation.RootElement.GetProperty("classes").EnumerateArray().Sum(item => item.GetProperty("samples").GetInt32()));
        CliCall table = CliCall.Run("evaluate", scratch["run"], scratch["test.csv"]);
        Assert.Contains("60 samples: loss ", table.Output, StringComparison.Ordinal);
        Assert.Contains("red, dark", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_very_many_classes_the_table_has_those_with_the_lowest_F1_and_says_so()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, "data: { train: many.csv }\nmodel: [{ linear: 130 }]\ntraining: { epochs: 1 }\ncheckpoints: { everySeconds: null }\n");
        scratch.Write("many.csv", "x,y,class\n" + string.Concat(Enumerable.Range(0, 260).Select(i => $"{i % 130},{i % 7},c{i % 130}\n")));
        Assert.Equal(0, CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1").Code);

        CliCall call = CliCall.Run("evaluate", scratch["run"], scratch["many.csv"]);

        Assert.Equal((0, ""), (call.Code, call.Errors));
        Assert.Equal(128, call.Output.Split('\n').Count(line => line.Contains("│ c", StringComparison.Ordinal) && !line.Contains("class", StringComparison.Ordinal)));
        Assert.EndsWith("Of 130 classes the table has the 128 with the lowest F1; --json gives all.\n", call.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_more_classes_than_are_counted_it_says_why_there_are_no_scores_by_class()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, "data: { train: many.csv }\nmodel: [{ linear: 4097 }]\ntraining: { epochs: 1 }\ncheckpoints: { everySeconds: null }\n");
        scratch.Write("many.csv", "x,y,class\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i % 4097},{i % 7},c{i % 4097}\n")));
        Assert.Equal(0, CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1").Code);
        Assert.False(File.Exists(Path.Combine(scratch["run"], "confusion.csv")));

        CliCall call = CliCall.Run("evaluate", scratch["run"], scratch["many.csv"]);

        Assert.Equal((0, ""), (call.Code, call.Errors));
        Assert.EndsWith("\nNo scores by class: there are 4,097 classes, and samples are counted by class for at most 4,096.\n", call.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_gives_classes_and_probabilities_with_or_without_labels_in_the_file()
    {
        using var scratch = new Scratch();
        CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1", "--set", "training.epochs=60");
        scratch.Write("unlabelled.csv", TinyJob.Points(withLabels: false));

        CliCall labelled = CliCall.Run("predict", scratch["run"], scratch["points.csv"]);
        CliCall unlabelled = CliCall.Run("predict", scratch["run"], scratch["unlabelled.csv"], "--out", scratch["out.csv"]);

        Assert.Equal(new CliCall(0, "", ""), unlabelled);
        Assert.Equal(labelled.Output, File.ReadAllText(scratch["out.csv"]));
        string[] lines = labelled.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("class,blue,green,\"red, dark\"", lines[0]);
        Assert.Equal(61, lines.Length);
        int correct = 0;
        for (int i = 0; i < 60; i++)
        {
            string line = lines[i + 1];
            double[] probabilities = [.. line.Split(',')[^3..].Select(field => double.Parse(field, System.Globalization.CultureInfo.InvariantCulture))];
            Assert.Equal(1, probabilities.Sum(), 5);
            int best = Array.IndexOf(probabilities, probabilities.Max());
            Assert.StartsWith(best == 2 ? "\"red, dark\"," : TinyJob.Classes[best] + ",", line, StringComparison.Ordinal);
            correct += best == i % 3 ? 1 : 0;
        }

        Assert.True(correct >= 57, $"{correct} of 60 are right");
    }

    [Fact]
    public void A_parquet_table_is_trained_on_measured_and_predicted_for_as_the_same_table_in_csv()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        string[][] rows = [.. TinyJob.Points(withLabels: true).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',', 3))];
        HandmadeParquet.Chunk Numbers(string name, int column) => new(name, 5, rows.Length, HandmadeParquet.Page(
            rows.Length, HandmadeParquet.Plain, HandmadeParquet.Doubles([.. rows.Select(row => double.Parse(row[column], System.Globalization.CultureInfo.InvariantCulture))])));
        File.WriteAllBytes(scratch["points.parquet"], HandmadeParquet.Table(
            rows.Length, Numbers("x", 0), Numbers("y", 1),
            new("colour", 6, rows.Length, HandmadeParquet.Page(rows.Length, HandmadeParquet.Plain, HandmadeParquet.Texts([.. rows.Select(row => row[2].Trim('"'))])))));

        CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1");
        CliCall training = CliCall.Run("train", job, "--out", scratch["again"], "--quiet", "--workers", "1", "--set", "data.format=parquet", "--set", "data.train=points.parquet");

        Assert.Equal("", training.Errors);
        Assert.Equal(Digest("run"), Digest("again"));
        foreach (string verb in new[] { "evaluate", "predict" })
        {
            CliCall call = CliCall.Run(verb, scratch["run"], scratch["points.parquet"]);
            Assert.Equal("", call.Errors);
            Assert.Equal(CliCall.Run(verb, scratch["run"], scratch["points.csv"]), call);
        }

        string Digest(string run)
        {
            using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch[run], "run.json")));
            return record.RootElement.GetProperty("results").GetProperty("parameters_sha256").GetString()!;
        }
    }

    [Fact]
    public void Predict_and_evaluate_read_categories_and_missing_values_as_the_training_did()
    {
        using var scratch = new Scratch();
        string[] colours = ["red", "blue", ""];
        scratch.Write("train.csv", "id,size,colour,y\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"f{i},{(i % 7 == 0 ? "NA" : i % 5)},{colours[i % 3]},{(i % 3 == 0 ? 5 : 1)}\n")));
        string job = scratch.Write("job.yaml", """
            data: { train: train.csv, validation: 0.2, ignore: [id], columns: { size: { missing: median }, colour: { categories: one-hot, missing: none } } }
            model: [{ linear: 1 }]
            loss: mean-squared-error
            optimizer: { kind: adam, learningRate: 0.2 }
            training: { epochs: 60, batch: 12 }
            """);
        CliCall training = CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "2");
        scratch.Write("new.csv", "size,colour\n3,red\n,\n?,blue\n");
        scratch.Write("labelled.csv", "id,size,colour,y\nx,3,red,5\ny,,,1\nz,?,blue,1\n");
        scratch.Write("unknown.csv", "size,colour\n3,green\n");

        string predicted = CliCall.Run("predict", scratch["run"], scratch["new.csv"]).Output;

        Assert.Equal("", training.Errors);
        double[] values = [.. predicted.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => double.Parse(line, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(3, values.Length);
        Assert.InRange(values[0], 4.5, 5.5);
        Assert.InRange(values[1], 0.5, 1.5);
        Assert.InRange(values[2], 0.5, 1.5);
        Assert.Equal(predicted, CliCall.Run("predict", scratch["run"], scratch["labelled.csv"]).Output);
        Assert.StartsWith("3 samples: loss ", CliCall.Run("evaluate", scratch["run"], scratch["labelled.csv"]).Output, StringComparison.Ordinal);
        Assert.Contains("colour              one-hot: blue, none, red; missing: none", CliCall.Run("inspect", scratch["run"]).Output, StringComparison.Ordinal);
        Assert.Equal(
            $"Line 2 of '{scratch["unknown.csv"]}' has the category 'green' in column 'colour', which no training sample has; expected one of 'blue', 'none', 'red' (data.columns, unknown: own takes others too).",
            CliCall.Refused(3, "predict", scratch["run"], scratch["unknown.csv"]));
    }

    [Fact]
    public void Predict_and_evaluate_take_the_arrays_of_an_npz_file_by_name()
    {
        using var scratch = new Scratch();
        byte[] inputs = [.. Enumerable.Range(0, 80).Select(i => (byte)(i / 2 % 2 == 0 ? 200 : i % 7))];
        byte[] labels = [.. Enumerable.Range(0, 40).Select(i => (byte)(i % 2))];
        WriteNpz("data.npz", ("x_train", "(40, 2)", inputs), ("y_train", "(40,)", labels), ("x_test", "(20, 2)", inputs[..40]), ("y_test", "(20,)", labels[..20]));
        string job = scratch.Write("job.yaml", """
            data: { format: npy, train: { file: data.npz, inputs: x_train, labels: y_train }, test: { file: data.npz, inputs: x_test, labels: y_test } }
            model: [{ linear: 2 }]
            optimizer: { kind: adam, learningRate: 0.1 }
            training: { epochs: 20, batch: 10 }
            """);
        Assert.Equal("", CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "2").Errors);

        Assert.StartsWith("20 samples: loss ", CliCall.Run("evaluate", scratch["run"], scratch["data.npz"], "--inputs", "x_test", "--labels", "y_test").Output, StringComparison.Ordinal);
        Assert.Equal(41, CliCall.Run("predict", scratch["run"], scratch["data.npz"]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal($"{scratch["x.npy"]} is an npy file of inputs; expected --labels with the file of its labels.", Npy(scratch));

        // A pair of npy files has names of files, which are no names of arrays.
        File.WriteAllBytes(scratch["inputs.npy"], TinyJob.Npy("|u1", "(40, 2)", inputs));
        File.WriteAllBytes(scratch["labels.npy"], TinyJob.Npy("|u1", "(40,)", labels));
        CliCall.Run("train", job, "--out", scratch["pair"], "--quiet", "--workers", "1", "--set", "data={ format: npy, train: { inputs: inputs.npy, labels: labels.npy } }");
        WriteNpz("plain.npz", ("inputs", "(40, 2)", inputs), ("labels", "(40,)", labels));
        Assert.StartsWith("40 samples: loss ", CliCall.Run("evaluate", scratch["pair"], scratch["plain.npz"]).Output, StringComparison.Ordinal);
        Assert.Equal(CliCall.Run("predict", scratch["pair"], scratch["inputs.npy"]), CliCall.Run("predict", scratch["pair"], scratch["plain.npz"]));

        void WriteNpz(string name, params (string Name, string Shape, byte[] Bytes)[] arrays)
        {
            using System.IO.Compression.ZipArchive zip = System.IO.Compression.ZipFile.Open(scratch[name], System.IO.Compression.ZipArchiveMode.Create);
            foreach ((string array, string shape, byte[] bytes) in arrays)
            {
                using Stream stream = zip.CreateEntry(array + ".npy").Open();
                stream.Write(TinyJob.Npy("|u1", shape, bytes));
            }
        }

        static string Npy(Scratch scratch)
        {
            File.WriteAllBytes(scratch["x.npy"], [0x93, .. "NUMPY"u8, 1, 0, 0, 0]);
            return CliCall.Refused(2, "evaluate", scratch["run"], scratch["x.npy"]);
        }
    }

    [Fact]
    public void A_picture_in_place_of_a_folder_of_them_is_called_one()
    {
        using var scratch = new Scratch();
        foreach ((string name, string picture) in new[] { ("red", "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mM4wcUFRAwQCgAbFgNx0E3BywAAAABJRU5ErkJggg=="), ("blue", "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mPg4joBRAwQCgAVJgNxm2WouwAAAABJRU5ErkJggg==") })
        {
            Directory.CreateDirectory(scratch[$"pictures/{name}"]);
            for (int i = 0; i < 4; i++)
            {
                File.WriteAllBytes(scratch[$"pictures/{name}/{i}.png"], Convert.FromBase64String(picture));
            }
        }

        string job = scratch.Write("job.yaml", "data: { format: images, train: pictures }\nmodel: [flatten, { linear: 2 }]\ntraining: { epochs: 1 }");
        Assert.Equal("", CliCall.Run("train", job, "--out", scratch["run"], "--quiet", "--workers", "1").Errors);
        string one = scratch["pictures/red/0.png"];

        foreach (string verb in new[] { "predict", "evaluate" })
        {
            Assert.Equal($"'{one}' is a file; expected a folder of images, as the model takes images.", CliCall.Refused(3, verb, scratch["run"], one));
        }

        Assert.StartsWith("8 samples: loss ", CliCall.Run("evaluate", scratch["run"], scratch["pictures"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_place_of_a_table_is_called_one()
    {
        using var scratch = new Scratch();
        Assert.Equal("", CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1").Errors);
        foreach (string verb in new[] { "predict", "evaluate" })
        {
            Assert.Equal($"'{scratch["run"]}' is a folder; expected a table, as the model takes tables.", CliCall.Refused(3, verb, scratch["run"], scratch["run"]));
        }
    }

    [Fact]
    public void Predict_gives_the_values_of_a_regression()
    {
        using var scratch = new Scratch();
        scratch.Write("line.csv", "x,y\n" + string.Concat(Enumerable.Range(0, 40).Select(i => FormattableString.Invariant($"{i},{(2 * i) + 1}\n"))));
        string job = scratch.Write("job.yaml", "data: { train: line.csv }\nmodel: [{ linear: 1 }]\nloss: mean-squared-error\noptimizer: { kind: sgd, learningRate: 0.05 }\ntraining: { epochs: 60, batch: 10 }");

        CliCall training = CliCall.Run("train", job, "--out", scratch["run"], "--workers", "1");
        CliCall call = CliCall.Run("predict", scratch["run"], scratch["line.csv"]);

        Assert.Equal("", training.Errors + call.Errors);
        Assert.DoesNotContain("accuracy", training.Output, StringComparison.Ordinal);
        string[] lines = call.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("value", lines[0]);
        Assert.Equal(41, lines.Length);
        Assert.Equal(21, double.Parse(lines[11], System.Globalization.CultureInfo.InvariantCulture), 1);
    }

    [Fact]
    public void Inspect_tells_the_digest_of_the_run()
    {
        using var scratch = new Scratch();

        // Trained on far beyond its best epoch, so that the last parameters are not the model's.
        string[] stopping = ["--set", "training.earlyStopping.patience=3", "--set", "training.epochs=40", "--set", "optimizer.learningRate=0.8"];
        CliCall.Run(["train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "1", .. stopping]);
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["run"], "run.json")));
        string digest = record.RootElement.GetProperty("results").GetProperty("parameters_sha256").GetString()!;

        CliCall text = CliCall.Run("inspect", scratch["run"]);
        CliCall json = CliCall.Run("inspect", scratch["run"], "--json");

        Assert.Contains(digest, text.Output, StringComparison.Ordinal);
        Assert.Contains("fc1", text.Output, StringComparison.Ordinal);
        using JsonDocument inspected = JsonDocument.Parse(json.Output);
        Assert.Equal(digest, inspected.RootElement.GetProperty("parameters_sha256").GetString());
        Assert.NotEqual(digest, inspected.RootElement.GetProperty("last_parameters_sha256").GetString());
        Assert.True(record.RootElement.GetProperty("results").GetProperty("stopped_early").GetBoolean());
        Assert.Equal(51, inspected.RootElement.GetProperty("parameter_count").GetInt64());
    }

    [Fact]
    public void A_folder_without_a_model_is_refused()
    {
        using var scratch = new Scratch();

        foreach (string verb in new[] { "inspect", "evaluate", "predict" })
        {
            string[] args = verb == "inspect" ? [verb, scratch["none"]] : [verb, scratch["none"], scratch["data.csv"]];
            Assert.Contains("does not exist; expected a run folder or a checkpoint", CliCall.Refused(3, args), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Check_grad_agrees_for_every_parameter()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("check-grad", TinyJob.Write(scratch), "--json");

        Assert.Equal(0, call.Code);
        using JsonDocument report = JsonDocument.Parse(call.Output);
        Assert.True(report.RootElement.GetProperty("passed").GetBoolean());
        Assert.Equal(
            ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"],
            report.RootElement.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()!));
        Assert.Contains("the gradients agree", CliCall.Run("check-grad", TinyJob.Write(scratch), "--set", "training.slice=2147483647").Output, StringComparison.Ordinal);
    }
}
