using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>A module of a user's own, and a rule of their own for Select, by the public API alone.</summary>
public sealed class UserModuleTests
{
    private static readonly Shape Width = new(5);

    private static readonly ModelDefinition Model = ModelDefinition.Chain(new Linear(5), new Tanh(), new Gain(), new Linear(5), new Gain(), new Linear(3));

    [Fact]
    public void Its_gradients_agree_with_central_differences()
    {
        Graph graph = Graph.Build(Model, Width);
        Dataset data = TestBed.RandomClasses(Width, 11, 3);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), TestBed.Parameters(graph).Span, sliceSize: 2);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.Equal(8, report.Parameters.Length);
        Assert.All(report.Parameters, parameter => Assert.True(parameter.LargestGradient > 1e-3));
    }

    [Fact]
    public void Its_parameters_start_at_1_and_bear_the_node_s_name()
    {
        Graph graph = Graph.Build(Model, Width);
        Assert.Equal(["fc1.weight", "fc1.bias", "gain1.scale", "fc2.weight", "fc2.bias", "gain2.scale", "fc3.weight", "fc3.bias"], graph.Layout.Entries.Select(entry => entry.Name));
        Assert.Equal([1, 1, 1, 1, 1], TestBed.Parameters(graph)[graph.Layout.Entries[2]].ToArray());
    }

    [Fact]
    public void Threads_and_splits_do_not_change_its_bits()
    {
        Graph graph = Graph.Build(Model, Width);
        Dataset data = TestBed.RandomClasses(Width, 23, 3);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, sliceSize: 2);
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, sliceSize: 2, threads: 3));
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 2, [new SliceRange(0, 5), new SliceRange(5, 7)]));
    }

    [Fact]
    public void A_norm_that_sums_in_its_backward_rule_may_be_the_first_node()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Centering(), new Linear(4), new Centering(), new Linear(3)), Width);
        Dataset data = TestBed.RandomClasses(Width, 23, 3);
        Arena parameters = TestBed.Parameters(graph);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), parameters.Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.Equal(["centering1.gain", "centering2.gain"], report.Parameters.Where(parameter => parameter.LargestGradient > 1e-3).Select(parameter => parameter.Name).Where(name => name.EndsWith("gain", StringComparison.Ordinal)));
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, threads: 3));
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new SliceRange(0, 4), new SliceRange(4, 2)]));
    }

    [Fact]
    public void A_rule_of_one_s_own_routes_by_the_whole_sample()
    {
        ModelDefinition negative = ModelDefinition.Chain(new Linear(1));
        Graph graph = Graph.Build(ModelDefinition.Chain(new Select(new SignOfSum(), [negative, negative])), new Shape(2));
        Arena parameters = new(graph.Layout);
        parameters[graph.Layout.Entries[1]][0] = 10;
        parameters[graph.Layout.Entries[3]][0] = 20;
        Dataset data = TestBed.Regression(new Shape(2), [1, 1, -1, -1, -3, 4], [0, 0, 0]);
        Assert.Equal([20, 10, 20], TestBed.Predict(graph, data, parameters));
    }

    [Fact]
    public void Without_a_reference_a_gradient_check_says_so_in_a_sentence()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Plain(), new Linear(3)), Width);
        DistNetException failure = Assert.Throws<DistNetException>(
            () => GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(TestBed.RandomClasses(Width, 3, 3)), TestBed.Parameters(graph).Span));
        Assert.Equal("The module 'plain' has no ForwardReference, so its gradients cannot be checked.", failure.Message);
    }

    private sealed class Plain : Module
    {
        public override string Kind => "plain";

        public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

        public override void Forward(ForwardContext context) => context.Input(0).CopyTo(context.Output);

        public override void Backward(BackwardContext context) => context.OutputGradient.CopyTo(context.InputGradient(0));
    }

    private sealed class SignOfSum : SelectRule
    {
        public override int Branches => 2;

        public override int Choose(ReadOnlySpan<float> sample) => sample[0] + sample[1] < 0 ? 0 : 1;
    }
}
