using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>What moves blocks of matrices for the products: every element where it belongs, zeros for padding, and nothing beyond.</summary>
public sealed unsafe class TranspositionTests
{
    private const float Untouched = -1;

    [Fact]
    public void Every_small_block_is_turned()
    {
        for (int rows = 1; rows <= 40; rows++)
        {
            for (int count = 1; count <= 40; count++)
            {
                int stride = count + (rows % 3), padded = rows + (count % 5), toStride = padded + (rows % 4);
                using GuardedFloats from = new(Matrix(rows, count, stride)), to = new(Filled(((count - 1) * toStride) + padded));
                fixed (float* first = from.Span, target = to.Span)
                {
                    Transposition.Run(first, stride, rows, count, target, toStride, padded);
                }

                for (int place = 0; place < to.Span.Length; place++)
                {
                    (int k, int row) = Math.DivRem(place, toStride);
                    Assert.Equal(row < rows ? Element(row, k) : row < padded ? 0 : Untouched, to.Span[place]);
                }
            }
        }
    }

    [Fact]
    public void Every_small_panel_is_copied()
    {
        for (int rows = 1; rows <= 9; rows++)
        {
            for (int columns = 1; columns <= Panels.Width; columns++)
            {
                int stride = columns + (rows % 3);
                foreach (int width in new[] { columns, columns + 3, Panels.Width }.Where(width => width >= columns))
                {
                    using GuardedFloats from = new(Matrix(rows, columns, stride)), to = new(Filled(rows * width));
                    fixed (float* first = from.Span, target = to.Span)
                    {
                        Panels.Copy(first, stride, rows, columns, target, width);
                    }

                    for (int place = 0; place < to.Span.Length; place++)
                    {
                        (int row, int column) = Math.DivRem(place, width);
                        Assert.Equal(column < columns ? Element(row, column) : 0, to.Span[place]);
                    }
                }
            }
        }
    }

    private static float Element(int row, int column) => (100 * row) + column + 1;

    // Ends with the last row's last element.
    private static float[] Matrix(int rows, int columns, int stride)
    {
        float[] matrix = Filled(((rows - 1) * stride) + columns);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                matrix[(row * stride) + column] = Element(row, column);
            }
        }

        return matrix;
    }

    private static float[] Filled(int length)
    {
        float[] floats = new float[length];
        floats.AsSpan().Fill(Untouched);
        return floats;
    }
}
