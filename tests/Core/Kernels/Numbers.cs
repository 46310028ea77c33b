using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>SplitMix64, so that every run sees the same numbers on any runtime.</summary>
internal sealed class Numbers(int seed)
{
    private ulong state = (ulong)seed;

    public int Next()
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)(z >> 32);
    }

    /// <summary>Any bit pattern, NaN and infinities among them.</summary>
    public float Bits() => BitConverter.Int32BitsToSingle(Next());

    public int Below(int bound) => (int)((uint)Next() % (uint)bound);

    /// <summary>Floats of both signs and magnitudes from 2^−8 to 2^8, so that the order of a sum shows in its bits.</summary>
    public float[] Floats(int count)
    {
        float[] values = new float[count];
        for (int index = 0; index < count; index++)
        {
            values[index] = (float)Math.ScaleB(Next() / 2147483648.0, Below(17) - 8);
        }

        return values;
    }
}

internal static class Bits
{
    /// <summary>What a kernel must write over.</summary>
    public static float[] Unwritten(int length)
    {
        float[] values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }

    /// <summary>Fails at the first element whose bits differ; any NaN equals any other.</summary>
    public static void Equal(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int index = 0; index < expected.Length; index++)
        {
            if (BitConverter.SingleToInt32Bits(expected[index]) != BitConverter.SingleToInt32Bits(found[index]) && !(float.IsNaN(expected[index]) && float.IsNaN(found[index])))
            {
                Assert.Fail($"{what}: element {index} is {found[index]:G9}, not {expected[index]:G9}.");
            }
        }
    }
}
