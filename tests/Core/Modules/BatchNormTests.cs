using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Tests.Kernels;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Batch normalisation between slices: what each contributes, and what those without statistics do.</summary>
public sealed class BatchNormTests
{
    private const int Channels = 3;
    private const int Pixels = 20;

    private static readonly Shape Image = new(Channels, 4, 5);

    [Fact]
    public void Gradients_and_changes_of_buffers_are_the_tree_of_each_slice_by_itself()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new BatchNorm(epsilon: 0.5, momentum: 0.25)), Image);
        Dataset data = TestBed.Regression(Image, TestBed.Uniform(11 * Image.Length, 1, 2), TestBed.Uniform(11 * Image.Length, 2, 2));
        Arena parameters = Arbitrary(graph);
        float[] weight = Of(graph, parameters, "bn1.weight"), bias = Of(graph, parameters, "bn1.bias");
        float[] runningMean = Of(graph, parameters, "bn1.running_mean"), runningVariance = Of(graph, parameters, "bn1.running_var");
        List<float[]>[] terms = [[], [], [], []];
        for (int first = 0; first < 11; first += 4)
        {
            int rows = Math.Min(4, 11 - first);
            float[] x = new float[rows * Image.Length];
            data.CopyInputs([.. Enumerable.Range(first, rows)], x);
            PlainNorms.Slice slice = PlainNorms.Forward(x, rows, Channels, weight, bias, 0.5f);
            float[] dy = [.. slice.Y.Select((y, index) => (y - data.Targets[(first * Image.Length) + index]) * (2f / Image.Length))];
            PlainNorms.Gradients gradients = PlainNorms.Backward(x, dy, rows, Channels, weight, slice.Mean, slice.Inverse, ofSlice: true);
            terms[0].Add(gradients.Weight);
            terms[1].Add(gradients.Bias);
            terms[2].Add([.. slice.Mean.Zip(runningMean, (statistic, buffer) => 0.25f * (statistic - buffer) * rows)]);
            terms[3].Add([.. slice.Variance.Zip(runningVariance, (statistic, buffer) => 0.25f * (statistic - buffer) * rows)]);
        }

        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, parameters);
        foreach ((ParameterEntry entry, List<float[]> slices) in graph.Layout.Entries.Zip(terms))
        {
            float[] expected = [.. Enumerable.Range(0, Channels).Select(channel => 0 + slices[0][channel] + slices[1][channel] + slices[2][channel])];
            float[] found = pass.Of(graph, entry.Name);
            if (entry.IsBuffer)
            {
                Bits.Equal(expected, found, entry.Name);
            }
            else
            {
                // The loss's own rounding is not this test's.
                GoldenCase.AssertClose(Array.ConvertAll(expected, value => (double)value), found, 1e-6, entry.Name);
            }
        }
    }

    [Fact]
    public void A_slice_of_a_single_value_is_normalised_as_in_evaluation_and_leaves_the_buffers()
    {
        Shape features = new(5);
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(5), new BatchNorm(), new Linear(3)), features);
        Arena parameters = Arbitrary(graph);
        Dataset data = TestBed.RandomClasses(features, 1, 3);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        Assert.Equal(Loss(graph, data, parameters), pass.Metrics.Loss);
        Assert.All(graph.Layout.Buffers, buffer => Assert.All(pass.Of(graph, buffer.Name), value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value))));
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), parameters.Span);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.DoesNotContain(report.Parameters, parameter => parameter.Name.Contains("running", StringComparison.Ordinal));
    }

    [Fact]
    public void A_frozen_one_is_as_in_evaluation_and_leaves_its_buffers()
    {
        Shape features = new(5);
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(5), new BatchNorm(), new Linear(3)).Freeze(["bn1"]), features);
        Arena parameters = Arbitrary(graph);
        Dataset data = TestBed.RandomClasses(features, 4, 3);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        Assert.Equal(Loss(graph, data, parameters), pass.Metrics.Loss);
        Assert.Equal(["bn1.running_mean", "bn1.running_var"], graph.Layout.Buffers.Select(buffer => buffer.Name));
        Assert.All(["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"], name => Assert.All(pass.Of(graph, name), value => Assert.Equal(0, value)));
        Assert.True(GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), parameters.Span).Passed);
    }

    [Fact]
    public void In_a_branch_a_slice_counts_with_all_its_samples_where_two_took_it_and_not_at_all_where_fewer_did()
    {
        // Slices of four; those that took branch 0 (below 0): three, one, none, two of a last slice of three.
        float[] inputs = [-1, -2, 5, -6, 1, -1, 1, 1, 1, 1, 1, 1, -3, 1, -5];
        ModelDefinition branch = ModelDefinition.Chain(new BatchNorm(momentum: 0.5));
        Graph graph = Graph.Build(ModelDefinition.Chain(new Select(SelectRule.Threshold(0, 0), [branch, ModelDefinition.Chain(new Tanh())])), new Shape(1));
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.Kaiming, 1, parameters);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, TestBed.Regression(new Shape(1), inputs, new float[inputs.Length]), parameters);
        Assert.Equal([(0.5f * (-3 - 0) * 4) + (0.5f * (-4 - 0) * 3)], pass.Of(graph, "select1.branch0.bn1.running_mean"));
        Assert.Equal([(0.5f * (7 - 1) * 4) + (0.5f * (2 - 1) * 3)], pass.Of(graph, "select1.branch0.bn1.running_var"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Buffers_start_at_0_and_1_and_weights_at_1_and_0_by_either_initialisation(bool pyTorch)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new BatchNorm()), new Shape(2));
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, pyTorch ? InitializationScheme.PyTorch : InitializationScheme.Kaiming, 1, parameters);
        Assert.Equal(["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"], graph.Layout.Entries.Select(entry => entry.Name));
        Assert.Equal([1, 1], parameters[graph.Layout.Entries[0]].ToArray());
        Assert.Equal([0, 0], parameters[graph.Layout.Entries[1]].ToArray());
        Assert.Equal([0, 0], parameters[graph.Layout.Entries[2]].ToArray());
        Assert.Equal([1, 1], parameters[graph.Layout.Entries[3]].ToArray());
        Assert.Equal(4, graph.Layout.ParameterCount);
    }

    [Fact]
    public void A_variance_that_overflows_is_found_at_its_buffer()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new BatchNorm()), new Shape(1));
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.Kaiming, 1, parameters);
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.MeanSquares, 2, 1, VectorUnit.Widest, team);
        Dataset data = TestBed.Regression(new Shape(1), [1e30f, -1e30f], [0, 0]);
        Assert.Equal(new NonFiniteFinding(0, "bn1", "change of bn1.running_var"), execution.FindNonFinite(TestBed.Input(data), parameters.Span));
    }

    [Fact]
    public void Any_split_of_the_slices_any_threads_and_any_width_give_the_same_bits_for_images()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new BatchNorm(), new Relu(), new BatchNorm(affine: false), new Flatten(), new Linear(3)), Image);
        Dataset data = TestBed.RandomClasses(Image, 27, 3);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new(0, 3), new(3, 2), new(5, 2)], unit, threads: 3));
        }
    }

    [Fact]
    public void Gradients_through_the_statistics_of_images_agree_with_central_differences()
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new BatchNorm(), new Tanh(), new BatchNorm(), new Flatten(), new Linear(3)), Image);
        Dataset data = TestBed.RandomClasses(Image, 9, 3);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), TestBed.Parameters(graph).Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
    }

    [Theory]
    [InlineData(0, 0.1, "A batch-norm module has the epsilon 0; expected a finite number above 0, as a 32-bit float too.")]
    [InlineData(1e-60, 0.1, "A batch-norm module has the epsilon 1E-60; expected a finite number above 0, as a 32-bit float too.")]
    [InlineData(double.NaN, 0.1, "A batch-norm module has the epsilon NaN; expected a finite number above 0, as a 32-bit float too.")]
    [InlineData(1e-5, 1.5, "A batch-norm module has the momentum 1.5; it must be from 0 to 1.")]
    [InlineData(1e-5, -1, "A batch-norm module has the momentum -1; it must be from 0 to 1.")]
    public void Options_out_of_their_range_are_refused(double epsilon, double momentum, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => new BatchNorm(epsilon, momentum)).Message);

    // No value is what it starts as.
    private static Arena Arbitrary(Graph graph)
    {
        Arena parameters = new(graph.Layout);
        foreach ((int index, ParameterEntry entry) in graph.Layout.Entries.Index())
        {
            TestBed.Uniform(entry.Length, index, 1).Select(value => entry.IsBuffer ? value + 1.5f : value).ToArray().CopyTo(parameters[entry]);
        }

        return parameters;
    }

    private static float[] Of(Graph graph, Arena parameters, string name) =>
        graph.Layout.TryFind(name, out ParameterEntry? entry) ? parameters[entry].ToArray() : throw new ArgumentException(name);

    private static double Loss(Graph graph, Dataset data, Arena parameters)
    {
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 4, 1, VectorUnit.Widest, team);
        NodeMetrics[] metrics = new NodeMetrics[1];
        execution.Evaluate(TestBed.Input(data), parameters.Span, [new(0, 0)], metrics);
        return metrics[0].Loss;
    }
}
