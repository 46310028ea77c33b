using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>What the builder refuses, each with the sentence that a user reads, and what it makes of a good model.</summary>
public sealed class GraphBuildTests
{
    private static readonly Shape Input = new(4);

    public static IEnumerable<ITheoryDataRow> BadModels =>
    [
        Bad("a cycle", "The nodes 'a' → 'c' → 'b' → 'a' form a cycle; a node's output cannot come back to its own input.",
            "out", Node("a", new Add(), "input", "b"), Node("b", new Relu(), "c"), Node("c", new Relu(), "a"), Node("out", new Relu(), "a")),
        Bad("a node that is its own input", "The nodes 'a' → 'a' form a cycle; a node's output cannot come back to its own input.",
            "a", Node("a", new Add(), "input", "a")),
        Bad("an unknown input", "Node 'relu1' takes an input from 'fc11', which is no node; did you mean 'fc1'?",
            "relu1", Node("fc1", new Linear(3), "input"), Node("relu1", new Relu(), "fc11")),
        Bad("an unknown input like no other", "Node 'relu1' takes an input from 'encoder', which is no node.",
            "relu1", Node("fc1", new Linear(3), "input"), Node("relu1", new Relu(), "encoder")),
        Bad("two nodes of one name", "Two nodes are named 'fc1'; each needs a name of its own.",
            "fc1", Node("fc1", new Linear(3), "input"), Node("fc1", new Linear(3), "input")),
        Bad("a node named input", "A node of the model (relu) is named 'input', which is the name of the sample; give it another name.",
            "input", Node("input", new Relu(), "input")),
        Bad("a node without a name", "A node of the model (relu) has no name.", " ", Node(" ", new Relu(), "input")),
        Bad("too few inputs", "Node 'sum' (add) has 1 input; it takes at least 2.", "sum", Node("sum", new Add(), "input")),
        Bad("too many inputs", "Node 'fc1' (linear) has 2 inputs; it takes 1.", "fc1", Node("fc1", new Linear(3), "input", "input")),
        Bad("no inputs", "Node 'fc1' (linear) has 0 inputs; it takes 1.", "fc1", Node("fc1", new Linear(3))),
        Bad("shapes that differ", "Node 'sum' (add) does not fit: its inputs have the shapes [3] and [4], but they must be the same.",
            "sum", Node("fc1", new Linear(3), "input"), Node("sum", new Add(), "fc1", "input")),
        Bad("more values than can be counted", "Node 'c' (concat) does not fit: its output would be [5000, 500000], more than 2147483647 values.",
            "c", Node("fc1", new Linear(500_000_000), "input"), Node("r", new Reshape(1000, -1), "fc1"), Node("c", new Concat(), "r", "r", "r", "r", "r")),
        Bad("a shape of more values than can be counted", "Node 'r' (reshape) does not fit: its input [4] has 4 values, which cannot take the shape [-1, 65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536].",
            "r", Node("r", new Reshape([-1, .. Enumerable.Repeat(65536, 8)]), "input")),
        Bad("more parameters than a buffer holds", "All parameters of the model together would be 3200280000 floats, more than the 2147483575 that one buffer can hold; take a smaller model.",
            "fc3", Node("fc1", new Linear(40_000), "input"), Node("fc2", new Linear(40_000), "fc1"), Node("fc3", new Linear(40_000), "fc2")),
        Bad("a parameter that fits no buffer with its padding", "All parameters of the model together would be 2147483648 floats, more than the 2147483575 that one buffer can hold; take a smaller model.",
            "fc1", Node("fc1", new Linear(536_870_911, bias: false), "input")),
        Bad("means that don't fit", "Node 'n' (normalization) does not fit: its input has the shape [4], so it needs 1 (one per channel) or 4 means, but it has 3.",
            "n", Node("n", new Normalization([0, 0, 0], [1, 1, 1]), "input")),
        Bad("a node that nobody uses", "Node 'b' (relu) is used by no node and is not the output 'a'; use its output or remove it.",
            "a", Node("a", new Relu(), "input"), Node("b", new Relu(), "input")),
        Bad("an unknown output", "The model names 'fc2' as its output, which is no node; did you mean 'fc1'?", "fc2", Node("fc1", new Linear(3), "input")),
        Bad("a duplicate with another number of users", "Node 'd' (duplicate) has 3 outputs, but 2 inputs of other nodes use it; the numbers must be the same.",
            "sum", Node("d", new Duplicate(3), "input"), Node("sum", new Add(), "d", "d")),
        Bad("sharing with an unknown node", "Node 'fc2' shares the parameters of 'fc3', which is no other node; did you mean 'fc1'?",
            "fc2", Node("fc1", new Linear(4), "input"), Node("fc2", new Linear(4), "fc1") with { Shares = "fc3" }),
        Bad("sharing what doesn't fit", "Node 'fc2' (linear) shares the parameters of 'fc1', but it needs weight [4, 3] and bias [4] and 'fc1' has weight [3, 4] and bias [3].",
            "fc2", Node("fc1", new Linear(3), "input"), Node("fc2", new Linear(4), "fc1") with { Shares = "fc1" }),
        Bad("sharing with one that shares", "Node 'fc3' shares the parameters of 'fc2', which itself shares those of 'fc1'; name 'fc1'.",
            "fc3", Node("fc1", new Linear(4), "input"), Node("fc2", new Linear(4), "fc1") with { Shares = "fc1" }, Node("fc3", new Linear(4), "fc2") with { Shares = "fc2" }),
        Bad("a rule beyond the input", "Node 'select1.route' (route) does not fit: its rule looks at value 4, but its input has the values 0 to 3.",
            "select1", Node("select1", new Select(SelectRule.Threshold(4, 0), [ModelDefinition.Chain(new Relu()), ModelDefinition.Chain(new Tanh())]), "input")),
        Bad("branches of two shapes", "Node 'select1' (select) does not fit: its branch 0 gives the shape [3], but its branch 1 gives [4]; all branches must give one shape.",
            "select1", Node("select1", new Select(SelectRule.Threshold(0, 0), [ModelDefinition.Chain(new Linear(3)), ModelDefinition.Chain(new Tanh())]), "input")),
        Bad("a wrong branch", "Node 'select1.branch1.relu' takes an input from 'fcl', which is no node; did you mean 'fc'?",
            "select1", Node("select1", new Select(SelectRule.Threshold(0, 0), [ModelDefinition.Chain(new Relu()), new([Node("fc", new Linear(4), "input"), Node("relu", new Relu(), "fcl")], "relu")]), "input")),
        Bad("a branch without its output", "The branch 'select1.branch0' names 'fd' as its output, which is no node; did you mean 'fc'?",
            "select1", Node("select1", new Select(SelectRule.Threshold(0, 0), [new([Node("fc", new Linear(4), "input")], "fd"), ModelDefinition.Chain(new Tanh())]), "input")),
    ];

    [Theory]
    [MemberData(nameof(BadModels))]
    public void A_bad_model_is_refused_with_one_sentence_that_names_the_node(string what, ModelDefinition model, string sentence)
    {
        Assert.NotEmpty(what);
        DistNetException failure = Assert.Throws<DistNetException>(() => Graph.Build(model, Input));
        Assert.Equal(FailureKind.BadInput, failure.Kind);
        Assert.Equal(sentence, failure.Message);
    }

    [Fact]
    public void A_linear_layer_on_an_image_asks_for_a_flatten()
    {
        DistNetException failure = Assert.Throws<DistNetException>(() => Graph.Build(ModelDefinition.Chain(new Linear(3)), new Shape(1, 28, 28)));
        Assert.Equal("Node 'fc1' (linear) does not fit: its input has the shape [1, 28, 28], but a linear module takes one dimension; put a flatten before it.", failure.Message);
    }

    [Fact]
    public void A_name_that_the_normalisation_needs_is_refused()
    {
        ModelDefinition model = new([Node("normalize", new Relu(), "input")], "normalize");
        DistNetException failure = Assert.Throws<DistNetException>(() => model.WithNormalization(new Normalization([0], [1])));
        Assert.StartsWith("The model has a node 'normalize'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chain_names_its_nodes_by_kind_and_number()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Flatten(), new Linear(8), new Relu(), new Dropout(), new Linear(3), new LogSoftMax()), new Shape(2, 3));
        Assert.Equal(["flatten1", "fc1", "relu1", "dropout1", "fc2", "logsoftmax1"], graph.Nodes.Select(node => node.Name));
        Assert.Equal(["fc1.weight [8, 6]", "fc1.bias [8]", "fc2.weight [3, 8]", "fc2.bias [3]"], graph.Layout.Entries.Select(entry => $"{entry.Name} {entry.Shape}"));
        Assert.Equal(new Shape(3), graph.OutputShape);
    }

    [Fact]
    public void The_order_is_that_of_declaration_where_the_inputs_allow_it_and_the_layout_that_of_declaration()
    {
        Graph graph = Graph.Build(
            new([Node("last", new Add(), "b", "a"), Node("b", new Linear(2), "input"), Node("a", new Linear(2), "input")], "last"), Input);
        Assert.Equal(["input.duplicate", "b", "a", "last"], graph.Nodes.Select(node => node.Name));
        Assert.Equal(["b.weight", "b.bias", "a.weight", "a.bias"], graph.Layout.Entries.Select(entry => entry.Name));
    }

    [Fact]
    public void A_table_tells_nodes_shapes_and_parameters()
    {
        string table = Graph.Build(
            new([Node("fc1", new Linear(4), "input"), Node("relu1", new Relu(), "fc1"), Node("fc2", new Linear(4), "relu1") with { Shares = "fc1" }], "fc2"), Input).Describe();
        Assert.Equal(
            """
            node   module  inputs  output  parameters
            input                  [4]
            fc1    linear  input   [4]     weight [4, 4], bias [4]
            relu1  relu    fc1     [4]
            fc2    linear  relu1   [4]     fc1.weight (shared), fc1.bias (shared)
            output: fc2 [4]; 20 parameters

            """,
            table);
    }

    [Fact]
    public void A_softmax_before_cross_entropy_is_warned_of_wherever_it_hides()
    {
        ModelDefinition soft = ModelDefinition.Chain(new Linear(4), new SoftMax(), new Dropout(0.1));
        ModelDefinition log = ModelDefinition.Chain(new Linear(4), new LogSoftMax());
        ModelDefinition both = ModelDefinition.Chain(new Select(SelectRule.Threshold(0, 0), [soft, log]));
        Assert.Equal(
            [
                "Node 'select1.branch0.softmax1' is a softmax before the loss cross-entropy, which takes the softmax itself: gradients vanish where it saturates; remove it.",
                "Node 'select1.branch1.logsoftmax1' is a log-softmax before the loss cross-entropy, which takes it itself: harmless, but it costs time; remove it.",
            ],
            Graph.Build(both, Input, new LossOptions()).Warnings);
        Assert.Empty(Graph.Build(both, Input, new LossOptions { Kind = LossKind.MeanSquaredError }).Warnings);
        Assert.Empty(Graph.Build(ModelDefinition.Chain(new SoftMax(), new Linear(4)), Input, new LossOptions()).Warnings);
    }

    private static NodeDefinition Node(string name, Module module, params ImmutableArray<string> inputs) => new(name, module, inputs);

    private static TheoryDataRow<string, ModelDefinition, string> Bad(string what, string sentence, string output, params ImmutableArray<NodeDefinition> nodes) =>
        new(what, new ModelDefinition(nodes, output), sentence);
}
