using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Collects rows of inputs: as bytes while every value is a whole number in 0…255, as floats from the first that is not.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class InputBuffer(string path)
{
    private byte[] bytes = new byte[1 << 12];
    private float[]? floats;
    private int count;

    /// <summary>Appends a row.</summary>
    /// <exception cref="DistNetException">The inputs no longer fit into one array.</exception>
    public void Add(ReadOnlySpan<float> row)
    {
        long needed = (long)count + row.Length;
        if (needed > Array.MaxLength)
        {
            throw DistNetException.BadInput($"The data file '{path}' has more than {DataFile.Shown(Array.MaxLength)} input values; expected at most that many.");
        }

        if (floats is null && !TryAddBytes(row))
        {
            floats = new float[Math.Max(bytes.Length, 1 << 12)];
            for (int i = 0; i < count; i++)
            {
                floats[i] = bytes[i];
            }

            bytes = [];
        }

        if (floats is not null)
        {
            Grow(ref floats, needed);
            row.CopyTo(floats.AsSpan(count));
        }

        count = (int)needed;
    }

    /// <summary>The collected inputs as a dataset.</summary>
    public Dataset ToDataset(Shape inputShape, SampleLabels labels) => floats is null
        ? new ByteDataset(inputShape, bytes.AsSpan(0, count).ToArray(), labels)
        : new FloatDataset(inputShape, floats.AsSpan(0, count).ToArray(), labels);

    private bool TryAddBytes(ReadOnlySpan<float> row)
    {
        Grow(ref bytes, (long)count + row.Length);
        for (int i = 0; i < row.Length; i++)
        {
            // Compared as bits, so that −0 is kept.
            float value = row[i];
            byte asByte = value is >= 0 and <= 255 ? (byte)value : (byte)0;
            if (BitConverter.SingleToInt32Bits(asByte) != BitConverter.SingleToInt32Bits(value))
            {
                return false;
            }

            bytes[count + i] = asByte;
        }

        return true;
    }

    private static void Grow<T>(ref T[] array, long needed)
    {
        if (needed > array.Length)
        {
            Array.Resize(ref array, (int)Math.Min(Math.Max(needed, 2L * array.Length), Array.MaxLength));
        }
    }
}
