namespace DistNet.Simulation.Tests;

/// <summary>SplitMix64: everything that a history leaves to chance comes from its seed.</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong state = seed;

    /// <summary>In [0, <paramref name="end"/>).</summary>
    public int Next(int end) => (int)(NextBits() % (ulong)end);

    /// <summary>In [<paramref name="first"/>, <paramref name="last"/>].</summary>
    public int Between(int first, int last) => first + Next(last - first + 1);

    public bool Chance(double probability) => (NextBits() >> 11) * (1.0 / (1UL << 53)) < probability;

    private ulong NextBits()
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
