namespace DistNet.Data;

/// <summary>Small numbers in runs: each run is one number and how often it stands there, or numbers of a few bits each, eight and eight together.</summary>
internal static class ParquetRuns
{
    private const int MaximumWidth = 32;

    /// <summary>Reads numbers.</summary>
    /// <param name="bytes">The runs.</param>
    /// <param name="width">The bits of a number; of 0 bits all are 0.</param>
    /// <param name="target">The numbers; as many are read.</param>
    /// <exception cref="InvalidDataException">The runs end before, or a number has too many bits.</exception>
    public static void Read(ReadOnlySpan<byte> bytes, int width, Span<long> target)
    {
        if (width > MaximumWidth)
        {
            throw new InvalidDataException($"numbers of {width} bits stand in runs, expected at most {MaximumWidth}");
        }

        if (width == 0)
        {
            target.Clear();
            return;
        }

        int position = 0;
        while (!target.IsEmpty)
        {
            ulong head = ThriftReader.VarInt(bytes, ref position);
            int count = (int)Math.Min(head >> 1, int.MaxValue / 8);
            if ((head & 1) == 0)
            {
                count = Math.Min(count, target.Length);
                target[..count].Fill(Packed(Take(bytes, ref position, (width + 7) / 8), 0, width));
            }
            else
            {
                // The last group may be short of what stands for no value.
                count = Math.Min(8 * count, target.Length);
                ReadOnlySpan<byte> packed = Take(bytes, ref position, (int)((((long)width * count) + 7) / 8));
                for (int i = 0; i < count; i++)
                {
                    target[i] = Packed(packed, (long)width * i, width);
                }
            }

            target = target[count..];
        }
    }

    // A number of a few bits from some bit on, the lowest first.
    private static long Packed(ReadOnlySpan<byte> bytes, long bit, int width)
    {
        int place = (int)(bit >> 3);
        int shift = (int)(bit & 7);
        ulong value = 0;
        for (int i = 0; 8 * i < shift + width; i++)
        {
            value |= (ulong)bytes[place + i] << (8 * i);
        }

        return (long)((value >> shift) & ((1UL << width) - 1));
    }

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> bytes, ref int position, int count)
    {
        ReadOnlySpan<byte> taken = count <= bytes.Length - position ? bytes.Slice(position, count) : throw new InvalidDataException("runs of numbers end before the last of them");
        position += count;
        return taken;
    }
}
