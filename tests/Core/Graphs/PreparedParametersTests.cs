using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

public sealed class PreparedParametersTests
{
    private static readonly Shape Input = new(37);

    [Fact]
    public void A_pass_that_reads_what_was_prepared_elsewhere_gives_the_bits_of_one_that_prepares()
    {
        Graph graph = Graph.Build(GraphExecutionTests.Model, Input);
        using ThreadTeam team = new(2, "test");
        Arena first = TestBed.Parameters(graph, seed: 1);
        Arena second = TestBed.Parameters(graph, seed: 2);
        Memory<float> memory = new AlignedBuffer(PreparedParameters.Length(graph)).Memory;
        PreparedParameters shared = new(graph, VectorUnit.Widest, team, memory);
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 8, 3, VectorUnit.Widest, team);

        int[] own1 = Gradient(execution, graph, first, 1);
        int[] own2 = Gradient(execution, graph, second, 2);
        shared.Prepare(second.Span, training: true);
        execution.UsePrepared(shared.Values);
        int[] borrowed2 = Gradient(execution, graph, second, 2);
        shared.Prepare(first.Span, training: true);
        int[] borrowed1 = Gradient(execution, graph, first, 3);
        execution.UsePrepared(null);
        int[] again2 = Gradient(execution, graph, second, 3);

        Assert.NotEqual(own1, own2);
        Assert.Equal(own2, borrowed2);
        Assert.Equal(own1, borrowed1);
        Assert.Equal(own2, again2);
    }

    [Fact]
    public void What_was_prepared_for_another_vector_width_or_model_is_not_read()
    {
        Graph graph = Graph.Build(GraphExecutionTests.Model, Input);
        using ThreadTeam team = new(1, "test");
        Arena parameters = TestBed.Parameters(graph);
        float[] nonsense = new float[PreparedParameters.Length(graph)];
        Array.Fill(nonsense, float.NaN);
        GraphExecution execution = new(graph, TestBed.CrossEntropy, 8, 3, VectorUnit.Widest, team);
        int[] own = Gradient(execution, graph, parameters, 1);

        execution.UsePrepared(new PreparedMemory(nonsense, VectorUnit.Widest.Code + 1));
        Assert.Equal(own, Gradient(execution, graph, parameters, 1));
        execution.UsePrepared(new PreparedMemory(new float[nonsense.Length + 16], VectorUnit.Widest.Code));
        Assert.Equal(own, Gradient(execution, graph, parameters, 1));
    }

    private static int[] Gradient(GraphExecution execution, Graph graph, Arena parameters, long version)
    {
        float[] gradient = new float[graph.Layout.ArenaLength];
        NodeMetrics[] metrics = new NodeMetrics[1];
        execution.Train(TestBed.Input(TestBed.RandomClasses(Input, 24, 10)), parameters.Span, version, [new SumNode(2, 0)], [gradient.AsMemory()], metrics);
        return Array.ConvertAll(gradient, BitConverter.SingleToInt32Bits);
    }
}
