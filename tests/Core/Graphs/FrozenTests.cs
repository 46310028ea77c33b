using DistNet.Data;
using DistNet.Graphs;
using DistNet.Jobs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>Frozen nodes: no gradient, no update, and no backward pass where nobody needs it.</summary>
public sealed class FrozenTests
{
    private static readonly ModelDefinition Chain = ModelDefinition.Chain(new Linear(6), new Tanh(), new Linear(5), new Relu(), new Linear(3));

    [Theory]
    [InlineData("fc1")]
    [InlineData("fc2")]
    [InlineData("fc1", "fc2")]
    [InlineData("*")]
    public void Frozen_parameters_get_a_gradient_of_0_and_the_others_the_bits_that_they_had(params string[] patterns)
    {
        Graph trained = Build(Chain);
        Graph graph = Build(Chain.Freeze(patterns));
        Dataset data = TestBed.RandomClasses(new Shape(4), 23, 3);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass before = TestBed.Train(trained, TestBed.CrossEntropy, data, TestBed.Parameters(trained));
        TestBed.Pass after = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        Assert.Equal(before.Metrics, after.Metrics);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            bool isFrozen = entry.Role == ParameterRole.Frozen;
            Assert.Equal(patterns.Contains("*") || patterns.Contains(entry.Name[..3]), isFrozen);
            Assert.Equal(isFrozen ? new float[entry.Length] : before.Of(trained, entry.Name), after.Of(graph, entry.Name));
        }

        after.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new SliceRange(0, 3), new SliceRange(3, 3)], threads: 3));
    }

    [Fact]
    public void Nothing_goes_backward_below_the_last_trained_node()
    {
        bool[] Backward(ModelDefinition model) => [.. Build(model).Nodes.Select(node => node.NeedsBackward)];
        Assert.Equal([false, true, true, true, true], Backward(Chain));
        Assert.Equal([false, false, false, true, true], Backward(Chain.Freeze("fc1")));
        Assert.Equal([false, false, false, false, false], Backward(Chain.Freeze("fc1", "fc2")));
        Assert.Equal([false, true, true, true, true], Backward(Chain.Freeze("fc2", "fc3")));
    }

    [Fact]
    public void Gradients_of_what_is_trained_agree_with_central_differences()
    {
        Graph graph = Build(Chain.Freeze("fc2"));
        Dataset data = TestBed.RandomClasses(new Shape(4), 9, 3);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), TestBed.Parameters(graph).Span, sliceSize: 2);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.Equal(["fc1.weight", "fc1.bias", "fc3.weight", "fc3.bias"], report.Parameters.Select(parameter => parameter.Name));
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Neither_update_nor_decay_nor_penalties_move_them_and_they_are_no_part_of_the_norm(OptimizerKind kind)
    {
        Graph graph = Build(Chain.Freeze("fc1", "fc3"));
        OptimizerOptions optimizer = new() { Kind = kind, WeightDecay = 0.1, DecayBiases = true, Momentum = kind == OptimizerKind.Sgd ? 0.9 : 0, ClipNorm = 1 };
        using Crew crew = new(2, "test");
        ParameterUpdate update = new(graph.Layout, optimizer, new RegularizationOptions { L1 = 0.1, L2 = 0.2 }, VectorUnit.Widest, crew);
        TestBed.Parameters(graph).Span.CopyTo(update.Parameters.Span);
        Arena gradient = new(graph.Layout);
        UpdateOutcome outcome = default;
        for (int step = 0; step < 3; step++)
        {
            gradient.Span.Fill(1);
            outcome = update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Memory)], 1, 1, 1, 0.1, new TrainingState());
        }

        Arena start = TestBed.Parameters(graph);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            Assert.Equal(entry.Role == ParameterRole.Frozen, start[entry].SequenceEqual(update.Parameters[entry]));
        }

        // The update leaves the gradient at the root in the node's place.
        double squares = graph.Layout.Entries.Where(entry => entry.IsTrained).Sum(entry => gradient[entry].ToArray().Sum(value => (double)value * value));
        Assert.Equal(Math.Sqrt(squares), outcome.GradientNorm, 1e-9);
    }

    [Fact]
    public void Whoever_shares_frozen_parameters_uses_them_as_they_are()
    {
        ModelDefinition model = new(
            [new("a", new Linear(4), ["input"]) { Frozen = true }, new("b", new Linear(4), ["a"]) { Shares = "a" }, new("out", new Linear(3), ["b"])], "out");
        Graph graph = Build(model);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.CrossEntropy, TestBed.RandomClasses(new Shape(4), 9, 3), TestBed.Parameters(graph));
        Assert.All(pass.Of(graph, "a.weight"), value => Assert.Equal(0, value));
        Assert.Contains(pass.Of(graph, "out.weight"), value => value != 0);

        ModelDefinition other = model with { Nodes = [model.Nodes[0] with { Frozen = false }, model.Nodes[1] with { Frozen = true }, model.Nodes[2]] };
        Assert.Equal(
            "Node 'b' (linear) is frozen, but shares the parameters of 'a', which is not; freeze 'a'.", Assert.Throws<DistNetException>(() => Build(other)).Message);
    }

    [Fact]
    public void A_pattern_without_a_node_is_refused() =>
        Assert.Equal("The model has no node 'fc4' to freeze; did you mean 'fc1'?", Assert.Throws<DistNetException>(() => Chain.Freeze("fc4")).Message);

    [Fact]
    public void A_job_file_keeps_what_is_frozen()
    {
        Job job = new() { Model = Chain.Freeze("fc2") };
        Job read = JobFile.FromJson(JobFile.ToJson(job));
        Assert.Equal([false, false, true, false, false], read.Model.Nodes.Select(node => node.Frozen));
        Assert.DoesNotContain("frozen", JobFile.ToJson(new Job { Model = Chain }));
    }

    private static Graph Build(ModelDefinition model) => Graph.Build(model, new Shape(4), TestBed.CrossEntropy);
}
