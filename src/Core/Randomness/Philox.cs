namespace DistNet.Randomness;

/// <summary>Philox 4×32-10, a counter-based generator (Salmon, Moraes, Dror and Shaw, <i>Parallel random numbers: as easy as 1, 2, 3</i>, 2011): a bijection of
/// 128-bit counters for each 64-bit key, so that any number of the stream is computed without those before it.</summary>
public static class Philox
{
    internal const ulong FirstMultiplier = 0xD2511F53;
    internal const ulong SecondMultiplier = 0xCD9E8D57;
    internal const uint FirstWeyl = 0x9E3779B9;
    internal const uint SecondWeyl = 0xBB67AE85;
    internal const int Rounds = 10;

    /// <summary>The four random words of one counter.</summary>
    /// <param name="key">The key; its low half is Random123's first key word.</param>
    /// <param name="c0">The counter's words, in Random123's order.</param>
    /// <param name="c1">See <paramref name="c0"/>.</param>
    /// <param name="c2">See <paramref name="c0"/>.</param>
    /// <param name="c3">See <paramref name="c0"/>.</param>
    /// <param name="r0">The random words, each uniform in 0 … 2^32 − 1.</param>
    /// <param name="r1">See <paramref name="r0"/>.</param>
    /// <param name="r2">See <paramref name="r0"/>.</param>
    /// <param name="r3">See <paramref name="r0"/>.</param>
    public static void Block(ulong key, uint c0, uint c1, uint c2, uint c3, out uint r0, out uint r1, out uint r2, out uint r3)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong first = FirstMultiplier * c0;
            ulong second = SecondMultiplier * c2;
            c0 = (uint)(second >> 32) ^ c1 ^ k0;
            c1 = (uint)second;
            c2 = (uint)(first >> 32) ^ c3 ^ k1;
            c3 = (uint)first;
            k0 += FirstWeyl;
            k1 += SecondWeyl;
        }

        (r0, r1, r2, r3) = (c0, c1, c2, c3);
    }
}
