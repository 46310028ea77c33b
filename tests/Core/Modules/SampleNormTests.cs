using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Layer and group normalisation: gradients, bits, parameters and errors.</summary>
public sealed class SampleNormTests
{
    private static readonly Shape Image = new(4, 3, 5);

    private static readonly ModelDefinition Model = ModelDefinition.Chain(
        new LayerNorm(3), new GroupNorm(2), new Tanh(), new LayerNorm(), new GroupNorm(4, affine: false), new LayerNorm(2, affine: false), new Flatten(), new Linear(3));

    [Fact]
    public void Their_gradients_agree_with_central_differences()
    {
        Graph graph = Graph.Build(Model, Image);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(TestBed.RandomClasses(Image, 7, 3)), Parameters(graph).Span, sliceSize: 2);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
    }

    [Fact]
    public void Any_split_of_the_slices_any_threads_and_any_width_give_the_same_bits()
    {
        Graph graph = Graph.Build(Model, Image);
        Dataset data = TestBed.RandomClasses(Image, 27, 3);
        Arena parameters = Parameters(graph);
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new(0, 3), new(3, 2), new(5, 2)], unit, threads: 3));
        }
    }

    [Fact]
    public void Parameters_have_the_shape_of_what_is_normalised_or_of_the_channels()
    {
        Graph graph = Graph.Build(Model, Image);
        Assert.Equal(
            ["ln1.weight [4, 3, 5]", "ln1.bias [4, 3, 5]", "gn1.weight [4]", "gn1.bias [4]", "ln2.weight [5]", "ln2.bias [5]", "fc1.weight [3, 60]", "fc1.bias [3]"],
            graph.Layout.Entries.Select(entry => $"{entry.Name} {entry.Shape}"));
    }

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence()
    {
        AssertRefused("Node 'ln1' (layer-norm) does not fit: its input has the shape [5], but it normalises the last 2 dimensions.", new LayerNorm(2), new Shape(5));
        AssertRefused("Node 'gn1' (group-norm) does not fit: its input has the shape [4, 3, 5], whose 4 channels cannot be cut into 3 equal groups.", new GroupNorm(3), Image);
        Assert.Equal("A layer-norm module normalises 0 dimensions; it needs at least 1.", Assert.Throws<DistNetException>(() => new LayerNorm(0)).Message);
        Assert.Equal("A group-norm module has 0 groups; it needs at least 1.", Assert.Throws<DistNetException>(() => new GroupNorm(0)).Message);
        Assert.Equal("A group-norm module has the epsilon -1; expected a finite number above 0, as a 32-bit float too.", Assert.Throws<DistNetException>(() => new GroupNorm(1, -1)).Message);
    }

    private static void AssertRefused(string sentence, Module module, Shape shape) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Graph.Build(ModelDefinition.Chain(module), shape)).Message);

    // No weight is 1 and no bias 0.
    private static Arena Parameters(Graph graph)
    {
        Arena parameters = TestBed.Parameters(graph);
        foreach ((int index, ParameterEntry entry) in graph.Layout.Entries.Index())
        {
            if (entry.Name.StartsWith("ln", StringComparison.Ordinal) || entry.Name.StartsWith("gn", StringComparison.Ordinal))
            {
                TestBed.Uniform(entry.Length, index, 1).CopyTo(parameters[entry]);
            }
        }

        return parameters;
    }
}
