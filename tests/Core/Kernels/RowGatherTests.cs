using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Every number and width of rows, at every vector width: each element is the source's.</summary>
public sealed class RowGatherTests
{
    private const int SourceRows = 11;

    [Fact]
    public void Rows_of_bytes_become_floats() => Check<byte>(
        columns => [.. Enumerable.Range(0, SourceRows * columns).Select(index => (byte)(index * 37))],
        (unit, source, columns, rows, result) => RowGather.Bytes(unit, source, columns, rows, result),
        value => (float)value);

    [Fact]
    public void Rows_of_floats_stay_what_they_are() => Check<float>(
        columns => new Numbers(columns).Floats(SourceRows * columns),
        (unit, source, columns, rows, result) => RowGather.Floats(unit, source, columns, rows, result),
        value => value);

    [Fact]
    public void A_row_outside_the_source_is_a_bug_that_is_told()
    {
        Assert.Throws<InvalidOperationException>(() => RowGather.Floats(VectorUnit.Widest, new float[6], 3, [2], new float[3]));
        Assert.Throws<InvalidOperationException>(() => RowGather.Bytes(VectorUnit.Widest, new byte[6], 3, [-1], new float[3]));
    }

    private static void Check<T>(Func<int, T[]> values, Action<VectorUnit, T[], int, int[], float[]> gather, Func<T, float> converted)
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int columns in Enumerable.Range(1, 70).Append(784))
            {
                T[] source = values(columns);
                for (int count = 0; count <= 20; count++)
                {
                    int[] rows = [.. Enumerable.Range(0, count).Select(index => index * 7 % SourceRows)];
                    float[] result = new float[count * columns];
                    gather(unit, source, columns, rows, result);
                    Bits.Equal([.. rows.SelectMany(row => source.Skip(row * columns).Take(columns).Select(converted))], result, $"{unit}, {count} rows of {columns}");
                }
            }
        }
    }
}
