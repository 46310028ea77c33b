using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Every module inside a small model, against PyTorch in double precision; a linear before it shows its input gradient.</summary>
public sealed class ModuleGoldenTests
{
    // Float rounding against double: a few times 2^−24 of the largest value, sums of some dozens.
    private const double Tolerance = 1e-6;

    public static IEnumerable<ITheoryDataRow> Names => GoldenCase.All("modules.json").Select(golden => new TheoryDataRow<string>(golden.Name));

    [Fact]
    public void The_golden_file_says_which_PyTorch_made_it() =>
        Assert.StartsWith("1.13", GoldenCase.File("modules.json").GetProperty("torch").GetString(), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Names))]
    public void Outputs_loss_and_gradients_agree_with_PyTorch(string name)
    {
        GoldenCase golden = GoldenCase.Of("modules.json", name);
        Shape shape = new(golden.Integers("shape"));
        Dataset data = TestBed.Regression(shape, golden.Floats("inputs"), golden.Floats("targets"));
        Graph graph = Graph.Build(Model(name, golden), shape);
        Arena parameters = new(graph.Layout);
        Dictionary<string, double[]> values = golden.Tensors("parameters");
        Assert.Equal(values.Keys.Order(StringComparer.Ordinal), graph.Layout.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            Array.ConvertAll(values[entry.Name], value => (float)value).CopyTo(parameters[entry]);
        }

        GoldenCase.AssertClose(golden.Doubles("outputs"), TestBed.Predict(graph, data, parameters), Tolerance, "the output");
        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, parameters, sliceSize: 2);
        Assert.Equal(golden.Number("loss"), pass.Metrics.Loss, golden.Number("loss") * Tolerance);
        foreach ((string parameter, double[] gradient) in golden.Tensors("gradients"))
        {
            GoldenCase.AssertClose(gradient, pass.Of(graph, parameter), Tolerance, $"the gradient of {parameter}");
        }
    }

    private static ModelDefinition Model(string name, GoldenCase golden) => name switch
    {
        "linear" => ModelDefinition.Chain(new Linear(3)),
        "linear without bias" => ModelDefinition.Chain(new Linear(4, bias: false), new Linear(3, bias: false)),
        "relu" => Between(new Relu()),
        "sigmoid" => Between(new Sigmoid()),
        "tanh" => Between(new Tanh()),
        "softplus" => Between(new Softplus()),
        "softmax" => Between(new SoftMax()),
        "log-softmax" => Between(new LogSoftMax()),
        "flatten" => ModelDefinition.Chain(new Flatten(), new Linear(3)),
        "add" => new(
            [Node("a", new Linear(4), "input"), Node("b", new Linear(4), "input"), Node("c", new Linear(4), "input"), Node("sum", new Add(), "a", "b", "c"), Node("d", new Linear(3), "sum")],
            "d"),
        "max" => new([Node("a", new Linear(4), "input"), Node("b", new Linear(4), "input"), Node("m", new Max(), "a", "b"), Node("d", new Linear(3), "m")], "d"),
        "duplicate" => new(
            [Node("a", new Linear(4), "input"), Node("t", new Tanh(), "a"), Node("s", new Sigmoid(), "a"), Node("sum", new Add(), "t", "s", "a"), Node("d", new Linear(3), "sum")],
            "d"),
        "shared" => new(
            [
                Node("fc1", new Linear(5), "input"), Node("t1", new Tanh(), "fc1"), Node("again", new Linear(5), "t1") with { Shares = "fc1" }, Node("s1", new Sigmoid(), "again"),
                Node("fc2", new Linear(4), "s1"), Node("t2", new Tanh(), "fc2"), Node("fc3", new Linear(3), "t2"),
            ],
            "fc3"),
        "normalization by feature" => ModelDefinition.Chain(new Linear(3)).WithNormalization(Constants(golden)),
        "normalization inside" => ModelDefinition.Chain(new Linear(5), Constants(golden), new Linear(3)),
        "normalization by channel" => ModelDefinition.Chain(new Flatten(), new Linear(3)).WithNormalization(Constants(golden)),
        "select" => new(
            [
                Node("before", new Linear(5), "input"),
                Node("select", new Select(SelectRule.Threshold(1, 0.125f), [Branch("low", new Tanh()), Branch("high", new Sigmoid())]), "before"),
                Node("after", new Linear(3), "select"),
            ],
            "after"),
        "max-pool2d" => Image([2, 4, 6], new MaxPool2d(2)),
        "max-pool2d of an odd image" => Image([2, 5, 7], new MaxPool2d(2)),
        "max-pool2d with stride and padding" => Image([1, 6, 5], new MaxPool2d(3, stride: 2, padding: 1)),
        "max-pool2d with dilation" => Image([2, 6, 7], new MaxPool2d((2, 3), stride: (1, 3), padding: (1, 0), dilation: (3, 2))),
        "avg-pool2d" => Image([2, 4, 6], new AvgPool2d(2)),
        "avg-pool2d with stride and padding" => Image([1, 6, 5], new AvgPool2d((3, 2), stride: (3, 1), padding: 1)),
        "avg-pool2d without padding in the count" => Image([1, 6, 5], new AvgPool2d(3, stride: 1, padding: 1, countIncludePadding: false)),
        "avg-pool2d of one pixel" => Image([2, 1, 1], new AvgPool2d(1)),
        "global-average-pool" => Image([3, 4, 5], new GlobalAveragePool()),
        "conv2d" => Image([2, 5, 6], new Conv2d(3, 3, padding: 1)),
        "conv2d without bias" => Image([2, 5, 6], new Conv2d(3, 3, bias: false)),
        "conv2d 1×1" => Image([3, 2, 3], new Conv2d(4, 1)),
        "conv2d 1×1 with stride" => Image([3, 5, 4], new Conv2d(4, 1, stride: 2)),
        "conv2d with stride 3" => Image([2, 7, 8], new Conv2d(3, 3, stride: 3, padding: 1)),
        "conv2d with dilation" => Image([2, 7, 6], new Conv2d(3, (3, 2), stride: (1, 2), padding: (2, 1), dilation: (2, 3))),
        "conv2d with groups" => Image([4, 5, 4], new Conv2d(6, 3, stride: (2, 1), padding: 1, groups: 2)),
        "conv2d depthwise" => Image([3, 5, 5], new Conv2d(3, 3, padding: 1, groups: 3)),
        "conv2d depthwise with a multiplier" => Image([2, 4, 5], new Conv2d(4, 3, stride: 2, padding: 1, groups: 2)),
        "conv2d same" => Image([2, 5, 4], new Conv2d(3, (4, 2), padding: Conv2d.Same, dilation: (1, 3))),
        "conv2d of one pixel" => Image([2, 1, 1], new Conv2d(3, 3, padding: 1)),
        "conv2d of the whole image" => Image([2, 4, 3], new Conv2d(3, (4, 3))),
        "conv2d by Winograd" => Image([17, 3, 5], new Conv2d(16, 3, padding: 1)),
        "gelu" => Between(new Gelu()),
        "silu" => Between(new Silu()),
        "leaky-relu" => Between(new LeakyRelu(0.25)),
        "columns" => new(
            [Node("fc1", new Linear(6), "input"), Node("end", new Columns(4, 2), "fc1"), Node("start", new Columns(0, 4), "fc1"), Node("all", new Concat(), "end", "start"), Node("fc2", new Linear(3), "all")],
            "fc2"),
        "multiply" => new(
            [Node("a", new Linear(4), "input"), Node("b", new Linear(4), "input"), Node("c", new Linear(4), "input"), Node("m", new Multiply(), "a", "b", "c"), Node("d", new Linear(3), "m")],
            "d"),
        "concat" => new(
            [
                Node("a", new Linear(12), "input"), Node("b", new Linear(6), "input"), Node("left", new Reshape(4, 3), "a"), Node("right", new Reshape(2, 3), "b"),
                Node("both", new Concat(), "left", "right"), Node("flat", new Flatten(), "both"), Node("d", new Linear(3), "flat"),
            ],
            "d"),
        "embedding" => new(
            [
                Node("codes", new Columns(0, 2), "input"), Node("place", new Embedding(3, 6), "codes"), Node("rest", new Columns(2, 2), "input"),
                Node("all", new Concat(), "place", "rest"), Node("fc", new Linear(3), "all"),
            ],
            "fc"),
        _ => throw new ArgumentException(name),
    };

    private static ModelDefinition Between(Module module) => ModelDefinition.Chain(new Linear(6), module, new Linear(3));

    private static ModelDefinition Image(int[] shape, Module module) =>
        ModelDefinition.Chain(new Linear(shape.Aggregate((a, b) => a * b)), new Reshape(shape), module, new Flatten(), new Linear(3));

    private static ModelDefinition Branch(string name, Module activation) => new([Node(name, new Linear(4), "input"), Node("act", activation, name)], "act");

    private static Normalization Constants(GoldenCase golden) => new([.. golden.Floats("mean")], [.. golden.Floats("deviation")]);

    private static NodeDefinition Node(string name, Module module, params ImmutableArray<string> inputs) => new(name, module, inputs);
}
