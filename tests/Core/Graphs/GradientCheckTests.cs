using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>The check itself: it fails a wrong rule, counts kinks and takes a sample of large parameters.</summary>
public sealed class GradientCheckTests
{
    private static readonly Shape Input = new(3);

    private static readonly Dataset Data = TestBed.RandomClasses(Input, 8, 3);

    [Theory]
    [InlineData(1, true)]
    [InlineData(1.01f, false)]
    [InlineData(-1, false)]
    public void A_gradient_that_is_off_by_a_hundredth_fails(float factor, bool passes)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(4), new Scaled(factor), new Linear(3)), Input);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Data), TestBed.Parameters(graph).Span);
        Assert.Equal(passes, report.Passed);
        Assert.Equal(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], report.Parameters.Select(parameter => parameter.Name));
        Assert.All(report.Parameters.Skip(2), parameter => Assert.InRange(parameter.MaximumError, 0, 1e-5));
    }

    [Fact]
    public void A_bias_at_a_kink_is_counted_and_not_compared()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(2), new Relu(), new Linear(3)), Input);
        Arena parameters = TestBed.Parameters(graph);
        parameters[graph.Layout.Entries[0]].Clear();
        parameters[graph.Layout.Entries[1]][0] = 0;
        parameters[graph.Layout.Entries[1]][1] = 1;
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Data), parameters.Span);
        Assert.True(report.Passed);
        Assert.Equal((1, 1), (report.Parameters[1].Checked, report.Parameters[1].Kinks));
    }

    [Fact]
    public void A_parameter_that_lies_wholly_at_kinks_does_not_pass_nor_does_a_model_without_parameters()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(2), new Relu(), new Linear(3)), Input);
        Arena parameters = TestBed.Parameters(graph);
        parameters[graph.Layout.Entries[0]].Clear();
        parameters[graph.Layout.Entries[1]].Clear();
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Data), parameters.Span);
        Assert.Equal((0, 2), (report.Parameters[1].Checked, report.Parameters[1].Kinks));
        Assert.Contains("fc1.bias", report.NotCompared);
        Assert.InRange(report.MaximumError, 0, GradientCheckReport.Tolerance);
        Assert.False(report.Passed);

        Graph none = Graph.Build(ModelDefinition.Chain(new Tanh()), Input);
        Assert.False(GradientCheck.Run(none, TestBed.CrossEntropy, TestBed.Input(Data), TestBed.Parameters(none).Span).Passed);
    }

    [Fact]
    public void Of_a_large_parameter_a_sample_is_compared()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(30), new Tanh(), new Linear(3)), Input);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Data), TestBed.Parameters(graph).Span, maximumPerParameter: 10);
        Assert.True(report.Passed);
        Assert.InRange(report.Parameters[0].Checked, 5, 10);
        Assert.Equal(3, report.Parameters[3].Checked);
    }

    [Fact]
    public void A_parameter_shared_between_a_branch_and_the_model_around_it_is_right()
    {
        ModelDefinition shared = new([new("again", new Linear(3), ["input"]) { Shares = "fc1" }], "again");
        Graph graph = Graph.Build(
            new(
                [
                    new("fc1", new Linear(3), ["input"]), new("tanh", new Tanh(), ["fc1"]),
                    new("select", new Select(SelectRule.Threshold(1, 0.05f), [shared, ModelDefinition.Chain(new Sigmoid())]), ["tanh"]),
                    new("again", new Linear(3), ["select"]) { Shares = "fc1" },
                ],
                "again"),
            Input);
        Assert.Equal(["fc1.weight", "fc1.bias"], graph.Layout.Entries.Select(entry => entry.Name));
        Assert.True(GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Data), TestBed.Parameters(graph).Span, sliceSize: 2).Passed);
    }

    [Fact]
    public void A_binary_and_a_regression_loss_are_right_too()
    {
        Graph binary = Graph.Build(ModelDefinition.Chain(new Linear(4), new Softplus(), new Linear(1)), Input);
        Dataset two = TestBed.RandomClasses(Input, 8, 2);
        Assert.True(GradientCheck.Run(binary, new() { Kind = DistNet.Losses.LossKind.BinaryCrossEntropy }, TestBed.Input(two), TestBed.Parameters(binary).Span).Passed);
        Graph regression = Graph.Build(ModelDefinition.Chain(new Linear(4), new Sigmoid(), new Linear(2)), Input);
        Dataset numbers = TestBed.Regression(Input, TestBed.Uniform(24, 1, 2), TestBed.Uniform(16, 2, 2));
        Assert.True(GradientCheck.Run(regression, TestBed.MeanSquares, TestBed.Input(numbers), TestBed.Parameters(regression).Span).Passed);
    }

    // The identity, whose gradient is wrong by a factor.
    private sealed class Scaled(float factor) : Module
    {
        public override string Kind => "scaled";

        public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

        public override void Forward(ForwardContext context) => context.Input(0).CopyTo(context.Output);

        public override void Backward(BackwardContext context) =>
            DistNet.Kernels.Elementwise.Scale(context.Unit, context.OutputGradient, factor, context.InputGradient(0));

        public override void ForwardReference(ReferenceContext context) => context.Input(0).CopyTo(context.Output);
    }
}
