using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Optimizers;

public sealed class WeightAverageTests
{
    public static IEnumerable<ITheoryDataRow> Rows => OptimizerCase.All.Where(row => row.Optimizer.EmaDecay is null).Select(row => new TheoryDataRow<OptimizerCase>(row).WithTestDisplayName(row.Name));

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_average_follows_the_formula_and_changes_nothing_else(OptimizerCase row)
    {
        foreach (double decay in (double[])[0, 0.25, 0.999])
        {
            using Crew crew = new(1, "update");
            OptimizerCase averaged = row with { Optimizer = row.Optimizer with { EmaDecay = decay } };
            ParameterUpdate plain = UpdateBench.Create(row, crew), update = UpdateBench.Create(averaged, crew);
            TrainingState state = new();
            float[] expected = new float[plain.Parameters.Span.Length];
            for (int t = 0; t < 7; t++)
            {
                Arena Gradient(int step) => UpdateBench.RandomArena(UpdateBench.Layout, t, wild: true);
                UpdateBench.Steps(plain, row, 1, Gradient, state);
                state = UpdateBench.Steps(update, averaged, 1, Gradient, state);
                float share = t == 0 ? 1 : (float)(1 - Math.Min(decay, (1.0 + t) / (10.0 + t)));
                for (int i = 0; i < expected.Length; i++)
                {
                    expected[i] = float.FusedMultiplyAdd(share, plain.Parameters.Span[i] - expected[i], expected[i]);
                }

                Assert.Equal([.. UpdateBench.Bits(plain), .. expected.Select(BitConverter.SingleToInt32Bits)], UpdateBench.Bits(update));
            }

            Assert.Equal(WeightAverage.SlotName, update.Slots[^1].Name);
            Assert.Same(update.Average, update.Slots[^1].Values);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 2 / 11.0)]
    [InlineData(2, 3 / 12.0)]
    [InlineData(8980, 8981 / 8990.0)]
    [InlineData(8990, 0.999)]
    [InlineData(1_000_000, 0.999)]
    public void The_decay_warms_up(long updates, double decay) => Assert.Equal(1 - decay, WeightAverage.Share(0.999, new() { Updates = updates }));

    [Fact]
    public void Exchanged_twice_both_are_what_they_were()
    {
        Arena weights = UpdateBench.RandomArena(UpdateBench.Layout, 1), average = UpdateBench.RandomArena(UpdateBench.Layout, 2);
        float[] first = weights.Span.ToArray(), second = average.Span.ToArray();
        WeightAverage.Exchange(weights, average);
        Assert.Equal(second, weights.Span.ToArray());
        Assert.Equal(first, average.Span.ToArray());
        WeightAverage.Exchange(weights, average);
        Assert.Equal(first, weights.Span.ToArray());
        Assert.Equal(second, average.Span.ToArray());
    }
}
