using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistNet.Randomness;

/// <summary>Runs of consecutive Philox blocks, eight at a time where the processor has AVX2. Integers only, so the words are the same everywhere.</summary>
internal static class PhiloxWords
{
    private const int BlocksAtOnce = 8;
    private const int WordsAtOnce = 4 * BlocksAtOnce;

    /// <summary>words[i] = word i mod 4 of the block with counter (i ÷ 4, place, step, stream).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(ulong key, uint place, uint step, uint stream, Span<uint> words)
    {
        int start = 0;
        if (Avx2.IsSupported)
        {
            for (; start + WordsAtOnce <= words.Length; start += WordsAtOnce)
            {
                EightBlocks(key, (uint)start / 4, place, step, stream, ref words[start]);
            }
        }

        for (; start < words.Length; start += 4)
        {
            Philox.Block(key, (uint)start / 4, place, step, stream, out uint r0, out uint r1, out uint r2, out uint r3);
            ReadOnlySpan<uint> block = [r0, r1, r2, r3];
            block[..Math.Min(4, words.Length - start)].CopyTo(words[start..]);
        }
    }

    // Each 64-bit lane carries one block's word in its low half; the products ignore what collects in the high halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightBlocks(ulong key, uint first, uint place, uint step, uint stream, ref uint words)
    {
        // In this order of blocks the unpacking at the end gives them back in sequence.
        Vector256<ulong> a0 = Vector256.Create((ulong)first, first + 2, first + 1, first + 3), b0 = Vector256.Create((ulong)first + 4, first + 6, first + 5, first + 7);
        Vector256<ulong> a1 = Vector256.Create((ulong)place), a2 = Vector256.Create((ulong)step), a3 = Vector256.Create((ulong)stream);
        Vector256<ulong> b1 = a1, b2 = a2, b3 = a3;
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            Round(ref a0, ref a1, ref a2, ref a3, k0, k1);
            Round(ref b0, ref b1, ref b2, ref b3, k0, k1);
            k0 += Philox.FirstWeyl;
            k1 += Philox.SecondWeyl;
        }

        Store(a0, a1, a2, a3, ref words);
        Store(b0, b1, b2, b3, ref Unsafe.Add(ref words, WordsAtOnce / 2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(ref Vector256<ulong> c0, ref Vector256<ulong> c1, ref Vector256<ulong> c2, ref Vector256<ulong> c3, uint k0, uint k1)
    {
        Vector256<ulong> first = Avx2.Multiply(c0.AsUInt32(), Vector256.Create(Philox.FirstMultiplier).AsUInt32());
        Vector256<ulong> second = Avx2.Multiply(c2.AsUInt32(), Vector256.Create(Philox.SecondMultiplier).AsUInt32());
        c0 = (second >> 32) ^ c1 ^ Vector256.Create((ulong)k0);
        c1 = second;
        c2 = (first >> 32) ^ c3 ^ Vector256.Create((ulong)k1);
        c3 = first;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ulong> r0, Vector256<ulong> r1, Vector256<ulong> r2, Vector256<ulong> r3, ref uint words)
    {
        Vector256<ulong> low = Vector256.Create(0xFFFF_FFFFUL);
        Vector256<ulong> firstPair = (r0 & low) | (r1 << 32), secondPair = (r2 & low) | (r3 << 32);
        Avx2.UnpackLow(firstPair, secondPair).AsUInt32().StoreUnsafe(ref words);
        Avx2.UnpackHigh(firstPair, secondPair).AsUInt32().StoreUnsafe(ref words, 8);
    }
}
