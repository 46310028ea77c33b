using CsCheck;
using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>The exact emulation against the hardware's (or the C library's) fused multiply-add, which are both exact.</summary>
public sealed class EmulatedFmaTests
{
    private const int TriplesPerRun = 1_000_000;

    private static readonly float[] Nasty =
    [
        0f, -0f, 1f, -1f, float.Epsilon, -float.Epsilon, 2 * float.Epsilon, 3 * float.Epsilon, 1.17549435e-38f, 1.1754942e-38f, -1.1754942e-38f, 1.1754945e-38f,
        float.MaxValue, -float.MaxValue, 3.4028233e38f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1.0000001f, 0.99999994f, 16777216f, 16777217f, 8388608f, 8388609f,
        5.9604645e-8f, -5.9604645e-8f, 2.9802322e-8f, 1.8446744e19f, -1.8446744e19f, 5.421011e-20f, 1.0842022e-19f, 1e-30f, 1.5f, 3f, 1f / 3f, 4097f, 4095.9998f, 1e-45f, 7e-45f, 2.3509887e-38f,
    ];

    [Fact]
    public void All_triples_of_nasty_numbers_agree()
    {
        List<float> a = [], b = [], c = [];
        foreach (float x in Nasty)
        {
            foreach (float y in Nasty)
            {
                foreach (float z in Nasty)
                {
                    a.Add(x);
                    b.Add(y);
                    c.Add(z);
                }
            }
        }

        Compare([.. a], [.. b], [.. c]);
    }

    [Fact]
    public void Random_bit_patterns_agree() =>
        Gen.Int.Sample(
            seed =>
            {
                Numbers random = new(seed);
                Compare(Fill(random.Bits), Fill(random.Bits), Fill(random.Bits));
            },
            iter: 1,
            threads: 1);

    [Fact]
    public void Products_next_to_ties_with_tiny_addends_agree() => Compare(Triples(1, 0));

    [Fact]
    public void Sums_that_cancel_agree() => Compare(Triples(2, 1));

    [Fact]
    public void Subnormal_results_agree() => Compare(Triples(3, 2));

    private static (float[] A, float[] B, float[] C) Triples(int seed, int kind)
    {
        Numbers random = new(seed);
        float[] a = new float[TriplesPerRun], b = new float[TriplesPerRun], c = new float[TriplesPerRun];
        for (int index = 0; index < a.Length; index++)
        {
            a[index] = Short(random, kind == 2 ? -75 : 0);
            b[index] = Short(random, kind == 2 ? -70 : 0);
            c[index] = kind switch
            {
                0 => Short(random, -40) * (random.Next() % 3 == 0 ? 0 : 1),
                1 => -(a[index] * b[index]) + (float)((random.Next() % 5 - 2) * Math.ScaleB(a[index] * (double)b[index], -24)),
                _ => BitConverter.Int32BitsToSingle(random.Next() & unchecked((int)0x80FF_FFFF)),
            };
        }

        return (a, b, c);
    }

    // Few mantissa bits, so that products are often ties; exponents around 2^center.
    private static float Short(Numbers random, int center) =>
        (float)Math.ScaleB((random.Next() >> 19) | 1, center - 13 + (random.Next() & 7)) * (random.Next() % 2 == 0 ? 1f : 1.0000001f);

    private static float[] Fill(Func<float> next)
    {
        float[] values = new float[TriplesPerRun];
        for (int index = 0; index < values.Length; index++)
        {
            values[index] = next();
        }

        return values;
    }

    private static void Compare((float[] A, float[] B, float[] C) triples) => Compare(triples.A, triples.B, triples.C);

    private static void Compare(float[] a, float[] b, float[] c)
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            if (!unit.Emulated)
            {
                continue;
            }

            float[] found = new float[a.Length];
            Fused kernel = new(a, b, c, found);
            unit.Run(ref kernel);
            for (int index = 0; index < a.Length; index++)
            {
                float expected = MathF.FusedMultiplyAdd(a[index], b[index], c[index]);
                if (!SameBits(expected, found[index]))
                {
                    Assert.Fail($"{unit}: {a[index]:G9} · {b[index]:G9} + {c[index]:G9} gives {found[index]:G9}, not {expected:G9}.");
                }
            }
        }
    }

    private static bool SameBits(float x, float y) =>
        BitConverter.SingleToInt32Bits(x) == BitConverter.SingleToInt32Bits(y) || (float.IsNaN(x) && float.IsNaN(y));

    private ref struct Fused(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> y) : IKernel
    {
        private readonly ReadOnlySpan<float> a = a, b = b, c = c;
        private readonly Span<float> y = y;

        public void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int index = 0; index + TOps.Count <= y.Length; index += TOps.Count)
            {
                TVector sum = TOps.FusedMultiplyAdd(TOps.Load(in a[0], (nuint)index), TOps.Load(in b[0], (nuint)index), TOps.Load(in c[0], (nuint)index));
                TOps.Store(sum, ref y[0], (nuint)index);
            }
        }
    }
}
