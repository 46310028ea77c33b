using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Kernels;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>Passes of fixed models: modes, keys of randomness, bits, memory.</summary>
public sealed class GraphExecutionTests
{
    private static readonly Shape Input = new(37);

    // Widths that fill no vector, batch normalisations (one of them in a branch), a dropout, a fan-out, a shared weight and a Select.
    internal static readonly ModelDefinition Model = new(
        [
            Node("fc1", new Linear(70), "input"), Node("bn1", new BatchNorm(), "fc1"), Node("relu1", new Relu(), "bn1"), Node("drop1", new Dropout(0.25), "relu1"), Node("fc2", new Linear(70), "drop1"),
            Node("again", new Linear(70), "fc2") with { Shares = "fc2" }, Node("sum", new Add(), "relu1", "again"),
            Node("select1", new Select(SelectRule.Threshold(3, 0.2f), [ModelDefinition.Chain(new Linear(33), new BatchNorm(), new Dropout(), new Tanh()), ModelDefinition.Chain(new Linear(33))]), "sum"),
            Node("out", new Linear(10), "select1"),
        ],
        "out");

    private static readonly Graph Graph = DistNet.Graphs.Graph.Build(Model, Input);

    private static readonly Dataset Data = TestBed.RandomClasses(Input, 150, 10);

    [Theory]
    [InlineData(8, 2)]
    [InlineData(7, 3)]
    public void A_pool_that_computes_the_ReLU_before_it_gives_the_bits_of_both(int size, int kernel)
    {
        Dataset data = TestBed.RandomClasses(new Shape(2, size, size), 11, 3);
        TestBed.Pass folded = TestBed.Train(Convolutional(between: null), TestBed.CrossEntropy, data, TestBed.Parameters(Convolutional(between: null)));
        TestBed.Pass apart = TestBed.Train(Convolutional(new Reshape(5, size, size)), TestBed.CrossEntropy, data, TestBed.Parameters(Convolutional(between: null)));
        folded.AssertSameBits(apart);
        Assert.Contains(folded.Gradient, value => value != 0);

        Graph Convolutional(Module? between)
        {
            Module[] head = [new Conv2d(5, 3, padding: 1), new Relu()], tail = [new MaxPool2d(kernel), new Flatten(), new Linear(3)];
            return Graph.Build(ModelDefinition.Chain(between is null ? [.. head, .. tail] : [.. head, between, .. tail]), data.InputShape);
        }
    }

    [Fact]
    public void Threads_widths_and_splits_of_a_larger_model_give_the_same_bits()
    {
        Arena parameters = TestBed.Parameters(Graph);
        TestBed.Pass one = TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, sliceSize: 8);
        foreach (int threads in (int[])[2, 3, 4])
        {
            one.AssertSameBits(TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, sliceSize: 8, threads: threads));
        }

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            one.AssertSameBits(TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, 8, [new SliceRange(0, 5), new SliceRange(5, 9), new SliceRange(14, 5)], unit));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Waves_of_any_size_give_the_same_bits(int waveSlices)
    {
        Arena parameters = TestBed.Parameters(Graph);
        TestBed.Pass one = TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, sliceSize: 8);
        foreach (SliceRange[] shards in (SliceRange[][])[[new(0, 19)], [new(0, 5), new(5, 9), new(14, 5)], [new(0, 1), new(1, 17), new(18, 1)]])
        {
            foreach (int threads in (int[])[1, 3])
            {
                one.AssertSameBits(TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, 8, shards, threads: threads, waveSlices: waveSlices));
            }
        }
    }

    [Fact]
    public void Evaluations_and_predictions_in_waves_have_the_same_bits()
    {
        using ThreadTeam team = new(2, "test");
        Arena parameters = TestBed.Parameters(Graph);
        ImmutableArray<SumNode> nodes = CanonicalSum.Cover(new SliceRange(0, 19), 19);
        (NodeMetrics[] Metrics, float[] Outputs)[] results = [.. ((int?[])[null, 1, 4]).Select(waveSlices =>
        {
            GraphExecution execution = new(Graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team, waveSlices);
            NodeMetrics[] metrics = new NodeMetrics[nodes.Length];
            float[] outputs = Bits.Unwritten(150 * 10);
            execution.Evaluate(TestBed.Input(Data), parameters.Span, nodes.AsSpan(), metrics);
            execution.Predict(TestBed.Input(Data), parameters.Span, outputs);
            return (metrics, outputs);
        })];
        foreach ((NodeMetrics[] metrics, float[] outputs) in results[1..])
        {
            Assert.Equal(results[0].Metrics, metrics);
            Bits.Equal(results[0].Outputs, outputs, "outputs");
        }
    }

    [Fact]
    public void Operands_are_kept_where_a_wave_has_fewer_of_them_than_weights_and_nobody_shares_those()
    {
        // fc1 has 2,660 parameters and 107 floats a row; fc2 is shared; out has 340 and 43; the rest are no linear modules of all rows.
        Assert.Equal(["fc1"], Kept(maximumSlices: 19, waveSlices: 1));
        Assert.Equal(["fc1"], Kept(maximumSlices: 19, waveSlices: 2));
        Assert.Equal([], Kept(maximumSlices: 19, waveSlices: 4));
        Assert.Equal([], Kept(maximumSlices: 1, waveSlices: 1));
        Assert.Equal([], Kept(maximumSlices: 19, waveSlices: 1, DistNet.Graphs.Graph.Build(Model.Freeze("fc1"), Input)));

        // 41,000 floats a row: 10 million in 256 rows, 21 million in 512, which are too many to keep.
        Graph wide = DistNet.Graphs.Graph.Build(ModelDefinition.Chain(new Linear(1_000)), new Shape(40_000));
        Assert.Equal(["fc1"], Kept(maximumSlices: 32, waveSlices: 1, wide));
        Assert.Equal([], Kept(maximumSlices: 64, waveSlices: 1, wide));

        static string[] Kept(int maximumSlices, int waveSlices, Graph? graph = null) =>
            [.. new ExecutionMemory(graph ?? Graph, 8, maximumSlices, waveSlices).Nodes.Where(node => node.IsKept).Select(node => node.Node.Name)];
    }

    [Fact]
    public void Each_slice_alone_folds_to_the_same_bits()
    {
        Arena parameters = TestBed.Parameters(Graph);
        TestBed.Pass whole = TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, sliceSize: 8);
        whole.AssertSameBits(TestBed.Train(Graph, TestBed.CrossEntropy, Data, parameters, 8, [.. Enumerable.Range(0, 19).Select(slice => new SliceRange(slice, 1))]));
    }

    [Fact]
    public void An_execution_can_be_used_again_for_fewer_slices_and_for_other_parameters()
    {
        using ThreadTeam team = new(2, "test");
        GraphExecution execution = new(Graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team);
        foreach ((int seed, int count) in ((int, int)[])[(1, 150), (1, 20), (2, 150), (2, 150)])
        {
            Arena parameters = TestBed.Parameters(Graph, (ulong)seed);
            int slices = (count + 7) / 8;
            ImmutableArray<SumNode> nodes = CanonicalSum.Cover(new SliceRange(0, slices), slices);
            float[] gradient = new float[Graph.Layout.ArenaLength];
            NodeMetrics[] metrics = new NodeMetrics[1];
            execution.Train(TestBed.Input(Data, 0, count), parameters.Span, nodes.AsSpan(), [gradient], metrics);
            Dataset first = TestBed.Classes(Input, [.. Inputs(Data, count)], Data.Labels[..count].ToArray(), 10);
            TestBed.Train(Graph, TestBed.CrossEntropy, first, parameters, sliceSize: 8).AssertSameBits(new TestBed.Pass(gradient, metrics[0]));
        }
    }

    [Fact]
    public void Dropout_masks_are_those_of_seed_step_place_and_name_and_gradients_follow_them()
    {
        Graph graph = DistNet.Graphs.Graph.Build(ModelDefinition.Chain(new Linear(20), new Dropout(0.5)), Input);
        Arena parameters = new(graph.Layout);
        parameters[graph.Layout.Entries[1]].Fill(1);
        Dataset data = TestBed.Regression(Input, new float[3 * 37], new float[3 * 20]);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, parameters, 2, [new SliceRange(0, 1), new SliceRange(1, 1)]);
        float[] expected = new float[20];
        for (uint place = 0; place < 3; place++)
        {
            float[] mask = new float[20];
            KeyedRandom.DropoutMask(VectorUnit.Widest, 42, KeyedRandom.Stream(RandomPurpose.Dropout, "dropout1"), 3, place, 0.5, mask);
            Assert.InRange(mask.Count(scale => scale == 0), 2, 18);
            for (int index = 0; index < 20; index++)
            {
                // y = scale · 1, dy = 2 y / 20, dx = dy · scale.
                expected[index] += 2 * mask[index] / 20 * mask[index];
            }
        }

        Assert.Equal(expected, pass.Of(graph, "fc1.bias"));
        Assert.All(TestBed.Predict(graph, data, parameters), value => Assert.Equal(1, value));
    }

    [Fact]
    public void A_branch_of_a_select_draws_dropout_by_the_sample_s_true_place()
    {
        ModelDefinition branch = ModelDefinition.Chain(new Linear(6), new Dropout(0.5));
        Graph graph = DistNet.Graphs.Graph.Build(ModelDefinition.Chain(new Select(SelectRule.Threshold(0, 0), [branch, branch])), new Shape(1));
        Arena parameters = new(graph.Layout);
        parameters[graph.Layout.Entries[3]].Fill(1);
        Dataset data = TestBed.Regression(new Shape(1), [-1, -1, 1], new float[3 * 6]);
        float[] mask = new float[6];
        KeyedRandom.DropoutMask(VectorUnit.Widest, 42, KeyedRandom.Stream(RandomPurpose.Dropout, "select1.branch1.dropout1"), 3, 2, 0.5, mask);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, parameters);
        Assert.Equal(mask.Select(scale => 2 * scale / 6 * scale), pass.Of(graph, "select1.branch1.fc1.bias"));
        Assert.All(pass.Of(graph, "select1.branch0.fc1.bias"), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_branch_that_nobody_took_gets_plus_zero_everywhere()
    {
        ModelDefinition branch = ModelDefinition.Chain(new Linear(3));
        Graph graph = DistNet.Graphs.Graph.Build(ModelDefinition.Chain(new Linear(4), new Select(SelectRule.Threshold(0, 1e9f), [branch, branch])), Input);
        TestBed.Pass pass = TestBed.Train(graph, TestBed.CrossEntropy, TestBed.RandomClasses(Input, 21, 3), TestBed.Parameters(graph));
        Assert.All(pass.Of(graph, "select1.branch1.fc1.weight").Concat(pass.Of(graph, "select1.branch1.fc1.bias")), value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value)));
        Assert.Contains(pass.Of(graph, "fc1.weight"), value => value != 0);
    }

    [Fact]
    public void Evaluation_gives_the_loss_of_the_predicted_outputs()
    {
        Arena parameters = TestBed.Parameters(Graph);
        using ThreadTeam team = new(2, "test");
        GraphExecution execution = new(Graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team);
        NodeMetrics[] metrics = new NodeMetrics[1];
        execution.Evaluate(TestBed.Input(Data), parameters.Span, [new SumNode(5, 0)], metrics);
        float[] outputs = new float[150 * 10];
        execution.Predict(TestBed.Input(Data), parameters.Span, outputs);
        double loss = 0;
        int correct = 0;
        for (int row = 0; row < 150; row++)
        {
            float[] logits = outputs[(row * 10)..((row + 1) * 10)];
            loss += Math.Log(logits.Sum(logit => Math.Exp(logit))) - logits[Data.Labels[row]];
            correct += Array.IndexOf(logits, logits.Max()) == Data.Labels[row] ? 1 : 0;
        }

        Assert.Equal(loss, metrics[0].Loss, 1e-4);
        Assert.Equal(correct, metrics[0].Correct);
        Assert.Equal(150, metrics[0].Samples);
        Assert.Equal(150, metrics[0].Weight);
    }

    [Fact]
    public void A_model_without_parameters_trains_to_metrics_alone()
    {
        Graph graph = DistNet.Graphs.Graph.Build(new ModelDefinition([], "input"), new Shape(3));
        TestBed.Pass pass = TestBed.Train(graph, TestBed.CrossEntropy, TestBed.Classes(new Shape(3), [0, 1, 0, 9, 0, 0], [1, 0], 3), new Arena(graph.Layout));
        Assert.Empty(pass.Gradient);
        Assert.Equal(2, pass.Metrics.Correct);
    }

    [Fact]
    public void Nodes_that_do_not_cover_the_pass_are_a_bug()
    {
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(Graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team);
        Arena parameters = TestBed.Parameters(Graph);
        foreach (SumNode[] nodes in (SumNode[][])[[new(0, 0)], [new(0, 0), new(0, 0)], [new(0, 1), new(0, 0)], [new(1, 1)], [new(0, 0), new(0, 1), new(0, 2)]])
        {
            Assert.Throws<InvalidOperationException>(() => execution.Evaluate(TestBed.Input(Data, 0, 16), parameters.Span, nodes, new NodeMetrics[nodes.Length]));
        }
    }

    private static float[] Inputs(Dataset data, int count)
    {
        float[] inputs = new float[count * data.InputShape.Length];
        data.CopyInputs([.. Enumerable.Range(0, count)], inputs);
        return inputs;
    }

    private static NodeDefinition Node(string name, Module module, params ImmutableArray<string> inputs) => new(name, module, inputs);
}
