using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Checkpoints;
using DistNet.Cli.JobFiles;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace DistNet.Onnx.Tests;

/// <summary>An exported model gives in ONNX Runtime what it gives here.</summary>
public sealed class OnnxExportTests
{
    /// <summary>One model or more for each word that a job file knows, with the shape of its sample.</summary>
    public static TheoryData<string, ModelDefinition, Shape> Modules
    {
        get
        {
            TheoryData<string, ModelDefinition, Shape> data = [];
            void AddModel(string word, string what, ModelDefinition model, Shape shape) => data.Add(new TheoryDataRow<string, ModelDefinition, Shape>(word, model, shape) { Label = $"{word}, {what}" });
            void Add(string word, string what, Shape shape, params ReadOnlySpan<Module> chain) => AddModel(word, what, ModelDefinition.Chain(chain), shape);
            Shape vector = new(7);
            Shape image = new(2, 3, 5);
            Add("linear", "with bias", vector, new Linear(4));
            Add("linear", "without bias", vector, new Linear(4, bias: false));
            Add("conv2d", "padded", image, new Conv2d(4, 3, padding: 1));
            Add("conv2d", "same", image, new Conv2d(3, (2, 4), padding: Conv2d.Same, bias: false));
            Add("conv2d", "stride, dilation and groups", image, new Conv2d(4, (1, 2), stride: (1, 2), padding: (0, 1), dilation: (1, 2), groups: 2));
            Add("conv2d", "one channel", new Shape(4, 5), new Conv2d(2, 3));
            foreach (Module module in (Module[])[new Relu(), new Sigmoid(), new Tanh(), new Softplus(), new SoftMax(), new LogSoftMax(), new Dropout(0.4), new LeakyRelu(0.2), new Gelu(), new Silu()])
            {
                Add(module.Kind, "vector", vector, module);
                Add(module.Kind, "image", image, module);
            }

            foreach (Module module in (Module[])[new RandomCrop(1), new RandomFlip(0.5), new Cutout(2)])
            {
                Add(module.Kind, "image", image, module);
            }

            foreach (Shape shape in (Shape[])[vector, new(4, 3), image])
            {
                Add("batch-norm", $"of {shape}", shape, new BatchNorm());
                Add("batch-norm", $"of {shape} without weights", shape, new BatchNorm(epsilon: 0.25, affine: false));
            }

            foreach (bool affine in (bool[])[true, false])
            {
                Add("layer-norm", $"of a vector, {affine}", vector, new LayerNorm(affine: affine));
                Add("layer-norm", $"of rows, {affine}", image, new LayerNorm(epsilon: 0.25, affine: affine));
                Add("layer-norm", $"of an image, {affine}", image, new LayerNorm(3, affine: affine));
                Add("group-norm", $"of a vector, {affine}", new(6), new GroupNorm(2, affine: affine));
                Add("group-norm", $"of an image, {affine}", new(4, 3, 5), new GroupNorm(2, epsilon: 0.25, affine: affine));
                Add("group-norm", $"of instances, {affine}", image, new GroupNorm(2, affine: affine));
            }

            Add("flatten", "image", image, new Flatten(), new Linear(3));
            Add("flatten", "vector", vector, new Flatten());
            Add("columns", "vector", vector, new Columns(2, 4));
            Add("columns", "image", image, new Columns(1));
            Add("embedding", "codes", vector, new Embedding(3, 5), new Linear(4));
            AddModel("multiply", "three inputs", Graph("out", ("a", new Tanh(), ["input"]), ("b", new Sigmoid(), ["input"]), ("out", new Multiply(), ["a", "b", "input"])), image);
            AddModel("concat", "three inputs", Graph("out", ("a", new Tanh(), ["input"]), ("b", new Columns(0), ["input"]), ("out", new Concat(), ["a", "b", "input"])), image);
            Add("reshape", "vector", new Shape(6), new Reshape(2, -1));
            foreach (Shape each in (Shape[])[new(2, 6, 7), new(6, 7)])
            {
                string dimensions = each.ToString();
                Add("max-pool2d", dimensions, each, new MaxPool2d(2));
                Add("max-pool2d", dimensions + ", all options", each, new MaxPool2d((3, 2), stride: (1, 2), padding: (1, 0), dilation: (2, 1)));
                Add("avg-pool2d", dimensions, each, new AvgPool2d(2));
                Add("avg-pool2d", dimensions + ", padding counts", each, new AvgPool2d((3, 2), stride: (1, 2), padding: (1, 1)));
                Add("avg-pool2d", dimensions + ", padding does not count", each, new AvgPool2d(3, stride: 1, padding: 1, countIncludePadding: false));
                Add("global-average-pool", dimensions, each, new GlobalAveragePool());
            }

            AddModel("add", "three inputs", Graph("out", ("a", new Tanh(), ["input"]), ("b", new Relu(), ["input"]), ("out", new Add(), ["a", "b", "input"])), image);
            AddModel("max", "two inputs", Graph("out", ("a", new Tanh(), ["input"]), ("out", new Max(), ["a", "input"])), image);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_module_gives_the_same_outputs(string word, ModelDefinition definition, Shape input)
    {
        using TrainedModel model = OnnxRuntime.Model(definition, input);
        Assert.Contains(model.Graph.Nodes, node => node.Module.Kind == word);
        OnnxRuntime.AssertSameOutputs(model, inputs: word == "embedding" ? Codes(27 * input.Length, 5) : null);
    }

    [Fact]
    public void Every_word_of_a_job_file_is_exported_by_a_test_above() =>
        Assert.Equal(ModuleKind.All.Select(kind => kind.Word).Order(), Modules.Select(row => row.Data.Item1).Distinct().Order());

    [Fact]
    public void Random_graphs_give_the_same_outputs()
    {
        for (int seed = 1; seed <= 120; seed++)
        {
            using TrainedModel model = OnnxRuntime.Model(RandomGraphs.Of(seed), new Shape(RandomGraphs.Width), seed: (ulong)seed);
            OnnxRuntime.AssertSameOutputs(model, seed: seed);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_select_takes_the_branch_of_each_sample(bool threshold)
    {
        SelectRule rule = threshold ? SelectRule.Threshold(3, 0.25f) : SelectRule.ArgMax(1, 2);
        ModelDefinition flat = ModelDefinition.Chain(new Flatten(), new Linear(3));
        ModelDefinition images = ModelDefinition.Chain(new Tanh());
        foreach (ModelDefinition branch in (ModelDefinition[])[flat, images])
        {
            ModelDefinition definition = ModelDefinition.Chain(new Relu(), new Select(rule, [branch, branch]), new Sigmoid());
            using TrainedModel model = OnnxRuntime.Model(definition, new Shape(2, 2, 2));
            OnnxRuntime.AssertSameOutputs(model, samples: 64);
        }
    }

    [Theory]
    [InlineData(12, NormalizeMode.Feature)]
    [InlineData(2, NormalizeMode.Channel)]
    public void The_normalisation_is_inside(int constants, NormalizeMode mode)
    {
        float[] deviations = [.. OnnxRuntime.Uniform(constants, 5).Select(value => 0.5f + Math.Abs(value))];
        NormalizationStatistics statistics = new(mode, [.. OnnxRuntime.Uniform(constants, 4)], [.. deviations]);
        using TrainedModel model = OnnxRuntime.Model(ModelDefinition.Chain(new Flatten(), new Linear(3)), new Shape(2, 2, 3), statistics);
        OnnxRuntime.AssertSameOutputs(model);

        // What did not vary in the training data, at its mean in half of the samples: a deviation of 0 is divided by epsilon.
        float[] inputs = OnnxRuntime.Uniform(27 * 12, 6);
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = i % 12 < 12 / constants && i / 12 % 2 == 0 ? statistics.Mean[0] : inputs[i];
        }

        using TrainedModel constant = OnnxRuntime.Model(ModelDefinition.Chain(new Flatten(), new Linear(3)), new Shape(2, 2, 3), statistics with { Deviation = statistics.Deviation.SetItem(0, 0) });
        OnnxRuntime.AssertSameOutputs(constant, inputs: inputs);
    }

    [Fact]
    public void A_model_that_is_its_input_is_exported()
    {
        using TrainedModel model = OnnxRuntime.Model(new ModelDefinition([], ModelDefinition.InputName), new Shape(3));
        OnnxRuntime.AssertSameOutputs(model);
    }

    [Fact]
    public void Names_of_nodes_that_ONNX_would_take_twice_are_kept_apart()
    {
        using TrainedModel model = OnnxRuntime.Model(
            Graph("output", ("fc1.weight", new Tanh(), ["input"]), ("fc1", new Linear(2), ["fc1.weight"]), ("output", new Relu(), ["fc1"])), new Shape(3));
        OnnxRuntime.AssertSameOutputs(model);
    }

    private static float[] Codes(int count, int vocabulary) => [.. Enumerable.Range(0, count).Select(index => (float)(index * 7 % vocabulary))];

    public static TheoryData<string> Examples => [.. Directory.GetFiles(Path.Combine(Root, "examples"), "*.yaml").Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_gives_the_same_outputs(string example)
    {
        Job job = JobLoader.Load(Path.Combine(Root, "examples", example), []);

        // Fashion-MNIST is no part of the repository: its images are of 28 × 28 pixels in 10 classes.
        bool isHere = job.Data!.Format != DataFormat.Idx;
        ModelInfo info = isHere
            ? ModelInfo.Of(DataLoader.Load(job.Data, job.Loss.Kind, job.Training.Seed, null))
            : new ModelInfo(new Shape(28, 28), [.. Enumerable.Range(0, 10).Select(index => $"{index}")], new NormalizationStatistics(NormalizeMode.Channel, [0.3f], [0.4f]));
        Graph graph = RunSetup.ModelOf(job, info.InputShape, info.Normalization);
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.PyTorch, 1, parameters);
        using TrainedModel model = new(job, info, parameters);
        OnnxRuntime.AssertSameOutputs(model);
    }

    [Fact]
    public void The_metadata_name_classes_and_features_and_tell_the_digest()
    {
        Job job = new() { Model = ModelDefinition.Chain(new Linear(2)) };
        Graph graph = RunSetup.ModelOf(job, new Shape(2), null);
        ModelInfo info = new(new Shape(2), ["cat", "dog \"x\""], null) { FeatureNames = ["width", "height"] };
        using TrainedModel model = new(job, info, new Arena(graph.Layout));
        using InferenceSession session = OnnxRuntime.Session(model);

        Dictionary<string, string> metadata = session.ModelMetadata.CustomMetadataMap;
        Assert.Equal(info.ClassNames, JsonSerializer.Deserialize<string[]>(metadata["class_names"])!);
        Assert.Equal(info.FeatureNames, JsonSerializer.Deserialize<string[]>(metadata["feature_names"])!);
        Assert.Equal("cross-entropy", metadata["loss"]);
        Assert.Equal(Digest.Parameters(model.Parameters), metadata["parameters_sha256"]);
        Assert.Equal("DistNet", session.ModelMetadata.ProducerName);
        Assert.Equal([-1, 2], session.InputMetadata[OnnxExport.InputName].Dimensions);
        Assert.Equal("batch", session.OutputMetadata[OnnxExport.OutputName].SymbolicDimensions[0]);
    }

    [Fact]
    public void What_has_no_form_in_ONNX_is_refused_by_name()
    {
        using TrainedModel own = OnnxRuntime.Model(new ModelDefinition([new NodeDefinition("twice", new Twice(), ["input"])], "twice"), new Shape(3));
        Assert.Equal(
            "The node 'twice' (twice) cannot be exported: ONNX has no operation for a module of one's own.",
            Assert.Throws<DistNetException>(() => OnnxExport.Write(Stream.Null, own)).Message);

        ModelDefinition branch = ModelDefinition.Chain(new Relu());
        using TrainedModel rule = OnnxRuntime.Model(ModelDefinition.Chain(new Select(new Parity(), [branch, branch])), new Shape(3));
        Assert.Equal(
            "The select of node 'select1' cannot be exported: ONNX has no operation for a rule of one's own (Parity).",
            Assert.Throws<DistNetException>(() => OnnxExport.Write(Stream.Null, rule)).Message);
    }

    private static string Root
    {
        get
        {
            string folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "DistNet.sln")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
            }

            return folder;
        }
    }

    private static ModelDefinition Graph(string output, params (string Name, Module Module, ImmutableArray<string> Inputs)[] nodes) =>
        new([.. nodes.Select(node => new NodeDefinition(node.Name, node.Module, node.Inputs))], output);

    private sealed class Twice : Module
    {
        public override string Kind => "twice";

        public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

        public override void Forward(ForwardContext context) => Assert.Fail("never called");

        public override void Backward(BackwardContext context) => Assert.Fail("never called");
    }

    private sealed class Parity : SelectRule
    {
        public override int Branches => 2;

        public override int Choose(ReadOnlySpan<float> sample) => (int)sample[0] & 1;
    }
}
