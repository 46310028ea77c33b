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
    [Fact]
    public void Every_module_is_in_a_model()
    {
        IEnumerable<Module> written = EveryModule.Models.SelectMany(of => of.Model.Nodes.Select(node => node.Module)), built = EveryModule.Models.SelectMany(of => Graph.Build(of.Model, of.Input).Nodes.Select(node => node.Module));
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
        Graph graph = EveryModule.Build(model);
        using ThreadTeam team = new(threads, "test");
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 8, 19, VectorUnit.Widest, team, waveSlices);
        Arena parameters = TestBed.Parameters(graph);
        PassInput input = TestBed.Input(EveryModule.Data(model, graph, 150));
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
