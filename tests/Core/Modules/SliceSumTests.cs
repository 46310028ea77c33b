using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tests.Kernels;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>The canonical sum that modules use, against its definition.</summary>
public sealed class SliceSumTests
{
    private const int Width = 5;

    [Fact]
    public void Every_count_of_slices_down_to_none_is_combined_as_the_tree_says()
    {
        for (int count = 0; count <= 33; count++)
        {
            SliceRows[] slices = [.. Enumerable.Range(0, count).Select(slice => new SliceRows(slice * 3, slice % 4))];
            Numbers random = new(count);
            float[] rows = random.Floats(((count * 3) + 1) * Width), sum = random.Floats(Width), scratch = random.Floats(SliceSum.Scratch(Width, count));
            float[] expected = PlainProducts.SlicedColumnSum(rows, Width, slices);
            RowTerm ofRows = new(rows);
            SliceSum.Run(slices, ref ofRows, sum, 0, Width, scratch);
            Bits.Equal(expected, sum, $"{count} slices by their rows");

            SliceTerm ofSlices = new([.. slices.Select(slice => PlainProducts.SlicedColumnSum(rows, Width, [slice]))]);
            float[] parts = random.Floats(Width);
            SliceSum.RunSlices(count, ref ofSlices, parts, 0, 2, random.Floats(SliceSum.Scratch(2, count)));
            SliceSum.RunSlices(count, ref ofSlices, parts, 2, Width, random.Floats(SliceSum.Scratch(Width - 2, count)));
            Bits.Equal(expected, parts, $"{count} slices by their sums, in two parts");
        }
    }

    private readonly struct RowTerm(float[] rows) : ISampleTerm
    {
        public void AddTo(int row, int from, Span<float> sum)
        {
            for (int index = 0; index < sum.Length; index++)
            {
                sum[index] += rows[(row * Width) + from + index];
            }
        }
    }

    private readonly struct SliceTerm(float[][] sums) : ISliceTerm
    {
        public void Write(int slice, int from, Span<float> term) => sums[slice].AsSpan(from, term.Length).CopyTo(term);
    }
}
