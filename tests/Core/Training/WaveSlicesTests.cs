using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

/// <summary>How many slices a wave has.</summary>
public sealed class WaveSlicesTests
{
    private const int Floats = 3 << 20;

    public static IEnumerable<ITheoryDataRow> Sizes =>
        from slice in (int[])[1, 7, 32, 100, 512, 600]
        from threads in (int[])[1, 2, 3, 8]
        from width in (int[])[1, 500, 3000, 20_000, 1_000_000]
        select new TheoryDataRow<int, int, int>(slice, threads, width);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void It_is_the_largest_power_of_two_that_rows_and_values_allow_but_one_for_each_thread_that_rows_allow(int slice, int threads, int width)
    {
        // The values of a node for each: the input, tanh and the sigmoid.
        Graph graph = Graph.Build(ModelDefinition.Chain(new Tanh(), new Sigmoid()), new Shape(width));
        int slices = ShardComputer.WaveSlices(graph, slice, threads);
        bool Fits(int count) => count * slice <= ShardComputer.PassRows;
        bool IsAllowed(int count) => count == 1 || (Fits(count) && ((long)count * slice * 3 * width <= Floats || count / 2 < threads));
        Assert.True(int.IsPow2(slices));
        Assert.True(IsAllowed(slices), $"{slices} are too many");
        Assert.False(IsAllowed(2 * slices), $"{slices} are too few");
    }

    [Fact]
    public void A_model_that_is_its_input_has_passes_too() =>
        Assert.Equal(16, ShardComputer.WaveSlices(Graph.Build(new ModelDefinition([], ModelDefinition.InputName), new Shape(5)), 32, 1));
}
