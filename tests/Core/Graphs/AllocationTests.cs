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
    private static readonly ModelDefinition OfImages = ModelDefinition.Chain(
        new RandomCrop(2), new RandomFlip(), new Cutout(3), new Conv2d(20, 3, padding: 1), new MaxPool2d(2), new Conv2d(9, 1), new Flatten(), new Linear(4));

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    public void A_steady_pass_allocates_nothing(int threads, bool ofImages)
    {
        Shape shape = ofImages ? new(2, 5, 6) : new(37);
        Graph graph = Graph.Build(ofImages ? OfImages : GraphExecutionTests.Model, shape);
        using ThreadTeam team = new(threads, "test");
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team);
        Arena parameters = TestBed.Parameters(graph);
        PassInput input = TestBed.Input(TestBed.RandomClasses(shape, 150, graph.OutputShape.Length));
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
}
