namespace DistNet.Data;

/// <summary>Stands in for the keyed permutation until it is there.</summary>
internal static class SplitOrder
{
    public static void Permutation(ulong seed, Span<int> destination)
    {
        ulong state = seed;
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = i;
        }

        for (int i = destination.Length - 1; i > 0; i--)
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            int other = (int)Math.BigMul(z ^ (z >> 31), (ulong)i + 1, out _);
            (destination[i], destination[other]) = (destination[other], destination[i]);
        }
    }
}
