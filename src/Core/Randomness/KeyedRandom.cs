using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using DistNet.Kernels;

namespace DistNet.Randomness;

/// <summary>Random numbers as a pure function of a key, so that they are the same for any number of workers and threads and after any resume.</summary>
/// <remarks>
/// The layout: the Philox key is the job's seed. The counter is (block, place, step, stream): block numbers the groups of four words from 0,
/// place is the sample's place in the batch (or 0), step is the step or the epoch, and stream is a hash of the purpose and of the name of the module or
/// parameter. Within a block the words are used in order.
/// </remarks>
public static class KeyedRandom
{
    // 2^−24: a word's upper 24 bits fill a float's mantissa.
    private const float UnitOf24Bits = 5.9604644775390625e-8f;

    // 2^−52.
    private const double UnitOf52Bits = 2.220446049250313e-16;

    /// <summary>The stream of a purpose and a name: 32-bit FNV-1a over the purpose's number as one byte and the name's UTF-8 bytes.</summary>
    /// <param name="purpose">What the numbers are for.</param>
    /// <param name="name">The module's or parameter's name; empty where there is only one.</param>
    public static uint Stream(RandomPurpose purpose, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        uint hash = Mix(2166136261, (byte)purpose);
        foreach (byte part in Encoding.UTF8.GetBytes(name))
        {
            hash = Mix(hash, part);
        }

        return hash;
    }

    /// <summary>A permutation of 0 … length − 1, every one equally likely (Fisher–Yates with unbiased choices: a 64-bit word is rejected where it would
    /// favour small numbers). Uses words of (block, 0, epoch, stream of the purpose), two per choice.</summary>
    public static void Permutation(ulong seed, RandomPurpose purpose, uint epoch, Span<int> destination)
    {
        for (int index = 0; index < destination.Length; index++)
        {
            destination[index] = index;
        }

        WordReader words = new(seed, Stream(purpose, ""), epoch, 0);
        for (int index = destination.Length - 1; index > 0; index--)
        {
            int other = (int)words.Below((ulong)index + 1);
            (destination[index], destination[other]) = (destination[other], destination[index]);
        }
    }

    /// <summary>A word as a number in 0 … bound − 1: the high half of word · bound, uniform as exact as bound · 2^−32.</summary>
    /// <param name="word">A random word.</param>
    /// <param name="bound">How many numbers there are, at least 1.</param>
    public static int Below(uint word, int bound)
    {
        Invariant.Holds(bound >= 1);
        return (int)(((ulong)word * (uint)bound) >> 32);
    }

    /// <summary>Uniform in [0, 1): the upper 24 bits of word i, times 2^−24.</summary>
    public static void Uniform(ulong seed, uint stream, uint step, uint place, Span<float> destination)
    {
        Span<uint> words = MemoryMarshal.Cast<float, uint>(destination);
        PhiloxWords.Fill(seed, place, step, stream, words);
        for (int index = 0; index < destination.Length; index++)
        {
            destination[index] = (words[index] >> 8) * UnitOf24Bits;
        }
    }

    /// <summary>Uniform in (0, 1) in double: the upper 52 bits of words 2i (low) and 2i + 1 (high), plus a half, times 2^−52.</summary>
    public static void Uniform(ulong seed, uint stream, uint step, uint place, Span<double> destination)
    {
        for (int start = 0; start < destination.Length; start += 2)
        {
            Philox.Block(seed, (uint)start / 2, place, step, stream, out uint r0, out uint r1, out uint r2, out uint r3);
            destination[start] = Unit(r0, r1);
            if (start + 1 < destination.Length)
            {
                destination[start + 1] = Unit(r2, r3);
            }
        }
    }

    /// <summary>Standard normal numbers: Box and Muller's method on pairs of uniform doubles, rounded to float.</summary>
    public static void Normal(ulong seed, uint stream, uint step, uint place, Span<float> destination)
    {
        for (int start = 0; start < destination.Length; start += 2)
        {
            Philox.Block(seed, (uint)start / 2, place, step, stream, out uint r0, out uint r1, out uint r2, out uint r3);
            double radius = Math.Sqrt(-2 * CanonicalFunctions.Log(Unit(r0, r1)));
            double angle = 2 * Math.PI * Unit(r2, r3);
            destination[start] = (float)(radius * CanonicalFunctions.Cos(angle));
            if (start + 1 < destination.Length)
            {
                destination[start + 1] = (float)(radius * CanonicalFunctions.Sin(angle));
            }
        }
    }

    /// <summary>A mask of inverted dropout: element i is 0 where its uniform number (word i, as a fraction of 2^32) lies below the probability, else 1 ÷ (1 − p).</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="seed">The job's seed.</param>
    /// <param name="stream">The module's stream.</param>
    /// <param name="step">The step.</param>
    /// <param name="place">The sample's place in the batch.</param>
    /// <param name="probability">The probability p of a 0, in [0, 1); as exact as 2^−32.</param>
    /// <param name="scale">Where the mask goes, one sample's.</param>
    public static void DropoutMask(VectorUnit unit, ulong seed, uint stream, uint step, uint place, double probability, Span<float> scale)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Invariant.Holds(probability is >= 0 and < 1);
        uint threshold = (uint)(probability * 4294967296.0);
        float kept = (float)(1 / (1 - probability));
        Span<uint> words = MemoryMarshal.Cast<float, uint>(scale);
        PhiloxWords.Fill(seed, place, step, stream, words);
        int index = 0;
        if (unit.Width != VectorWidth.Scalar)
        {
            for (; index + Vector256<uint>.Count <= words.Length; index += Vector256<uint>.Count)
            {
                Vector256<uint> dropped = Vector256.LessThan(Vector256.LoadUnsafe(ref words[index]), Vector256.Create(threshold));
                Vector256.AndNot(Vector256.Create(kept).AsUInt32(), dropped).StoreUnsafe(ref words[index]);
            }
        }

        for (; index < words.Length; index++)
        {
            scale[index] = words[index] < threshold ? 0f : kept;
        }
    }

    private static uint Mix(uint hash, byte part) => (hash ^ part) * 16777619;

    private static double Unit(uint low, uint high) => ((((ulong)high << 32 | low) >> 12) + 0.5) * UnitOf52Bits;

    // Reads 64-bit words one after the other.
    private ref struct WordReader(ulong seed, uint stream, uint step, uint place)
    {
        private uint block;
        private ulong spare;
        private bool hasSpare;

        // Uniform in 0 … bound − 1: the high half of word · bound, rejecting the words that make some results more frequent (Lemire, 2019).
        public ulong Below(ulong bound)
        {
            ulong high = Math.BigMul(Next(), bound, out ulong low);
            if (low < bound)
            {
                ulong excess = (0 - bound) % bound;
                while (low < excess)
                {
                    high = Math.BigMul(Next(), bound, out low);
                }
            }

            return high;
        }

        private ulong Next()
        {
            if (hasSpare)
            {
                hasSpare = false;
                return spare;
            }

            Philox.Block(seed, block, place, step, stream, out uint r0, out uint r1, out uint r2, out uint r3);
            block++;
            spare = ((ulong)r3 << 32) | r2;
            hasSpare = true;
            return ((ulong)r1 << 32) | r0;
        }
    }
}
