using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>No other test runs beside these, since they count what all threads allocate.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AloneWithTheHeap;

/// <summary>The compute path leaves the managed heap alone.</summary>
[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    // Between them and the model of GraphExecutionTests every module.
    private static readonly ModelDefinition OfImages = ModelDefinition.Chain(
        new RandomCrop(2), new RandomFlip(), new Cutout(3), new Normalization([0.5f, -0.5f], [1, 2]), new Conv2d(20, 3, padding: 1), new LayerNorm(3), new LeakyRelu(), new MaxPool2d(2),
        new Conv2d(9, 1), new GroupNorm(3), new AvgPool2d(2, stride: 1), new GlobalAveragePool(), new Reshape(3, 3), new Flatten(), new Linear(4));

    // The first of the columns holds codes.
    private static readonly ModelDefinition OfTables = new(
        [
            new("code", new Columns(0), ["input"]), new("numbers", new Columns(1, 6), ["input"]), new("place", new Embedding(7, Codes), ["code"]), new("all", new Concat(), ["place", "numbers"]),
            new("ln", new LayerNorm(affine: false), ["all"]), new("block", Block.Sequential(new Linear(21), new Gelu()), ["ln"]), new("twice", new Duplicate(2), ["block"]),
            new("silu", new Silu(), ["twice"]), new("sigmoid", new Sigmoid(), ["twice"]), new("product", new Multiply(), ["silu", "sigmoid"]), new("softplus", new Softplus(), ["product"]),
            new("soft", new SoftMax(), ["product"]), new("log", new LogSoftMax(), ["soft"]), new("greater", new Max(), ["log", "softplus"]), new("fc", new Linear(4), ["greater"]),
        ],
        "fc");

    private const int Codes = 5;

    private static readonly (ModelDefinition Model, Shape Input)[] Models = [(GraphExecutionTests.Model, new(37)), (OfImages, new(2, 5, 6)), (OfTables, new(7))];

    [Fact]
    public void Every_module_is_in_a_model()
    {
        IEnumerable<Module> written = Models.SelectMany(of => of.Model.Nodes.Select(node => node.Module)), built = Models.SelectMany(of => Graph.Build(of.Model, of.Input).Nodes.Select(node => node.Module));
        Assert.Empty(typeof(Module).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Module)) && !type.IsAbstract).Except(written.Concat(built).Select(module => module.GetType())));
    }

    [Theory]
    [InlineData(0, 1, 32)]
    [InlineData(0, 2, 32)]
    [InlineData(0, 2, 1)]
    [InlineData(1, 1, 32)]
    [InlineData(1, 1, 2)]
    [InlineData(2, 1, 32)]
    public void A_steady_pass_allocates_nothing(int model, int threads, int waveSlices)
    {
        (ModelDefinition definition, Shape shape) = Models[model];
        Graph graph = Graph.Build(definition, shape);
        using ThreadTeam team = new(threads, "test");
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team, waveSlices);
        Arena parameters = TestBed.Parameters(graph);
        PassInput input = TestBed.Input(definition == OfTables ? Table(shape) : TestBed.RandomClasses(shape, 150, graph.OutputShape.Length));
        SumNode[] nodes = [.. CanonicalSum.Cover(new SliceRange(0, 19), 19)];
        Memory<float>[] gradients = [new float[graph.Layout.ArenaLength]];
        NodeMetrics[] metrics = new NodeMetrics[1];
        float[] outputs = new float[150 * graph.OutputShape.Length];

        // The quietest round: the runtime's own threads allocate now and then, a pass that allocates does so each time.
        long least = long.MaxValue;
        for (int round = 0; round < 300 && least > 0; round++)
        {
            long before = threads == 1 ? GC.GetAllocatedBytesForCurrentThread() : GC.GetTotalAllocatedBytes(precise: true);
            execution.Train(input, parameters.Span, nodes, gradients, metrics);
            execution.Evaluate(input, parameters.Span, nodes, metrics);
            execution.Predict(input, parameters.Span, outputs);
            long after = threads == 1 ? GC.GetAllocatedBytesForCurrentThread() : GC.GetTotalAllocatedBytes(precise: true);
            least = Math.Min(least, after - before);
        }

        Assert.Equal(0, least);
    }

    private static Dataset Table(Shape shape)
    {
        float[] inputs = TestBed.Uniform(150 * shape.Length, seed: 1, bound: 2);
        for (int row = 0; row < 150; row++)
        {
            inputs[row * shape.Length] = row % Codes;
        }

        return TestBed.Classes(shape, inputs, [.. Enumerable.Range(0, 150).Select(row => row % 4)], 4);
    }
}
