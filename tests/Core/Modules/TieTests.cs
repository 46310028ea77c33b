using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Ties and edges, where the lecture's rule counts and PyTorch's is another.</summary>
public sealed class TieTests
{
    [Fact]
    public void Relu_passes_the_gradient_at_zero_of_either_sign_and_stops_it_below()
    {
        // loss = Σ (relu(b) − t)² / 4 with t = −1: dy = (relu(b) + 1) / 2.
        float[] gradient = BiasGradient(bias => [new NodeDefinition("y", new Relu(), [bias])], [0, -0.0f, -1e-30f, 3]);
        Assert.Equal([0.5f, 0.5f, 0, 2], gradient);
    }

    [Fact]
    public void Max_gives_the_gradient_to_the_second_input_at_a_tie()
    {
        Graph graph = Graph.Build(
            new([new("a", new Linear(3), ["input"]), new("b", new Linear(3), ["input"]), new("y", new Max(), ["a", "b"])], "y"), new Shape(1));
        Arena parameters = new(graph.Layout);
        Set(graph, parameters, "a.bias", [1, 2, 0]);
        Set(graph, parameters, "b.bias", [1, 1, -0.0f]);
        Dataset data = TestBed.Regression(new Shape(1), [0], [-2, -2, -3]);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, parameters);
        Assert.Equal([0, 8f / 3, 0], pass.Of(graph, "a.bias"));
        Assert.Equal([2, 0, 2], pass.Of(graph, "b.bias"));
    }

    [Fact]
    public void Max_of_a_value_with_itself_passes_the_whole_gradient_once() =>
        Assert.Equal([1, 2], BiasGradient(bias => [new NodeDefinition("y", new Max(), [bias, bias])], [0, 1]));

    [Fact]
    public void The_first_class_wins_a_tie_of_logits()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(3)), new Shape(1));
        Dataset data = TestBed.Classes(new Shape(1), [0, 0, 0], [0, 1, 2], 3);
        Assert.Equal(1, TestBed.Train(graph, TestBed.CrossEntropy, data, new Arena(graph.Layout)).Metrics.Correct);
    }

    [Fact]
    public void A_logit_of_zero_is_class_0_of_two()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(1)), new Shape(1));
        Dataset data = TestBed.Classes(new Shape(1), [0, 0, 0], [0, 1, 1], 2);
        Assert.Equal(1, TestBed.Train(graph, new() { Kind = DistNet.Losses.LossKind.BinaryCrossEntropy }, data, new Arena(graph.Layout)).Metrics.Correct);
    }

    [Fact]
    public void Select_takes_the_first_of_equal_values_and_branch_1_at_the_threshold()
    {
        Assert.Equal(0, SelectRule.ArgMax(1, 3).Choose([9, 2, 2, 1]));
        Assert.Equal(2, SelectRule.ArgMax(1, 3).Choose([9, 1, 1, 2]));
        Assert.Equal(1, SelectRule.Threshold(0, 2).Choose([2]));
        Assert.Equal(0, SelectRule.Threshold(0, 2).Choose([1.9999f]));
    }

    [Fact]
    public void Normalization_divides_by_the_greater_of_deviation_and_epsilon()
    {
        Graph graph = Graph.Build(new ModelDefinition([], "input").WithNormalization(new Normalization([1, 1, 1], [0, 0.25f, 0.5f], 0.25f)), new Shape(3));
        Assert.Equal("normalize", graph.OutputName);
        Assert.Equal([4, 4, 2], TestBed.Predict(graph, TestBed.Regression(new Shape(3), [2, 2, 2], [0]), new Arena(graph.Layout)));
    }

    [Fact]
    public void An_image_of_two_dimensions_is_one_channel()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Flatten()).WithNormalization(new Normalization([1], [2])), new Shape(2, 2));
        Assert.Equal([0, 1, 2, -1], TestBed.Predict(graph, TestBed.Regression(new Shape(2, 2), [1, 3, 5, -1], [0]), new Arena(graph.Layout)));
    }

    [Fact]
    public void Softmax_and_its_logarithm_are_stable_for_inputs_of_ten_thousand()
    {
        Dataset data = TestBed.Regression(new Shape(2), [1e4f, -1e4f], [0]);
        Assert.Equal([1, 0], TestBed.Predict(Graph.Build(ModelDefinition.Chain(new SoftMax()), new Shape(2)), data, new Arena(new Layout([]))));
        Assert.Equal([0, -2e4f], TestBed.Predict(Graph.Build(ModelDefinition.Chain(new LogSoftMax()), new Shape(2)), data, new Arena(new Layout([]))));
    }

    // The gradient by the bias of a Linear of zero weights, which is the gradient by the module's input, where dy = 2 (y + 1) / width.
    private static float[] BiasGradient(Func<string, ImmutableArray<NodeDefinition>> rest, float[] values)
    {
        Graph graph = Graph.Build(new([new("fc1", new Linear(values.Length), ["input"]), .. rest("fc1")], "y"), new Shape(1));
        Arena parameters = new(graph.Layout);
        Set(graph, parameters, "fc1.bias", values);
        float[] targets = new float[values.Length];
        Array.Fill(targets, -1);
        return TestBed.Train(graph, TestBed.MeanSquares, TestBed.Regression(new Shape(1), [0], targets), parameters).Of(graph, "fc1.bias");
    }

    private static void Set(Graph graph, Arena parameters, string name, float[] values)
    {
        Assert.True(graph.Layout.TryFind(name, out ParameterEntry? entry));
        values.CopyTo(parameters[entry]);
    }
}
