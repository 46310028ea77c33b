using CsCheck;
using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

public sealed class MatrixProductTests
{
    private static readonly int[] Sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 31, 32, 33, 48, 49, 64, 65];
    private static readonly int[] FewSizes = [1, 5, 12, 17, 33];

    public static TheoryData<string> Units => [.. VectorUnit.Available().Select(unit => unit.ToString())];

    [Theory]
    [MemberData(nameof(Units))]
    public void Every_small_product_has_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        int[] sizes = unit.Emulated ? FewSizes : Sizes;
        foreach (int rows in sizes)
        {
            foreach (int columns in sizes)
            {
                foreach (int inner in unit.Emulated ? FewSizes : [0, 1, 2, 5, 16, 33])
                {
                    CheckMultiply(unit, rows, inner, columns, (rows + columns) % 2 == 0);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Long_sums_and_many_rows_have_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        foreach ((int rows, int inner, int columns) in new[] { (3, 255, 10), (13, 256, 33), (12, 257, 32), (5, 600, 50), (14, 1025, 16) })
        {
            CheckMultiply(unit, rows, inner, columns, true);
        }

        if (!unit.Emulated)
        {
            CheckMultiply(unit, 200, 300, 40, true);
            CheckMultiply(unit, 385, 12, 34, false);
            CheckMultiply(unit, 100, 3000, 13, true);
        }
    }

    // Rows of the left operand (and of the transposed right one) that lie 4 KiB apart, or nearly so, are packed where enough panels read them.
    [Theory]
    [MemberData(nameof(Units))]
    public void Rows_that_collide_in_a_cache_have_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        foreach ((int rows, int inner, int columns) in unit.Emulated ? new[] { (97, 1024, 2), (3, 1024, 97) } : [(97, 1024, 97), (129, 1022, 100), (100, 2050, 130), (260, 2050, 26)])
        {
            CheckMultiply(unit, rows, inner, columns, true);
        }
    }

    // Where enough panels read them, the left operand's rows (and the transposed right one's) are packed for tiles of every height.
    [Theory]
    [MemberData(nameof(Units))]
    public void Tiles_of_packed_operands_have_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        Numbers random = new(9);
        foreach (int few in unit.Emulated ? new[] { 5, 9 } : [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 19, 23, 25, 29, 49])
        {
            foreach (int inner in unit.Emulated ? new[] { 6 } : [1, 3, 4, 5, 8, 11, 66])
            {
                CheckMultiply(unit, few, inner, 97 + (inner % 16), true);
                CheckMultiply(unit, 97 + (inner % 16), inner, few, false);
                CheckSliced(unit, few, 97 + few, Slices(random, inner));
            }

            // Both operands packed, in the product with a transposed one too: tiles and last panels of every size.
            CheckMultiply(unit, 96 + few, 16 + (few % 4), 97 + ((7 * few) % 32), few % 2 == 0);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void A_sliced_product_has_the_bits_of_the_canonical_tree(string name)
    {
        VectorUnit unit = Unit(name);
        int[] sizes = unit.Emulated ? FewSizes : Sizes;
        Numbers random = new(5);
        foreach (int leftColumns in sizes)
        {
            foreach (int rightColumns in sizes)
            {
                CheckSliced(unit, leftColumns, rightColumns, Slices(random, (leftColumns + (3 * rightColumns)) % 13));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Every_count_of_slices_is_combined_as_the_tree_says(string name)
    {
        VectorUnit unit = Unit(name);
        Numbers random = new(6);
        for (int count = 0; count <= 70; count++)
        {
            CheckSliced(unit, 7, 18, Slices(random, count));
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Column_sums_have_the_bits_of_the_canonical_tree(string name)
    {
        VectorUnit unit = Unit(name);
        Numbers random = new(7);
        for (int count = 0; count <= 35; count++)
        {
            foreach (int columns in new[] { 0, 1, 10, 16, 63, 64, 65, 130 })
            {
                SliceRows[] slices = Slices(random, count);
                float[] matrix = random.Floats(Rows(slices) * columns);
                float[] result = random.Floats(columns);
                int middle = columns / 3;
                float[] scratch = new float[MatrixProduct.ColumnSumScratch(count)];
                MatrixProduct.SlicedColumnSum(unit, matrix, columns, slices, result, 0, middle, scratch);
                MatrixProduct.SlicedColumnSum(unit, matrix, columns, slices, result, middle, columns, scratch);
                Bits.Equal(PlainProducts.SlicedColumnSum(matrix, columns, slices), result, $"{count} slices of {columns} columns");
            }
        }
    }

    [Fact]
    public void Eleven_slices_are_eight_and_then_two_and_one()
    {
        // Numbers whose sum depends on the order: 2^24 swallows a lone 1.
        float[] values = [16777216f, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        SliceRows[] slices = [.. values.Select((_, index) => new SliceRows(index, 1))];
        float n08 = ((values[0] + values[1]) + (values[2] + values[3])) + ((values[4] + values[5]) + (values[6] + values[7]));
        float expected = n08 + ((values[8] + values[9]) + values[10]);
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] result = new float[1];
            MatrixProduct.SlicedProduct(unit, values, 1, Enumerable.Repeat(1f, 11).ToArray(), 1, slices, result, 0, 1, new float[MatrixProduct.SlicedScratch(11, 1, 11)]);
            Assert.Equal(expected, result[0]);
        }
    }

    [Fact]
    public void A_chain_starts_at_plus_zero() =>
        Assert.All(VectorUnit.Available(), unit =>
        {
            float[] result = [7f];
            MatrixProduct.Multiply(unit, [-1f], 1, 1, [0f], 1, result, new float[MatrixProduct.MultiplyScratch(1, 1)]);
            Assert.Equal(0, BitConverter.SingleToInt32Bits(result[0]));
            result = [7f];
            MatrixProduct.MultiplyTransposed(unit, [-1f], 1, 1, [0f], 1, [], result, new float[MatrixProduct.TransposedScratch(1, 1)]);
            Assert.Equal(0, BitConverter.SingleToInt32Bits(result[0]));
        });

    [Fact]
    public void A_scratch_for_a_large_product_serves_every_smaller_one() =>
        Gen.Select(Gen.Int[0, 5000], Gen.Int[0, 5000], Gen.Int[0, 200]).Sample((rows, inner, slices) =>
        {
            int length = MatrixProduct.SlicedScratch(rows, inner, slices);
            Assert.InRange(MatrixProduct.SlicedScratch(rows + 1, inner, slices), length, int.MaxValue);
            Assert.InRange(MatrixProduct.SlicedScratch(rows, inner + 1, slices), length, int.MaxValue);
            Assert.InRange(MatrixProduct.SlicedScratch(rows, inner, slices + 1), length, int.MaxValue);
            Assert.InRange(MatrixProduct.ColumnSumScratch(slices), 0, length);
            foreach (int summed in new[] { inner, 1024 * (1 + (inner / 1024)) })
            {
                Assert.InRange(MatrixProduct.TransposedScratch(rows + 1, summed), MatrixProduct.TransposedScratch(rows, summed), int.MaxValue);
                Assert.InRange(MatrixProduct.MultiplyScratch(rows + 1, summed), MatrixProduct.MultiplyScratch(rows, summed), int.MaxValue);
            }
        });

    [Fact]
    public void Slices_of_many_rows_have_the_bits_of_the_canonical_tree()
    {
        SliceRows[] slices = [.. Enumerable.Range(0, 5).Select(slice => new SliceRows(slice * 1100, slice == 4 ? 700 : 1100))];
        CheckSliced(VectorUnit.Widest, 65, 18, slices);
    }

    [Fact]
    public void A_scratch_that_is_too_short_is_a_bug_that_is_told() =>
        Assert.Throws<InvalidOperationException>(() =>
            MatrixProduct.Multiply(VectorUnit.Widest, new float[4], 2, 2, new float[4], 2, new float[4], new float[MatrixProduct.MultiplyScratch(2, 2) - 1]));

    private static VectorUnit Unit(string name) => VectorUnit.Available().Single(unit => unit.ToString() == name);

    private static void CheckMultiply(VectorUnit unit, int rows, int inner, int columns, bool withBias)
    {
        Numbers random = new(rows + (100 * inner) + (10000 * columns));
        float[] left = random.Floats(rows * inner), right = random.Floats(inner * columns), bias = withBias ? random.Floats(columns) : [];
        float[] result = random.Floats(rows * columns), transposed = random.Floats(rows * columns);
        MatrixProduct.MultiplyTransposed(
            unit, left, rows, inner, Transpose(right, inner, columns), columns, bias, transposed, random.Floats(MatrixProduct.TransposedScratch(rows, inner)));
        Bits.Equal(PlainProducts.Multiply(left, rows, inner, right, columns, bias), transposed, $"{unit}: {rows} × {inner} × {columns}, transposed");
        MatrixProduct.Multiply(unit, left, rows, inner, right, columns, result, random.Floats(MatrixProduct.MultiplyScratch(rows, inner)));
        Bits.Equal(PlainProducts.Multiply(left, rows, inner, right, columns, []), result, $"{unit}: {rows} × {inner} × {columns}");
    }

    private static void CheckSliced(VectorUnit unit, int leftColumns, int rightColumns, SliceRows[] slices)
    {
        Numbers random = new(leftColumns + (100 * rightColumns));
        int rows = Rows(slices);
        float[] left = random.Floats(rows * leftColumns), right = random.Floats(rows * rightColumns), result = random.Floats(leftColumns * rightColumns);
        float[] scratch = random.Floats(MatrixProduct.SlicedScratch(rows, leftColumns, slices.Length));
        int middle = leftColumns / 3;
        MatrixProduct.SlicedProduct(unit, left, leftColumns, right, rightColumns, slices, result, 0, middle, scratch);
        MatrixProduct.SlicedProduct(unit, left, leftColumns, right, rightColumns, slices, result, middle, leftColumns, scratch);
        Bits.Equal(PlainProducts.SlicedProduct(left, leftColumns, right, rightColumns, slices), result, $"{unit}: {leftColumns} × {rightColumns} of {slices.Length} slices");
    }

    // Slices of 0 to 6 rows, with gaps between them.
    private static SliceRows[] Slices(Numbers random, int count)
    {
        SliceRows[] slices = new SliceRows[count];
        int first = 0;
        for (int index = 0; index < count; index++)
        {
            slices[index] = new(first, random.Below(7));
            first += slices[index].Count + random.Below(2);
        }

        return slices;
    }

    private static int Rows(SliceRows[] slices) => slices.Length == 0 ? 0 : slices.Max(slice => slice.First + slice.Count);

    private static float[] Transpose(float[] matrix, int rows, int columns)
    {
        float[] result = new float[matrix.Length];
        for (int index = 0; index < matrix.Length; index++)
        {
            result[(index % columns * rows) + (index / columns)] = matrix[index];
        }

        return result;
    }
}
