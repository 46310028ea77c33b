using System.Collections.Immutable;
using CsCheck;
using DistNet.Cli.JobFiles;
using DistNet.Jobs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Training;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class JobFileTests
{
    private const string Minimal = "data: { train: a.csv }\nmodel: [{ linear: 4 }, relu, { linear: 3 }]\n";

    [Fact]
    public void A_job_with_the_required_keys_alone_has_every_default()
    {
        Job job = Read(Minimal);

        Assert.Equal(new OptimizerOptions(), job.Optimizer);
        Assert.Equal(new TrainingOptions(), job.Training);
        Assert.Equal(new ScheduleOptions(), job.Schedule);
        Assert.Equal(new RegularizationOptions(), job.Regularization);
        Assert.Equal(new CheckpointOptions(), job.Checkpoints);
        Assert.Equal(new DataOptions { Train = new DataFiles("a.csv"), BaseFolder = "base" }, job.Data);
        Assert.Equal(LossKind.CrossEntropy, job.Loss.Kind);
    }

    [Fact]
    public void A_chain_names_its_nodes_by_kind_and_number()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [{ linear: 4, name: hidden, bias: false }, relu, { dropout: 0.2 }, log-softmax, { linear: 3 }, dropout]");

        Assert.Equal(["hidden", "relu1", "dropout1", "logsoftmax1", "fc2", "dropout2"], job.Model.Nodes.Select(node => node.Name));
        Assert.Equal("dropout2", job.Model.Output);
        Assert.False(Assert.IsType<Linear>(job.Model.Nodes[0].Module).HasBias);
        Assert.Equal(0.2, Assert.IsType<Dropout>(job.Model.Nodes[2].Module).Probability);
        Assert.Equal(0.5, Assert.IsType<Dropout>(job.Model.Nodes[5].Module).Probability);
    }

    [Fact]
    public void Augmentations_are_words_with_the_usual_values_or_their_own()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [random-crop, { random-crop: 2 }, random-flip, { random-flip: 0.1 }, { cutout: 8 }, flatten, { linear: 3 }]");

        Assert.Equal(["randomcrop1", "randomcrop2", "randomflip1", "randomflip2", "cutout1", "flatten1", "fc1"], job.Model.Nodes.Select(node => node.Name));
        Assert.Equal([4, 2], job.Model.Nodes.Select(node => node.Module).OfType<RandomCrop>().Select(crop => crop.Padding));
        Assert.Equal([0.5, 0.1], job.Model.Nodes.Select(node => node.Module).OfType<RandomFlip>().Select(flip => flip.Probability));
        Assert.Equal(8, Assert.IsType<Cutout>(job.Model.Nodes[4].Module).Size);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void Norms_are_words_or_take_options_by_PyTorch_s_names()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [batch-norm, { batch-norm: , momentum: 0.25, affine: false, epsilon: 1e-3 }, layer-norm, { layer-norm: 3, affine: false }, { group-norm: 8 }]");

        Assert.Equal(["bn1", "bn2", "ln1", "ln2", "gn1"], job.Model.Nodes.Select(node => node.Name));
        BatchNorm[] norms = [.. job.Model.Nodes.Select(node => node.Module).OfType<BatchNorm>()];
        Assert.Equal((1e-5, 0.1, true), (norms[0].Epsilon, norms[0].Momentum, norms[0].Affine));
        Assert.Equal((1e-3, 0.25, false), (norms[1].Epsilon, norms[1].Momentum, norms[1].Affine));
        Assert.Equal([(1, true), (3, false)], job.Model.Nodes.Select(node => node.Module).OfType<LayerNorm>().Select(norm => (norm.NormalizedDimensions, norm.Affine)));
        Assert.Equal(8, Assert.IsType<GroupNorm>(job.Model.Nodes[4].Module).Groups);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_graph_keeps_names_inputs_shares_and_branches()
    {
        Job job = Read("""
            data: { train: a.csv }
            model:
              nodes:
                a: { linear: 4, from: input }
                b: { shares: a, from: input }
                s: { add: , from: [a, b] }
                c: { select: { feature: 1, below: 0.5, branches: [[relu], [tanh, { linear: 4 }]] }, from: s }
                d: { select: { argMax: { first: 0, count: 2 }, branches: [[relu], { nodes: { x: { tanh: , from: input } }, output: x }] }, from: c }
              output: d
            """);

        Assert.Equal("a", job.Model.Nodes[1].Shares);
        Assert.Same(job.Model.Nodes[0].Module, job.Model.Nodes[1].Module);
        Assert.Equal(["a", "b"], job.Model.Nodes[2].Inputs);
        var select = Assert.IsType<Select>(job.Model.Nodes[3].Module);
        Assert.Equal(0.5f, Assert.IsType<ThresholdRule>(select.Rule).Below);
        Assert.Equal(["tanh1", "fc1"], select.Branches[1].Nodes.Select(node => node.Name));
        Assert.Equal(2, Assert.IsType<ArgMaxRule>(Assert.IsType<Select>(job.Model.Nodes[4].Module).Rule).Branches);
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_size_is_one_number_or_two_and_a_pool_moves_by_its_window_unless_told()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [{ reshape: [1, 28, -1] }, { max-pool2d: 2 }, { avg-pool2d: [3, 2], stride: 1, padding: [1, 0], countIncludePadding: false }, global-average-pool]");

        Assert.Equal(["reshape1", "pool1", "pool2", "pool3"], job.Model.Nodes.Select(node => node.Name));
        Assert.Equal([1, 28, -1], Assert.IsType<Reshape>(job.Model.Nodes[0].Module).Dimensions);
        var max = Assert.IsType<MaxPool2d>(job.Model.Nodes[1].Module);
        Assert.Equal(((Size2d)2, (Size2d)2, (Size2d)0, (Size2d)1), (max.Kernel, max.Stride, max.Padding, max.Dilation));
        var average = Assert.IsType<AvgPool2d>(job.Model.Nodes[2].Module);
        Assert.Equal((new Size2d(3, 2), new Size2d(1, 1), new Size2d(1, 0), false), (average.Kernel, average.Stride, average.Padding, average.CountIncludePadding));
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_convolution_takes_the_options_of_PyTorch()
    {
        Job job = Read("data: { train: a.csv }\nmodel: [{ reshape: [4, 8, -1] }, { conv2d: 8, kernel: 3, padding: same }, { conv2d: 6, kernel: [3, 1], stride: [1, 2], padding: [1, 0], dilation: 2, groups: 2, bias: false }]");

        Assert.Equal(["reshape1", "conv1", "conv2"], job.Model.Nodes.Select(node => node.Name));
        var first = Assert.IsType<Conv2d>(job.Model.Nodes[1].Module);
        Assert.Equal((8, (Size2d)3, (Size2d)1, Conv2d.Same, (Size2d)1, 1, true), (first.OutputCount, first.Kernel, first.Stride, first.Padding, first.Dilation, first.Groups, first.HasBias));
        var second = Assert.IsType<Conv2d>(job.Model.Nodes[2].Module);
        Assert.Equal(
            (6, new Size2d(3, 1), new Size2d(1, 2), new Size2d(1, 0), (Size2d)2, 2, false),
            (second.OutputCount, second.Kernel, second.Stride, second.Padding, second.Dilation, second.Groups, second.HasBias));
        RoundTrip.Holds(job);
    }

    [Fact]
    public void A_word_in_place_of_a_section_is_its_kind()
    {
        Job job = Read(Minimal + "loss: mean-squared-error\noptimizer: sgd\nschedule: cosine");

        Assert.Equal(LossKind.MeanSquaredError, job.Loss.Kind);
        Assert.Equal(OptimizerKind.Sgd, job.Optimizer.Kind);
        Assert.Equal(ScheduleKind.Cosine, job.Schedule.Kind);
    }

    [Fact]
    public void Early_stopping_is_off_unless_there_is_a_section()
    {
        const string Validated = "data: { train: a.csv, validation: 0.2 }\nmodel: [relu]\n";

        Assert.Null(Read(Validated).Training.EarlyStopping);
        Assert.Null(Read(Validated + "training: { earlyStopping: null }").Training.EarlyStopping);
        Assert.Equal(new EarlyStoppingOptions(5), Read(Validated + "training: { earlyStopping: {} }").Training.EarlyStopping);
        Assert.Equal(new EarlyStoppingOptions(5, 0.25), Read(Validated + "training: { earlyStopping: { minimumImprovement: 0.25 } }").Training.EarlyStopping);
    }

    [Fact]
    public void The_effective_job_is_a_job_file_that_gives_the_same_job() =>
        Texts.Sample(text => RoundTrip.Holds(Read(text)), iter: 300);

    [Fact]
    public void Setting_a_key_gives_the_job_of_a_file_with_that_key()
    {
        foreach (Setting first in Settings)
        {
            foreach (Setting second in Settings)
            {
                (JobValue root, ImmutableArray<Setting> taken) = With(Minimal, first, second);
                Job job = JobFile.Read(root, "base");
                Assert.Equal(first, taken[0]);
                Assert.All(taken, setting => Assert.Equal(setting.Value, JobFile.ValueText(JobKeys.All.First(key => key.Path == setting.Path), job)));
            }
        }
    }

    [Fact]
    public void Setting_an_element_of_a_list_goes_by_its_index()
    {
        using var scratch = new Scratch();
        string path = scratch.Write("job.yaml", Minimal + "loss: cross-entropy");

        Job job = JobLoader.Load(path, ["model.0.linear=64", "model.1=tanh", "loss.classWeights=[1, 2, 3]", "data.test=b.csv"], seed: 7);

        Assert.Equal(64, Assert.IsType<Linear>(job.Model.Nodes[0].Module).OutputCount);
        Assert.IsType<Tanh>(job.Model.Nodes[1].Module);
        Assert.Equal([1f, 2f, 3f], job.Loss.ClassWeights);
        Assert.Equal("b.csv", job.Data!.Test!.File);
        Assert.Equal(7ul, job.Training.Seed);
        Assert.Equal(scratch.Folder, job.Data.BaseFolder);
    }

    [Fact]
    public void A_size_of_images_is_one_number_or_two()
    {
        Job Sized(string size) => Read($"data: {{ format: images, train: pictures, size: {size} }}\nmodel: [flatten, {{ linear: 2 }}]");
        Assert.Equal(new Size2d(32, 32), Sized("32").Data!.ImageSize);
        Assert.Equal(new Size2d(32, 24), Sized("[32, 24]").Data!.ImageSize);
        Assert.Null(Sized("null").Data!.ImageSize);
        RoundTrip.Holds(Sized("[32, 24]"));
        Assert.Equal(JobFile.ToJson(Sized("32")), JobFile.ToJson(Sized("[32, 32]")));
        Assert.EndsWith(
            "; expected a whole number from 1 to 16384, or a list of two, [height, width], or null.",
            Assert.Throws<DistNetException>(() => Sized("16385")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_but_the_model_is_set_by_a_test_here() =>
        Assert.Equal(JobKeys.All.Select(key => key.Path).Where(path => path != "model").Order(), Settings.Select(setting => setting.Path).Distinct().Order());

    /// <summary>A value for a key, and what else a job must say for the key to apply.</summary>
    internal sealed record Setting(string Path, string Value, params ImmutableArray<(string Path, string Value)> Needs);

    private static readonly (string, string) Csv = ("data.format", "\"csv\""), Images = ("data.format", "\"images\""), Validation = ("data.validation", "0.2");
    private static readonly (string, string) CrossEntropy = ("loss.kind", "\"cross-entropy\""), Sgd = ("optimizer.kind", "\"sgd\""), AdamW = ("optimizer.kind", "\"adamw\"");
    private static readonly (string, string) Cosine = ("schedule.kind", "\"cosine\""), Step = ("schedule.kind", "\"step\""), OneCycle = ("schedule.kind", "\"one-cycle\""), Plateau = ("schedule.kind", "\"plateau\"");
    private static readonly (string, string) Stopping = ("training.earlyStopping", "{}"), From = ("training.initializeFrom", "{ file: a.safetensors }");

    internal static ImmutableArray<Setting> Settings { get; } =
    [
        new("data.format", "\"images\""), new("data.train", "\"b.csv\""), new("data.validation", "0.5"), new("data.validation", "\"b.csv\""), new("data.test", "\"c.csv\""),
        new("data.label", "\"first\"", Csv), new("data.header", "true", Csv), new("data.header", "\"auto\"", Csv), new("data.delimiter", "\";\"", Csv), new("data.delimiter", "\"tab\"", Csv),
        new("data.columns", """{"age":{"missing":"mean"},"1":{"categories":"one-hot","unknown":"own"}}""", Csv), new("data.ignore", """["id","7"]""", Csv),
        new("data.size", "[28,32]", Images), new("data.channels", "1", Images), new("data.normalize", "\"none\""), new("data.normalize", "\"channel\"", Images),
        new("loss.kind", "\"mean-squared-error\""), new("loss.classWeights", "[1,0.5,1E-05]", CrossEntropy), new("loss.labelSmoothing", "0.1", CrossEntropy),
        new("optimizer.kind", "\"adam\""), new("optimizer.learningRate", "0.25"), new("optimizer.weightDecay", "0.125", AdamW), new("optimizer.decayBiases", "true"),
        new("optimizer.momentum", "0.75", Sgd), new("optimizer.nesterov", "true", Sgd, ("optimizer.momentum", "0.75")), new("optimizer.beta1", "0.5", AdamW), new("optimizer.beta2", "0.75", AdamW),
        new("optimizer.epsilon", "0.001", AdamW), new("optimizer.clipNorm", "2"), new("optimizer.clipNorm", "null"), new("optimizer.emaDecay", "0.999"),
        new("regularization.l1", "0.001"), new("regularization.l2", "1E-05"),
        new("schedule.kind", "\"exponential\""), new("schedule.warmupSteps", "12", Cosine), new("schedule.factor", "0.5", Step), new("schedule.everyEpochs", "3", Step),
        new("schedule.minimum", "0.25", Plateau, Validation), new("schedule.patience", "3", Plateau, Validation), new("schedule.riseShare", "0.5", OneCycle), new("schedule.initialFactor", "0.5", OneCycle),
        new("training.epochs", "3"), new("training.batch", "17"), new("training.slice", "5"), new("training.seed", "18446744073709551615"),
        new("training.nonFinite", "\"skip\""), new("training.shuffle", "\"once\""), new("training.initialization", "\"pytorch\""),
        new("training.initializeFrom.file", "\"b.safetensors\"", From), new("training.initializeFrom.skip", """["fc3.*","head"]""", From), new("training.initializeFrom.sha256", "\"0a\"", From),
        new("training.initializeFrom.optimizer", "\"o.safetensors\"", From), new("training.initializeFrom.optimizerSha256", "\"0b\"", From),
        new("training.earlyStopping.patience", "7", Validation, Stopping), new("training.earlyStopping.minimumImprovement", "0.5", Validation, Stopping),
        new("checkpoints.everySeconds", "null"), new("checkpoints.everySteps", "100"), new("checkpoints.keep", "7"),
    ];

    /// <summary>A job file with those of the settings that go together with the ones before them.</summary>
    internal static (JobValue Root, ImmutableArray<Setting> Taken) With(string text, params ReadOnlySpan<Setting> settings)
    {
        JobValue root = JobYaml.Read(text, "job.yaml");
        Dictionary<string, string> values = [];
        List<Setting> taken = [];
        foreach (Setting setting in settings)
        {
            (string Path, string Value)[] parts = [.. setting.Needs, (setting.Path, setting.Value)];
            if (parts.All(part => values.GetValueOrDefault(part.Path, part.Value) == part.Value))
            {
                root = parts.Where(part => values.TryAdd(part.Path, part.Value)).Aggregate(root, (job, part) => JobOverrides.Put(job, part.Path, JobYaml.Read(part.Value, "--set", lines: false)));
                taken.Add(setting);
            }
        }

        return (root, [.. taken]);
    }

    private static Gen<string> Texts { get; } =
        Gen.Int[0, Settings.Length - 1].Select(index => Settings[index]).Array[0, 8].Select(settings => JobFile.ToJson(JobFile.Read(With(Minimal, settings).Root, "base")));

    private static Job Read(string yaml) => JobFile.Read(JobYaml.Read(yaml, "job.yaml"), "base");
}
