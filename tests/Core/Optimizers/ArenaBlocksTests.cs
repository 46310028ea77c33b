using DistNet.Optimizers;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Optimizers;

public sealed class ArenaBlocksTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stretches_are_all_blocks_in_order_each_without_padding_inside_and_of_one_kind(bool decayBiases)
    {
        ArenaBlocks blocks = new(
            new Layout(
            [
                ("a.weight", new Shape(4096), ParameterRole.Weight), ("a.bias", new Shape(2048), ParameterRole.Bias), ("b.weight", new Shape(2048), ParameterRole.Weight),
                ("c.weight", new Shape(6149), ParameterRole.Weight), ("d.weight", new Shape(4096), ParameterRole.Weight), ("d.mean", new Shape(4096), ParameterRole.Buffer),
            ]),
            decayBiases);
        for (int first = 0; first < blocks.Blocks.Length; first++)
        {
            for (int end = first + 1; end <= blocks.Blocks.Length; end++)
            {
                int place = first;
                while (place < end)
                {
                    int from = place;
                    ArenaBlock stretch = blocks.Stretch(ref place, end);
                    Assert.InRange(place, from + 1, end);
                    ArenaBlock[] parts = [.. blocks.Blocks.AsSpan()[from..place]];
                    Assert.All(parts, part => Assert.True(part.Decayed == stretch.Decayed && part.IsBuffer == stretch.IsBuffer));
                    Assert.Equal(stretch.Offset, parts[0].Offset);
                    Assert.Equal(stretch.Length, parts.Sum(part => part.Length));
                    Assert.Equal(stretch.Offset + stretch.Length, parts[^1].Offset + parts[^1].Length);
                }
            }
        }

        int whole = 0, count = 0;
        for (; whole < blocks.Blocks.Length; count++)
        {
            blocks.Stretch(ref whole, blocks.Blocks.Length);
        }

        Assert.Equal(decayBiases ? 3 : 5, count);
    }
}
