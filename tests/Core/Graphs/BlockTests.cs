using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>A block is its nodes, written out: the same names, the same bits.</summary>
public sealed class BlockTests
{
    private static readonly Shape Width = new(6);

    private static readonly ModelDefinition Dense = ModelDefinition.Residual([new Linear(6), new Tanh(), new Linear(6)], [new Linear(6)]).Then(new Tanh());

    [Fact]
    public void Nodes_and_parameters_are_named_after_the_block()
    {
        Graph graph = Graph.Build(
            ModelDefinition.Chain(("stem", new Linear(6)), ("layer1", Block.Sequential(new Block(Dense), new Block(Dense))), ("head", new Linear(3))), Width);
        string[] inner = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "shortcut1.fc1.weight", "shortcut1.fc1.bias"];
        Assert.Equal(
            ["stem.weight", "stem.bias", .. inner.Select(name => $"layer1.0.{name}"), .. inner.Select(name => $"layer1.1.{name}"), "head.weight", "head.bias"],
            graph.Layout.Entries.Select(entry => entry.Name));
        Assert.Contains(graph.Nodes, node => node.Name == "layer1.1.tanh2");
    }

    [Fact]
    public void A_block_gives_the_bits_of_its_nodes_written_out()
    {
        ModelDefinition written = new(
            [
                new("fc1", new Linear(6), ["input"]),
                new("a.fc1", new Linear(6), ["fc1"]), new("a.tanh1", new Tanh(), ["a.fc1"]), new("a.fc2", new Linear(6), ["a.tanh1"]),
                new("a.shortcut1.fc1", new Linear(6), ["fc1"]), new("a.add1", new Add(), ["a.fc2", "a.shortcut1.fc1"]), new("a.tanh2", new Tanh(), ["a.add1"]),
                new("fc2", new Linear(3), ["a.tanh2"]),
            ],
            "fc2");
        ModelDefinition blocks = ModelDefinition.Chain(("fc1", new Linear(6)), ("a", new Block(Dense)), ("fc2", new Linear(3)));
        Graph expected = Graph.Build(written, Width), found = Graph.Build(blocks, Width);
        Assert.Equal(expected.Describe(), found.Describe());
        Dataset data = TestBed.RandomClasses(Width, 19, 3);
        TestBed.Train(expected, TestBed.CrossEntropy, data, TestBed.Parameters(expected)).AssertSameBits(TestBed.Train(found, TestBed.CrossEntropy, data, TestBed.Parameters(found)));
    }

    [Fact]
    public void A_residual_without_a_shortcut_adds_its_input()
    {
        Graph graph = Graph.Build(ModelDefinition.Residual([new Linear(6)]), Width);
        Dataset data = TestBed.Regression(Width, [1, 2, 3, 4, 5, 6], [0]);
        Assert.Equal([1, 2, 3, 4, 5, 6], TestBed.Predict(graph, data, new Arena(graph.Layout)));
        Assert.True(GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(TestBed.RandomClasses(Width, 9, 6)), TestBed.Parameters(graph).Span).Passed);
    }

    [Fact]
    public void Blocks_work_inside_the_branches_of_a_select_and_around_them()
    {
        ModelDefinition branch = ModelDefinition.Chain(new Block(Dense), new Linear(3));
        ModelDefinition shared = new([new("again", new Linear(6), ["input"]) { Shares = "own" }, new("out", new Linear(3), ["again"])], "out");
        ModelDefinition inner = new([new("own", new Linear(6), ["input"]), new("select", new Select(SelectRule.Threshold(0, 0), [branch, shared]), ["own"])], "select");
        Graph graph = Graph.Build(ModelDefinition.Chain(("outer", new Block(inner))), Width);
        Assert.Equal(
            ["outer.own.weight", "outer.own.bias", "outer.select.branch0.block1.fc1.weight"], graph.Layout.Entries.Take(3).Select(entry => entry.Name));
        Assert.DoesNotContain(graph.Layout.Entries, entry => entry.Name.Contains("again", StringComparison.Ordinal));
        Assert.True(GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(TestBed.RandomClasses(Width, 9, 3)), TestBed.Parameters(graph).Span).Passed);
    }

    [Fact]
    public void A_block_may_give_its_input_and_be_declared_in_any_order()
    {
        Block identity = new(new ModelDefinition([], ModelDefinition.InputName));
        Graph graph = Graph.Build(new([new("out", new Linear(2), ["second"]), new("second", identity, ["first"]), new("first", identity, ["input"])], "out"), Width);
        Assert.Equal(["out"], graph.Nodes.Select(node => node.Name));
    }

    [Fact]
    public void A_ResNet_18_is_a_dozen_lines()
    {
        static Block Basic(int channels, int stride = 1) => new(ModelDefinition.Residual(
            [
                new Conv2d(channels, 3, stride, padding: 1, bias: false), new BatchNorm(), new Relu(),
                new Conv2d(channels, 3, padding: 1, bias: false), new BatchNorm(),
            ],
            stride == 1 ? [] : [new Conv2d(channels, 1, stride, bias: false), new BatchNorm()]).Then(new Relu()));
        static Block Stage(int channels) => Block.Sequential(Basic(channels, stride: 2), Basic(channels));

        ModelDefinition model = ModelDefinition.Chain(
            ("conv1", new Conv2d(64, 7, stride: 2, padding: 3, bias: false)), ("bn1", new BatchNorm()), ("relu", new Relu()), ("maxpool", new MaxPool2d(3, stride: 2, padding: 1)),
            ("layer1", Block.Sequential(Basic(64), Basic(64))), ("layer2", Stage(128)), ("layer3", Stage(256)), ("layer4", Stage(512)),
            ("avgpool", new GlobalAveragePool()), ("fc", new Linear(1000)));

        // torchvision's resnet18 has 11,689,512 parameters.
        Graph graph = Graph.Build(model, new Shape(3, 224, 224));
        Assert.Equal(11_689_512, graph.Layout.Entries.Where(entry => entry.IsTrained).Sum(entry => entry.Length));
        Assert.Equal(new Shape(512, 7, 7), graph.Nodes.Single(node => node.Name == "layer4.1.relu2").OutputShape);
    }

    [Fact]
    public void A_frozen_block_freezes_its_nodes()
    {
        ModelDefinition branch = new([new("again", new Linear(6), ["input"]) { Shares = "fc" }, new("own", new Linear(6), ["again"])], "own");
        ModelDefinition inner = new([new("fc", new Linear(6), ["input"]), new("select", new Select(SelectRule.Threshold(0, 0), [branch, branch]), ["fc"])], "select");
        ModelDefinition model = new([new("a", new Block(inner), ["input"]) { Frozen = true }, new("b", new Block(Dense), ["a"]), new("c", new Linear(3), ["b"])], "c");
        Assert.Equal(
            ["a.fc", "a.select.branch0.own", "a.select.branch1.own"],
            Graph.Build(model, Width).Layout.Entries.Where(entry => entry.IsFrozen && entry.Name.EndsWith("weight", StringComparison.Ordinal)).Select(entry => entry.Name[..^7]));
        Assert.Equal(
            ["b.fc1", "b.fc2", "b.shortcut1.fc1"],
            Graph.Build((model with { Nodes = [.. model.Nodes.Select(node => node with { Frozen = false })] }).Freeze("b.*"), Width).Layout.Entries
                .Where(entry => entry.IsFrozen && entry.Name.EndsWith("weight", StringComparison.Ordinal)).Select(entry => entry.Name[..^7]));
    }

    [Fact]
    public void What_is_wrong_is_said_in_a_sentence()
    {
        Block identity = new(new ModelDefinition([], ModelDefinition.InputName));
        AssertRefused(new([new("a", identity, ["b"]), new("b", identity, ["a"])], "a"), "The block 'a' gives its own input, which comes from itself; a node's output cannot come back to its own input.");
        AssertRefused(new([new("a", new Block(Dense), ["input", "input"])], "a"), "Node 'a' (block) has 2 inputs; it takes 1.");
        AssertRefused(new([new("a", new Relu(), ["input"]), new("a", identity, ["a"])], "a"), "Two nodes are named 'a'; each needs a name of its own.");
        AssertRefused(new([new("a", new Relu(), ["input"]), new("b", new Block(Dense), ["a"]) { Shares = "a" }], "b"), "Node 'b' (block) shares the parameters of 'a', but a block has none of its own.");
        AssertRefused(new([new("input", identity, ["input"])], "input"), "A block is named 'input'; it needs a name, other than 'input', which is the sample.");
        AssertRefused(
            ModelDefinition.Chain(("a", new Block(ModelDefinition.Residual([new Linear(5)])))),
            "Node 'a.add1' (add) does not fit: its inputs have the shapes [5] and [6], but they must be the same.");
    }

    private static void AssertRefused(ModelDefinition model, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Graph.Build(model, Width)).Message);
}
