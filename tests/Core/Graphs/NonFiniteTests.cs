using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>The first value that is not finite is named by slice, node and what it is.</summary>
public sealed class NonFiniteTests
{
    private static readonly Shape Input = new(2);

    [Fact]
    public void Finite_values_are_nothing_to_find() => Assert.Null(Find(_ => { }, new float[14]));

    [Fact]
    public void An_infinite_weight_is_found_where_it_first_acts() =>
        Assert.Equal(new NonFiniteFinding(2, "fc2", "output"), Find(parameters => parameters("fc2.weight")[3] = float.PositiveInfinity, new float[14]));

    [Fact]
    public void An_output_that_overflows_is_found_in_the_slice_of_its_sample()
    {
        float[] inputs = new float[14];
        inputs[11] = 2e38f;
        Assert.Equal(new NonFiniteFinding(4, "fc1", "output"), Find(parameters => parameters("fc1.weight").Fill(2), inputs));
    }

    [Fact]
    public void A_sample_that_is_not_a_number_is_the_input_s_fault()
    {
        float[] inputs = new float[14];
        inputs[5] = float.NaN;
        Assert.Equal(new NonFiniteFinding(3, "input", "input"), Find(_ => { }, inputs));
    }

    [Theory]
    [InlineData(float.NaN, "input", "input")]
    [InlineData(1e38f, "normalization1", "output")]
    public void A_sample_and_its_normalisation_are_told_apart_though_one_is_written_over_the_other(float value, string node, string what)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Normalization([0], [0.01f]), new Linear(1)), new Shape(1));
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.MeanSquares, 2, 2, VectorUnit.Widest, team);

        NonFiniteFinding? found = execution.FindNonFinite(TestBed.Input(TestBed.Regression(new Shape(1), [1, 2, 3, value], new float[4])), TestBed.Parameters(graph).Span);

        Assert.Equal(new NonFiniteFinding(1, node, what), found);
    }

    [Fact]
    public void A_weight_s_gradient_that_overflows_is_found_at_its_node()
    {
        // The hidden values are 1e20, the outputs 2e10 before the division by 1e-10 and 2e20 after it, the gradient before it 2e30.
        float[] inputs = new float[14];
        Array.Fill(inputs, 1e20f);
        Assert.Equal(new NonFiniteFinding(2, "fc2", "gradient of fc2.weight"), Find(parameters => parameters("fc2.weight").Fill(1e-10f), inputs, scale: 1e10f));
    }

    [Fact]
    public void An_output_is_found_though_a_gradient_is_written_over_it()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Conv2d(1, 1), new MaxPool2d(2), new Flatten(), new Linear(2)), new Shape(1, 2, 2));
        Arena parameters = TestBed.Parameters(graph);
        Assert.True(graph.Layout.TryFind("conv1.bias", out ParameterEntry? bias));
        parameters[bias].Fill(float.NaN);
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 2, 1, VectorUnit.Widest, team);

        NonFiniteFinding? found = execution.FindNonFinite(TestBed.Input(TestBed.RandomClasses(graph.InputShape, 2, 2)), parameters.Span);

        Assert.Equal(new NonFiniteFinding(0, "conv1", "output"), found);
    }

    private delegate Span<float> Parameter(string name);

    // fc1 → fc2 → · over seven samples in slices of two; the first is slice 2.
    private static NonFiniteFinding? Find(Action<Parameter> change, float[] inputs, float scale = 1)
    {
        Normalization last = new([0, 0], [1 / scale, 1 / scale], 1e-30f);
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(2), new Linear(2), last), Input);
        Arena parameters = new(graph.Layout);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            parameters[entry].Fill(0.5f);
        }

        change(name => graph.Layout.TryFind(name, out ParameterEntry? entry) ? parameters[entry] : throw new ArgumentException(name));
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.MeanSquares, 2, 4, VectorUnit.Widest, team);
        PassInput input = new() { Data = TestBed.Regression(Input, inputs, new float[14]), Samples = Enumerable.Range(0, 7).ToArray(), FirstPlace = 4 };
        return execution.FindNonFinite(input, parameters.Span);
    }
}
