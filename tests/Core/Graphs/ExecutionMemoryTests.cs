using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>What is more than a buffer can hold is refused before it is allocated.</summary>
public sealed class ExecutionMemoryTests
{
    private const string TooMany = "more than the 2147483575 that one buffer can hold; take a smaller";

    public static TheoryData<ModelDefinition, int, int, string> TooLarge => new()
    {
        { ModelDefinition.Chain(new Relu()), 1_500_000_000, 2, $"A pass of 2 slices of 1500000000 samples with one value each would be 3000000000 floats, {TooMany} training.slice." },
        { ModelDefinition.Chain(new Relu()), 600_000_000, 1, $"A pass of 600000000 samples with 4 values each would be 2400000000 floats, {TooMany} training.slice." },
        { ModelDefinition.Chain(new Dropout(0.5)), 600_000_000, 1, $"What node 'dropout1' keeps of a pass of 600000000 samples would be 2400000000 floats, {TooMany} training.slice." },
        { ModelDefinition.Chain(new Linear(3)), 200_000_000, 1, "What node 'fc1' needs for a pass of 200000000 samples would be more than 2147483647 floats; take a smaller training.slice." },
        {
            new([new("a", new Linear(20_000), ["input"]), new("b", new Linear(20_000), ["a"]), new("c", new Linear(20_000), ["b"]) { Shares = "b" }], "c"), 1, 16,
            $"The 7 sums over slices that may wait for a gradient of 'b.weight' would be 2800000000 floats, {TooMany} model."
        },
    };

    [Theory]
    [MemberData(nameof(TooLarge))]
    public void A_buffer_that_would_be_too_large_is_said_in_a_sentence(ModelDefinition model, int slice, int slices, string sentence)
    {
        using ThreadTeam team = new(1, "test");
        Graph graph = Graph.Build(model, new Shape(4));
        DistNetException failure = Assert.Throws<DistNetException>(() => new GraphExecution(graph, TestBed.MeanSquares, slice, slices, VectorUnit.Widest, team));
        Assert.Equal((FailureKind.BadInput, sentence), (failure.Kind, failure.Message));
    }
}
