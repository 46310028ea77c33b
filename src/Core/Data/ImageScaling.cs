namespace DistNet.Data;

/// <summary>Scales an image by areas, in integers: the same bytes on every machine.</summary>
/// <remarks>
/// A pixel of the result covers h/H × w/W pixels of the source (h, w the source's size, H, W the result's). Its value is the mean of what it covers, each source pixel weighed by the covered part of its
/// area: (Σ a·x + hw/2) / (hw) rounded down, where a counts the covered part in units of 1/H × 1/W pixels, so that Σ a = hw. To smaller sizes this is what PyTorch calls
/// <c>interpolate(mode='area')</c> where h/H and w/W are whole; to larger sizes pixels become blocks. The ratio of the sides is not kept.
/// </remarks>
internal static class ImageScaling
{
    /// <summary>Scales every plane.</summary>
    /// <param name="source">[channels, height, width].</param>
    /// <param name="channels">Planes.</param>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Columns of the source.</param>
    /// <param name="newHeight">Rows of the result.</param>
    /// <param name="newWidth">Columns of the result.</param>
    /// <returns>[channels, newHeight, newWidth].</returns>
    public static byte[] Scale(ReadOnlySpan<byte> source, int channels, int height, int width, int newHeight, int newWidth)
    {
        byte[] result = new byte[channels * newHeight * newWidth];
        long area = (long)height * width;
        for (int channel = 0; channel < channels; channel++)
        {
            ReadOnlySpan<byte> plane = source.Slice(channel * height * width, height * width);
            for (int row = 0; row < newHeight; row++)
            {
                for (int column = 0; column < newWidth; column++)
                {
                    long sum = area / 2;
                    for (int y = First(row, height, newHeight); y <= Last(row, height, newHeight); y++)
                    {
                        long inRow = 0;
                        for (int x = First(column, width, newWidth); x <= Last(column, width, newWidth); x++)
                        {
                            inRow += Covered(x, column, width, newWidth) * plane[(y * width) + x];
                        }

                        sum += Covered(y, row, height, newHeight) * inRow;
                    }

                    result[(((channel * newHeight) + row) * newWidth) + column] = (byte)(sum / area);
                }
            }
        }

        return result;
    }

    // Along one side, in units of 1/newSize source pixels: the result's pixel i covers [i·size, (i + 1)·size), the source's pixel x is [x·newSize, (x + 1)·newSize).
    private static int First(int i, int size, int newSize) => (int)((long)i * size / newSize);

    private static int Last(int i, int size, int newSize) => (int)((((long)(i + 1) * size) - 1) / newSize);

    private static long Covered(int x, int i, int size, int newSize) =>
        Math.Min((long)(x + 1) * newSize, (long)(i + 1) * size) - Math.Max((long)x * newSize, (long)i * size);
}
