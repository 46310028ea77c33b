using Xunit;

namespace DistNet.Cli.Tests;

public sealed class BadJobTests
{
    [Theory]
    [InlineData("optimizer: { learningRat: 0.1 }", "job.yaml line 3: unknown key optimizer.learningRat; the nearest known key is optimizer.learningRate.")]
    [InlineData("optimiser: { learningRate: 0.1 }", "job.yaml line 3: unknown key optimiser; the nearest known key is optimizer.")]
    [InlineData("blocs: {}", "job.yaml line 3: unknown key blocs; the nearest known key is blocks.")]
    [InlineData("learningRate: 0.1", "job.yaml line 3: unknown key learningRate; the nearest known key is optimizer.learningRate.")]
    [InlineData("optimizer:\n  kind: sgd\n  learningRate: fast", "job.yaml line 5: optimizer.learningRate is 'fast'; expected a number above 0.")]
    [InlineData("optimizer: { learningRate: \"0.1\" }", "job.yaml line 3: optimizer.learningRate is the text '0.1'; expected a number above 0.")]
    [InlineData("optimizer: { learningRate: .inf }", "job.yaml line 3: optimizer.learningRate is '.inf'; expected a number above 0.")]
    [InlineData("optimizer: { learningRate: NaN }", "job.yaml line 3: optimizer.learningRate is 'NaN'; expected a number above 0.")]
    [InlineData("optimizer: { emaDecay: 1 }", "job.yaml line 3: optimizer.emaDecay is '1'; expected a number of at least 0 and below 1, or null.")]
    [InlineData("optimizer: [sgd]", "job.yaml line 3: optimizer is a list; expected a section with keys among kind, learningRate, weightDecay, decayBiases, momentum, nesterov, beta1, beta2, epsilon, clipNorm, emaDecay.")]
    [InlineData("optimizer: adamx", "job.yaml line 3: optimizer is 'adamx'; expected sgd, adam or adamw.")]
    [InlineData("training: { batch: 0 }", "job.yaml line 3: training.batch is '0'; expected a whole number of at least 1.")]
    [InlineData("training: { slice: 0 }", "job.yaml line 3: training.slice is '0'; expected a whole number of at least 1.")]
    [InlineData("training: { slice: -4 }", "job.yaml line 3: training.slice is '-4'; expected a whole number of at least 1.")]
    [InlineData("training: { epochs: 1.5 }", "job.yaml line 3: training.epochs is '1.5'; expected a whole number of at least 1.")]
    [InlineData("training: { epochs: }", "job.yaml line 3: training.epochs is empty; expected a whole number of at least 1.")]
    [InlineData("training: { earlyStopping: true }", "job.yaml line 3: training.earlyStopping is 'true'; expected a section with keys among patience, minimumImprovement.")]
    [InlineData("training: { epochs: 2, batch: 3, epochs: 4 }", "job.yaml line 3: the key 'epochs' is given twice (first at job.yaml line 3); expected it once.")]
    [InlineData("training: { epochs: 2", "job.yaml line 4: this is not YAML: ")]
    [InlineData("optimizer: { momentum: 0.9 }", "job.yaml line 3: optimizer.momentum is 0.9, but optimizer.kind is adamw; ")]
    [InlineData("optimizer: { kind: sgd, beta1: 0.8 }", "job.yaml line 3: optimizer.beta1 is 0.8, which is for adam and adamw only; optimizer.kind is \"sgd\".")]
    [InlineData("schedule: { factor: 0.5 }", "job.yaml line 3: schedule.factor is 0.5, which is for step, exponential and plateau only; schedule.kind is \"constant\".")]
    [InlineData("schedule: plateau", "job.yaml line 3: schedule.kind is plateau, which follows the validation loss, but there is no validation data; ")]
    [InlineData("training: { earlyStopping: {} }", "job.yaml line 3: training.earlyStopping follows the validation loss, but there is no validation data; ")]
    public void A_wrong_key_or_value_is_refused_with_line_found_and_expected(string text, string sentence)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, "data: { train: points.csv }\nmodel: [{ linear: 3 }]\n" + text);

        Assert.StartsWith(sentence, CliCall.Refused(3, "train", job, "--out", scratch["run"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Theory]
    [InlineData("x: mean", "job.yaml line 1: data.columns.x is 'mean'; expected a section with missing, categories or unknown.")]
    [InlineData("x: {}", "job.yaml line 1: data.columns.x is an empty section; expected a section with missing, categories or unknown.")]
    [InlineData("x: { mising: mean }", "job.yaml line 1: unknown key data.columns.x.mising; the nearest known key is data.columns.x.missing.")]
    [InlineData("x: { missing: average }", "job.yaml line 1: data.columns.x.missing is 'average'; expected mean, median, zero, most-frequent or a finite number, as the column holds numbers")]
    [InlineData("x: { missing: 1e39 }", "job.yaml line 1: data.columns.x.missing is '1e39'; expected mean, ")]
    [InlineData("x: { categories: onehot }", "job.yaml line 1: data.columns.x.categories is 'onehot'; expected one-hot or codes.")]
    [InlineData("x: { categories: codes, missing: mean }", "job.yaml line 1: data.columns.x.missing is mean, which is for numbers; expected most-frequent or a category")]
    [InlineData("x: { unknown: own }", "job.yaml line 1: data.columns.x.unknown is own, which is for categories; expected data.columns.x.categories beside it")]
    [InlineData("z: { missing: mean }", "The CSV file 'points.csv' has no column 'z', which data.columns names; known: 'x', 'y', 'colour'")]
    public void A_wrong_rule_for_a_column_is_refused_with_its_place(string rules, string sentence)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, $"data: {{ train: points.csv, columns: {{ {rules} }} }}\nmodel: [{{ linear: 3 }}]\n");

        Assert.StartsWith(sentence, CliCall.Refused(3, "train", job, "--out", scratch["run"]).Replace(scratch["points.csv"], "points.csv", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "job.yaml line 1: model is an empty list; expected at least one module.")]
    [InlineData("relu", "job.yaml line 1: model is 'relu'; expected a list of modules such as { linear: 128 }, or a section with nodes and output.")]
    [InlineData("[{ linar: 3 }]", "job.yaml line 1: unknown module 'linar' in model.0; the nearest known module is linear.")]
    [InlineData("[{ linear: 3, baes: false }]", "job.yaml line 1: unknown key model.0.baes; the nearest known key of a linear is bias.")]
    [InlineData("[{ linear: 3, relu: }]", "job.yaml line 1: model.0 names two modules, linear and relu; expected one.")]
    [InlineData("[linear]", "job.yaml line 1: model.0.linear is empty; expected a whole number of at least 1.")]
    [InlineData("[{ dropout: 1 }]", "job.yaml line 1: model.0.dropout is '1'; expected a number of at least 0 and below 1.")]
    [InlineData("[{ random-crop: -1 }]", "job.yaml line 1: model.0.random-crop is '-1'; expected a whole number of at least 0.")]
    [InlineData("[{ random-flip: 2 }]", "job.yaml line 1: model.0.random-flip is '2'; expected a number of at least 0 and at most 1.")]
    [InlineData("[cutout]", "job.yaml line 1: model.0.cutout is empty; expected a whole number of at least 1.")]
    [InlineData("[random-horizontal-flip]", "job.yaml line 1: unknown module 'random-horizontal-flip' in model.0; the nearest known module is random-flip.")]
    [InlineData("[{ relu: 3 }]", "job.yaml line 1: model.0.relu is '3'; expected nothing, as relu takes no value.")]
    [InlineData("[{ max-pool2d: [2, 2, 2] }]", "job.yaml line 1: model.0.max-pool2d is a list; expected a whole number of at least 1, or a list of two, [height, width].")]
    [InlineData("[{ max-pool2d: 2, padding: 2 }]", "job.yaml line 1: model.0 cannot be made: A module of kind max-pool2d has the padding 2×2 and the kernel 2×2; the padding may be half the kernel at most.")]
    [InlineData("[{ conv2d: 8 }]", "job.yaml line 1: model.0.kernel is missing; expected a whole number of at least 1, or a list of two, [height, width].")]
    [InlineData("[{ conv2d: 8, kernel: 3, padding: valid }]", "job.yaml line 1: model.0.padding is 'valid'; expected a whole number of at least 0, or a list of two, [height, width], or same.")]
    [InlineData("[{ conv2d: 8, kernel: 3, padding: same, stride: 2 }]", "job.yaml line 1: model.0 cannot be made: A module of kind conv2d has the padding 'same' and the stride 2×2; 'same' needs a stride of 1.")]
    [InlineData("[{ reshape: [0] }]", "job.yaml line 1: model.0 cannot be made: A module of kind reshape has the shape [0]; it needs dimensions of at least 1, of which one may be -1.")]
    [InlineData("[{ linear: 3, name: fc2 }, { linear: 3 }]", "job.yaml line 1: model.1 is named 'fc2', as another node is; expected a name of its own.")]
    [InlineData("[{ linear: 3 }, { shares: fc2 }]", "job.yaml line 1: model.1 shares the parameters of 'fc2', which is no node; the nearest is 'fc1'.")]
    [InlineData("{ nodes: { a: { linear: 3, from: inptu } }, output: a }", "job.yaml line 1: model.nodes.a takes from 'inptu', which is no node; the nearest is 'input'.")]
    [InlineData("{ nodes: { a: { linear: 3, from: input } }, output: b }", "job.yaml line 1: model.output is 'b', which is no node; the nearest is 'a'.")]
    [InlineData("{ nodes: { a: { linear: 3 } }, output: a }", "job.yaml line 1: model.nodes.a.from is missing; expected the name of a node, or a list of names.")]
    [InlineData("{ nodes: { a: { linear: 3, from: input } } }", "job.yaml line 1: model.output is missing; expected the name of a node.")]
    [InlineData("[{ select: { feature: 0, below: 1, branches: [[relu]] } }]", "job.yaml line 1: model.0.select.branches is a list of 1; expected a list of 2 models.")]
    public void A_wrong_model_is_refused_with_the_place_in_it(string model, string sentence)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, $"model: {model}\ndata: {{ train: points.csv }}");

        Assert.Equal(sentence, CliCall.Refused(3, "train", job, "--out", scratch["run"]));
    }

    [Theory]
    [InlineData("{ nodes: { a: { linear: 3, from: b }, b: { relu: , from: a } }, output: b }", "cycle")]
    [InlineData("[{ linear: 4 }]", "fc1")]
    [InlineData("[{ linear: 40000 }, { linear: 40000 }, { linear: 40000 }, { linear: 3 }]", "3200320016 floats")]
    [InlineData("{ nodes: { a: { linear: 2, from: input }, b: { linear: 3, from: input }, sum: { add: , from: [a, b] } }, output: sum }", "'sum'")]
    [InlineData("{ nodes: { a: { linear: 3, from: input }, lost: { relu: , from: a } }, output: a }", "'lost'")]
    public void A_model_that_cannot_be_built_is_refused_with_the_node(string model, string part)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, $"model: {model}\ndata: {{ train: points.csv }}");

        Assert.Contains(part, CliCall.Refused(3, "train", job, "--out", scratch["run"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Fact]
    public void A_model_that_fits_one_process_but_not_between_processes_is_refused_there()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch, "model: [{ linear: 24000 }, { linear: 24000 }, { linear: 3 }]\ndata: { train: points.csv }");

        Assert.Equal(
            "All parameters of the model together are 576,168,016 floats; expected at most 536,870,911 (2 GiB) between processes: take a smaller model, or train in one process.",
            CliCall.Refused(3, "coordinator", job, "--bind", "127.0.0.1:0", "--out", scratch["run"]));
    }

    [Theory]
    [InlineData("channels: 2", "job.yaml line 1: data.channels is '2'; expected 1 or 3.")]
    [InlineData("channels: \"3\"", "job.yaml line 1: data.channels is the text '3'; expected 1 or 3.")]
    [InlineData("channels: 1", "The data folder 'pictures' does not exist; looked for ")]
    [InlineData("channels: 3", "The data folder 'pictures' does not exist; looked for ")]
    public void A_wrong_number_of_channels_is_refused_with_its_place(string channels, string sentence)
    {
        using var scratch = new Scratch();
        string job = scratch.Write("job.yaml", $"data: {{ format: images, train: pictures, {channels} }}\nmodel: [flatten, {{ linear: 3 }}]");

        Assert.StartsWith(sentence, CliCall.Refused(3, "train", job, "--out", scratch["run"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_job_or_key_is_named()
    {
        using var scratch = new Scratch();

        Assert.EndsWith("none.yaml: there is no such job file.", CliCall.Refused(3, "train", scratch["none.yaml"]), StringComparison.Ordinal);
        Assert.Equal("empty.yaml: the job is empty; expected keys such as data, model and training.", CliCall.Refused(3, "train", scratch.Write("empty.yaml", "")));
        Assert.StartsWith("a.yaml: the key model is missing; ", CliCall.Refused(3, "train", scratch.Write("a.yaml", "data: { train: a.csv }")), StringComparison.Ordinal);
        Assert.StartsWith("b.yaml: the key data.train is missing; ", CliCall.Refused(3, "train", scratch.Write("b.yaml", "model: [relu]")), StringComparison.Ordinal);
        Assert.StartsWith(
            "c.yaml line 1: data.train is 'a.idx'; expected { images: FILE, labels: FILE }",
            CliCall.Refused(3, "train", scratch.Write("c.yaml", "data: { format: idx, train: a.idx }\nmodel: [relu]")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("optimizer.learningRat=1", "--set optimizer.learningRat=1: unknown key optimizer.learningRat; the nearest known key is optimizer.learningRate.")]
    [InlineData("training.batch=many", "--set training.batch=many: training.batch is 'many'; expected a whole number of at least 1.")]
    [InlineData("model.7.linear=4", "--set model.7.linear=4: '7' is no element of model; expected an index from 0 to 3.")]
    [InlineData("data.train.x=4", "--set data.train.x=4: data.train is 'points.csv', so it has no key 'x'.")]
    public void A_wrong_override_is_named(string text, string sentence)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);

        Assert.Equal(sentence, CliCall.Refused(3, "train", job, "--out", scratch["run"], "--set", text));
    }

    [Theory]
    [InlineData(new[] { "trian" }, "there is no command 'trian'; the nearest is 'train'.")]
    [InlineData(new[] { "train" }, "JOB")]
    [InlineData(new[] { "train", "job.yaml", "--worker", "2" }, "--worker")]
    [InlineData(new[] { "train", "job.yaml", "--workers", "0" }, "--workers is '0'; expected a whole number of at least 1")]
    [InlineData(new[] { "train", "job.yaml", "--seed", "-1" }, "--seed is '-1'; expected a whole number of at least 0")]
    [InlineData(new[] { "train", "" }, "JOB is empty; expected a file or folder")]
    [InlineData(new[] { "train", "job.yaml", "--initialize", "" }, "--initialize is empty; expected a file or folder")]
    [InlineData(new[] { "train", "job.yaml", "--data", "" }, "--data is empty; expected a file or folder")]
    [InlineData(new[] { "train", "job.yaml", "--out", "" }, "--out is empty; expected a file or folder")]
    [InlineData(new[] { "import", "job.yaml", "" }, "FILE is empty; expected a file or folder")]
    [InlineData(new[] { "export", "" }, "RUN is empty; expected a file or folder")]
    [InlineData(new[] { "export", "run", "--out", "" }, "--out is empty; expected a file or folder")]
    [InlineData(new[] { "predict", "run", "" }, "DATA is empty; expected a file or folder")]
    [InlineData(new[] { "certs", "--hosts", "h", "--out", "" }, "--out is empty; expected a file or folder")]
    [InlineData(new string[0], "command")]
    public void A_command_called_wrongly_exits_with_2(string[] args, string part) => Assert.Contains(part, CliCall.Refused(2, args), StringComparison.Ordinal);

    [Fact]
    public void An_override_without_a_value_is_a_wrong_call()
    {
        using var scratch = new Scratch();

        Assert.Equal("--set training.batch: expected path.to.key=value.", CliCall.Refused(2, "train", TinyJob.Write(scratch), "--set", "training.batch"));
    }

    [Fact]
    public void An_error_is_a_json_event_too_when_json_is_asked_for()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("train", scratch["none.yaml"], "--json");

        Assert.Equal(3, call.Code);
        Assert.Contains("\"event\":\"error\"", call.Output, StringComparison.Ordinal);
        Assert.Contains("\"exit_code\":3", call.Output, StringComparison.Ordinal);
        Assert.EndsWith("there is no such job file.", call.Sentence, StringComparison.Ordinal);
    }
}
