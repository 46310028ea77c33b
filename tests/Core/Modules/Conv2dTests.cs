using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Convolutions in a model: shapes, sentences about what does not fit, initial weights, and gradients against central differences.</summary>
public sealed class Conv2dTests
{
    private static readonly int[] Image = [2, 5, 6];

    // With the images they take; the last goes by Winograd.
    public static TheoryData<Conv2d, int[]> Convolutions => new()
    {
        { new Conv2d(5, 3, padding: 1), Image }, { new Conv2d(17, (2, 3), bias: false), Image }, { new Conv2d(3, 1, stride: 2), Image },
        { new Conv2d(4, 3, stride: (3, 2), padding: (2, 1), dilation: (1, 2)), Image }, { new Conv2d(4, 3, padding: 1, groups: 2), Image },
        { new Conv2d(2, 4, padding: Conv2d.Same, groups: 2), Image }, { new Conv2d(16, 3, padding: 1), [16, 2, 2] },
    };

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void Gradients_agree_with_central_differences_and_depend_neither_on_threads_nor_on_widths(Conv2d convolution, int[] image)
    {
        Shape input = new(6);
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(new Shape(image).Length), new Reshape(image), convolution, new Tanh(), new Flatten(), new Linear(3)), input);
        Dataset data = TestBed.RandomClasses(input, 13, 3);
        Arena parameters = TestBed.Parameters(graph);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), parameters.Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.All(report.Parameters, parameter => Assert.True(parameter.LargestGradient > 1e-3));
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        Assert.All([2, 3], threads => one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, threads: threads)));
        Assert.All(VectorUnit.Available(), unit => one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, unit: unit)));
    }

    [Fact]
    public void Shapes_are_those_of_PyTorch()
    {
        Assert.Equal(new Shape(32, 28, 28), Of(new Conv2d(32, 3, padding: 1), 28, 28));
        Assert.Equal(new Shape(8, 14, 7), Of(new Conv2d(8, 3, stride: (2, 4), padding: 1), 3, 28, 28));
        Assert.Equal(new Shape(8, 9, 8), Of(new Conv2d(8, (4, 2), padding: Conv2d.Same, dilation: 3), 3, 9, 8));
        Assert.Equal(new Shape(4, 1, 1), Of(new Conv2d(4, 3, stride: 5), 3, 3, 3));
    }

    [Fact]
    public void Weights_have_the_layout_of_PyTorch_and_the_gain_of_what_follows()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Conv2d(64, 3, groups: 2), new Relu(), new Flatten(), new Linear(2)), new Shape(8, 5, 5));
        Assert.Equal(["conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias"], graph.Layout.Entries.Select(entry => entry.Name));
        Assert.Equal(new Shape(64, 4, 3, 3), graph.Layout.Entries[0].Shape);
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.Kaiming, 1, parameters);
        double bound = Math.Sqrt(2) * Math.Sqrt(3.0 / (4 * 3 * 3));
        Assert.InRange(parameters[graph.Layout.Entries[0]].ToArray().Max(Math.Abs), 0.98 * bound, bound);
        Assert.All(parameters[graph.Layout.Entries[1]].ToArray(), bias => Assert.Equal(0, bias));
    }

    [Fact]
    public void What_does_not_fit_is_said_in_a_sentence()
    {
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its kernel spans 5×5, but its input [1, 4, 6] has 4×6; take a smaller kernel.",
            Failure(() => Of(new Conv2d(3, 3, dilation: 2), 1, 4, 6)));
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its kernel spans 7×3, but its input [1, 4, 6] has 4×6 and a padding of 1×0 at each edge; take a smaller kernel.",
            Failure(() => Of(new Conv2d(3, (7, 3), padding: (1, 0)), 1, 4, 6)));
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its input has the shape [784], but a conv2d takes images, [channels, height, width] or [height, width]; put a reshape before it.",
            Failure(() => Of(new Conv2d(3, 3), 784)));
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: it has 2 groups, but its input has 3 channels and its output 4; take a divisor of both.",
            Failure(() => Of(new Conv2d(4, 1, groups: 2), 3, 4, 6)));
        Assert.Contains("it has 2 groups, but its input has 1 channel and its output 4;", Failure(() => Of(new Conv2d(4, 1, groups: 2), 1, 4, 6)), StringComparison.Ordinal);
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its weights would be [100000, 3, 300, 300], more than 2147483647 floats.",
            Failure(() => Of(new Conv2d(100_000, 300), 3, 400, 400)));
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its weights would be [2147483647, 3, 2147483647, 1], more than 2147483647 floats.",
            Failure(() => Of(new Conv2d(int.MaxValue, (int.MaxValue, 1), padding: (int.MaxValue / 2, 0)), 3, 4, 4)));
        Assert.Equal(
            "Node 'conv1' (conv2d) does not fit: its output would be [100, 10398, 10398] from a padded input of [3, 10400, 10400], more than 2147483647 floats.",
            Failure(() => Of(new Conv2d(100, 3, padding: 5000), 3, 400, 400)));
        Assert.Equal("A module of kind conv2d has 0 outputs; it needs at least 1.", Failure(() => new Conv2d(0, 3)));
        Assert.Equal("A module of kind conv2d has the kernel 0×2; it needs at least 1 each way.", Failure(() => new Conv2d(1, (0, 2))));
        Assert.Equal("A module of kind conv2d has the padding 'same' and the stride 2×2; 'same' needs a stride of 1.", Failure(() => new Conv2d(1, 3, stride: 2, padding: Conv2d.Same)));
    }

    private static Shape Of(Conv2d convolution, params int[] input) => Graph.Build(ModelDefinition.Chain(convolution), new Shape(input)).OutputShape;

    private static string Failure(Func<object> action) => Assert.Throws<DistNetException>(action).Message;
}
