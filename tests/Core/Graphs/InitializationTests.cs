using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>Where weights start.</summary>
public sealed class InitializationTests
{
    private static readonly Shape Input = new(50);

    [Fact]
    public void The_gain_is_that_of_the_activation_that_consumes_the_output()
    {
        ModelDefinition model = new(
            [
                Node("a", new Linear(10), "input"), Node("relu", new Relu(), "a"), Node("b", new Linear(10), "relu"), Node("drop", new Dropout(), "b"), Node("tanh", new Tanh(), "drop"),
                Node("c", new Linear(10), "tanh"), Node("sigmoid", new Sigmoid(), "c"), Node("softplus", new Softplus(), "c"), Node("sum", new Add(), "sigmoid", "softplus"),
                Node("d", new Linear(10), "sum"), Node("select", new Select(SelectRule.Threshold(0, 0), [ModelDefinition.Chain(new Relu()), ModelDefinition.Chain(new Linear(10))]), "d"),
                Node("tanh2", new Tanh(), "select"), Node("out", new Linear(10), "tanh2"),
            ],
            "out");
        Graph graph = Graph.Build(model, Input);
        Dictionary<string, double> gains = graph.Nodes.Where(node => node.Module is Linear).ToDictionary(node => node.Name, node => Initialization.Gain(graph, node));
        Assert.Equal(Math.Sqrt(2), gains["a"]);
        Assert.Equal(5.0 / 3.0, gains["b"]);
        Assert.Equal(Math.Sqrt(2), gains["c"]);
        Assert.Equal(Math.Sqrt(2), gains["d"]);
        Assert.Equal(5.0 / 3.0, gains["select.branch1.fc1"]);
        Assert.Equal(1, gains["out"]);
    }

    [Fact]
    public void Kaiming_weights_are_uniform_with_deviation_gain_over_root_fan_in_and_biases_are_0()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(400), new Relu(), new Linear(10)), Input);
        Arena parameters = Initialized(graph, InitializationScheme.Kaiming, 1);
        float[] weights = parameters[graph.Layout.Entries[0]].ToArray();
        double bound = Math.Sqrt(2) * Math.Sqrt(3.0 / 50);
        Assert.InRange(weights.Max(), 0.99 * bound, bound);
        Assert.InRange(weights.Min(), -bound, -0.99 * bound);
        Assert.Equal(Math.Sqrt(2.0 / 50), Math.Sqrt(weights.Average(weight => weight * weight)), 0.01 * Math.Sqrt(2.0 / 50));
        Assert.InRange(weights.Average(), -0.005, 0.005);
        Assert.All(parameters[graph.Layout.Entries[1]].ToArray(), bias => Assert.Equal(0, bias));
    }

    [Fact]
    public void PyTorch_s_default_is_uniform_within_1_over_root_fan_in_for_weights_and_biases()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(400), new Relu()), Input);
        Arena parameters = Initialized(graph, InitializationScheme.PyTorch, 1);
        double bound = 1 / Math.Sqrt(50);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            float[] values = parameters[entry].ToArray();
            Assert.InRange(values.Max(Math.Abs), 0.98 * bound, bound);
            Assert.Equal(bound * bound / 3, values.Average(value => value * value), 0.1 * bound * bound / 3);
        }
    }

    [Fact]
    public void A_parameter_s_values_depend_on_seed_and_name_and_on_nothing_else()
    {
        ModelDefinition ab = new([Node("a", new Linear(9), "input"), Node("b", new Linear(9), "input"), Node("sum", new Add(), "a", "b")], "sum");
        ModelDefinition ba = new([Node("b", new Linear(9), "input"), Node("x", new Linear(7), "input"), Node("a", new Linear(9), "x"), Node("sum", new Add(), "b", "a")], "sum");
        float[] Values(ModelDefinition model, ulong seed)
        {
            Graph graph = Graph.Build(model, Input);
            Assert.True(graph.Layout.TryFind("b.weight", out ParameterEntry? entry));
            return Initialized(graph, InitializationScheme.Kaiming, seed)[entry].ToArray();
        }

        Assert.Equal(Values(ab, 5), Values(ba, 5));
        Assert.NotEqual(Values(ab, 5), Values(ab, 6));
    }

    private static Arena Initialized(Graph graph, InitializationScheme scheme, ulong seed)
    {
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, scheme, seed, parameters);
        return parameters;
    }

    private static NodeDefinition Node(string name, Module module, params System.Collections.Immutable.ImmutableArray<string> inputs) => new(name, module, inputs);
}
