using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Pools in a model: shapes, sentences about what does not fit, and gradients against central differences.</summary>
public sealed class PoolTests
{
    public static TheoryData<Module> Pools =>
    [
        new MaxPool2d(2), new MaxPool2d(3, stride: 2, padding: 1), new MaxPool2d((1, 2), stride: 1, dilation: (1, 2)),
        new AvgPool2d(2), new AvgPool2d(3, stride: 1, padding: 1, countIncludePadding: false), new GlobalAveragePool(),
    ];

    [Theory]
    [MemberData(nameof(Pools))]
    public void Gradients_agree_with_central_differences_and_do_not_depend_on_threads(Module pool)
    {
        Shape input = new(6);
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(2 * 5 * 5), new Reshape(2, 5, -1), pool, new Flatten(), new Linear(3)), input);
        Dataset data = TestBed.RandomClasses(input, 13, 3);
        Arena parameters = TestBed.Parameters(graph);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), parameters.Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.All(report.Parameters, parameter => Assert.True(parameter.LargestGradient > 1e-3));
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, threads: 3));
    }

    [Fact]
    public void An_image_of_two_dimensions_is_one_channel()
    {
        Assert.Equal(new Shape(1, 14, 14), Of(new MaxPool2d(2), 28, 28));
        Assert.Equal(new Shape(1), Of(new GlobalAveragePool(), 28, 28));
        Assert.Equal(new Shape(3, 4, 2), Of(new AvgPool2d((2, 3)), 3, 9, 8));
    }

    [Fact]
    public void What_does_not_fit_is_said_in_a_sentence()
    {
        Assert.Equal(
            "Node 'pool1' (max-pool2d) does not fit: its kernel spans 5×5, but its input [1, 4, 6] has 4×6 and a padding of 0×1 at each edge; take a smaller kernel.",
            Failure(() => Graph.Build(ModelDefinition.Chain(new MaxPool2d((5, 5), padding: (0, 1))), new Shape(1, 4, 6))));
        Assert.Equal(
            "Node 'pool1' (avg-pool2d) does not fit: its kernel spans 3×3, but its input [2, 2, 2] has 2×2; take a smaller kernel.",
            Failure(() => Graph.Build(ModelDefinition.Chain(new AvgPool2d(3)), new Shape(2, 2, 2))));
        Assert.Equal(
            "Node 'pool1' (global-average-pool) does not fit: its input has the shape [784], but a global-average-pool takes images, [channels, height, width] or [height, width]; put a reshape before it.",
            Failure(() => Graph.Build(ModelDefinition.Chain(new GlobalAveragePool()), new Shape(784))));
        Assert.Equal(
            "Node 'pool1' (max-pool2d) does not fit: its dilation of 4×4 is so wide that a window holds nothing but padding of its input [1, 3, 3]; take a smaller dilation.",
            Failure(() => Graph.Build(ModelDefinition.Chain(new MaxPool2d(2, padding: 1, dilation: 4)), new Shape(1, 3, 3))));
        Assert.Equal(
            "Node 'pool1' (avg-pool2d) does not fit: its output would be [1, 46341, 46341], more than 2147483647 values.",
            Failure(() => Graph.Build(ModelDefinition.Chain(new AvgPool2d(2, stride: 1, padding: 1)), new Shape(1, 46340, 46340))));
        Assert.Equal("A module of kind max-pool2d has the kernel 0×2; it needs at least 1 each way.", Failure(() => new MaxPool2d((0, 2))));
        Assert.Equal("A module of kind max-pool2d has the stride 0×0; it needs at least 1 each way.", Failure(() => new MaxPool2d(2, stride: 0)));
        Assert.Equal("A module of kind avg-pool2d has the padding -1×-1; it needs at least 0 each way.", Failure(() => new AvgPool2d(3, padding: -1)));
        Assert.Equal("A module of kind avg-pool2d has the padding 2×2 and the kernel 3×3; the padding may be half the kernel at most.", Failure(() => new AvgPool2d(3, padding: 2)));
        Assert.Equal("A module of kind max-pool2d has the kernel 65536×65536; it may have 2147483647 places at most.", Failure(() => new MaxPool2d(65536, padding: 32768)));
    }

    [Fact]
    public void A_reshape_says_what_does_not_fit()
    {
        Assert.Equal(new Shape(2, 3, 4), Of(new Reshape(2, -1, 4), 24));
        Assert.Equal(
            "Node 'reshape1' (reshape) does not fit: its input [25] has 25 values, which cannot take the shape [2, -1, 4].",
            Failure(() => Graph.Build(ModelDefinition.Chain(new Reshape(2, -1, 4)), new Shape(25))));
        Assert.Equal("A module of kind reshape has the shape [-1, -1]; it needs dimensions of at least 1, of which one may be -1.", Failure(() => new Reshape(-1, -1)));
        Assert.Equal("A module of kind reshape has the shape [0]; it needs dimensions of at least 1, of which one may be -1.", Failure(() => new Reshape(0)));
        Assert.Equal("A module of kind reshape has the shape []; it needs dimensions of at least 1, of which one may be -1.", Failure(() => new Reshape(ImmutableArray<int>.Empty.AsSpan())));
    }

    private static Shape Of(Module module, params int[] input) => Graph.Build(ModelDefinition.Chain(module), new Shape(input)).OutputShape;

    private static string Failure(Func<object> build) => Assert.Throws<DistNetException>(build).Message;
}
