using DistNet.Kernels;
namespace DistNet;
internal static class MatrixProduct
{
    public static int PackedLength(int inner, int columns) => inner * columns;
    public static void Pack(VectorUnit unit, ReadOnlySpan<float> matrix, int inner, int columns, Span<float> packed, int part = 0, int parts = 1) { if (part == 0) { matrix.CopyTo(packed); } }
    public static void PackTransposed(VectorUnit unit, ReadOnlySpan<float> matrix, int inner, int columns, Span<float> packed, int part = 0, int parts = 1)
    {
        if (part != 0) { return; }
        for (int i = 0; i < inner; i++) { for (int j = 0; j < columns; j++) { packed[(i * columns) + j] = matrix[(j * inner) + i]; } }
    }
    public static int MultiplyScratch(int inner) => 0;
    public static void Multiply(VectorUnit unit, ReadOnlySpan<float> left, int rows, int inner, ReadOnlySpan<float> packedRight, int columns, ReadOnlySpan<float> bias, Span<float> result, Span<float> scratch)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                float sum = 0;
                for (int i = 0; i < inner; i++) { sum = float.FusedMultiplyAdd(left[(r * inner) + i], packedRight[(i * columns) + c], sum); }
                result[(r * columns) + c] = bias.IsEmpty ? sum : sum + bias[c];
            }
        }
    }
    public static int SlicedScratch(int rows, int leftColumns, int rightColumns, int sliceCount) => 64;
    public static void SlicedProduct(VectorUnit unit, ReadOnlySpan<float> left, int leftColumns, ReadOnlySpan<float> right, int rightColumns, ReadOnlySpan<SliceRows> slices, Span<float> result, int fromRow, int toRow, Span<float> scratch)
    {
        for (int i = fromRow; i < toRow; i++)
        {
            for (int j = 0; j < rightColumns; j++)
            {
                result[(i * rightColumns) + j] = Tree(left, leftColumns, i, right, rightColumns, j, slices);
            }
        }
    }
    private static float Tree(ReadOnlySpan<float> left, int lc, int i, ReadOnlySpan<float> right, int rc, int j, ReadOnlySpan<SliceRows> slices)
    {
        if (slices.Length == 1)
        {
            float sum = 0;
            for (int s = slices[0].First; s < slices[0].First + slices[0].Count; s++) { sum = right.IsEmpty ? sum + left[(s * lc) + i] : float.FusedMultiplyAdd(left[(s * lc) + i], right[(s * rc) + j], sum); }
            return sum;
        }
        int half = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slices.Length) / 2;
        return Tree(left, lc, i, right, rc, j, slices[..half]) + Tree(left, lc, i, right, rc, j, slices[half..]);
    }
    public static void SlicedColumnSum(VectorUnit unit, ReadOnlySpan<float> matrix, int columns, ReadOnlySpan<SliceRows> slices, Span<float> result, int from, int to, Span<float> scratch)
    {
        for (int i = from; i < to; i++) { result[i] = Tree(matrix, columns, i, default, 0, 0, slices); }
    }
}
