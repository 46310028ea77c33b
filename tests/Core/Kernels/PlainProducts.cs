using DistNet.Kernels;

namespace DistNet.Tests.Kernels;

/// <summary>The order of every sum, written plainly: one float at a time.</summary>
internal static class PlainProducts
{
    public static float[] Multiply(float[] left, int rows, int inner, float[] right, int columns, float[] bias)
    {
        float[] result = new float[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                float sum = 0;
                for (int k = 0; k < inner; k++)
                {
                    sum = MathF.FusedMultiplyAdd(left[(i * inner) + k], right[(k * columns) + j], sum);
                }

                result[(i * columns) + j] = bias.Length == 0 ? sum : sum + bias[j];
            }
        }

        return result;
    }

    public static float[] SlicedProduct(float[] left, int leftColumns, float[] right, int rightColumns, SliceRows[] slices)
    {
        float[] result = new float[leftColumns * rightColumns];
        for (int i = 0; i < leftColumns; i++)
        {
            for (int j = 0; j < rightColumns; j++)
            {
                result[(i * rightColumns) + j] = Tree(slices, slice =>
                {
                    float sum = 0;
                    for (int row = slice.First; row < slice.First + slice.Count; row++)
                    {
                        sum = MathF.FusedMultiplyAdd(left[(row * leftColumns) + i], right[(row * rightColumns) + j], sum);
                    }

                    return sum;
                });
            }
        }

        return result;
    }

    public static float[] SlicedColumnSum(float[] matrix, int columns, SliceRows[] slices)
    {
        float[] result = new float[columns];
        for (int j = 0; j < columns; j++)
        {
            result[j] = Tree(slices, slice =>
            {
                float sum = 0;
                for (int row = slice.First; row < slice.First + slice.Count; row++)
                {
                    sum += matrix[(row * columns) + j];
                }

                return sum;
            });
        }

        return result;
    }

    // The definition of the canonical tree, top down: the node over [first, first + size) is left half + right half; a node whose right half is empty is its left half.
    public static float Tree(SliceRows[] slices, Func<SliceRows, float> value)
    {
        int size = 1;
        while (size < slices.Length)
        {
            size *= 2;
        }

        return slices.Length == 0 ? 0 : Node(0, size);

        float Node(int first, int size) =>
            size == 1 ? value(slices[first])
            : first + (size / 2) >= slices.Length ? Node(first, size / 2)
            : Node(first, size / 2) + Node(first + (size / 2), size / 2);
    }
}
