using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Transcendental functions on vectors of floats, from + − × ÷, FMA and exact bit operations alone, so that their bits are the same at every
/// width and on every machine. Error bounds are in units in the last place of the result, found by trying all 2^32 floats.</summary>
/// <remarks>The polynomials of Exp, Log and Tanh have the coefficients of the Cephes library (S. L. Moshier, single precision). Scalar twins with the same
/// bits are in <see cref="CanonicalFunctions"/>.</remarks>
public static partial class VectorFunctions
{
    // Adding and subtracting 1.5 · 2^23 rounds a float below 2^22 to the nearest integer.
    private const float RoundingMagic = 12_582_912f;

    private const float Log2OfE = 1.44269504f;

    // ln 2 in two pieces; the high one has few bits, so that its products with exponents are exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Its only set bit is the sign.
    private const float SignBit = -0f;

    /// <summary>e^x, at most 1.02 ulp; subnormal results are right, overflow gives +∞, underflow +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // Beyond these the result is +0 or +∞ by itself; NaN passes both comparisons.
        x = TOps.Select(TOps.LessThan(x, TOps.Broadcast(-104.5f)), TOps.Broadcast(-104.5f), x);
        x = TOps.Select(TOps.GreaterThan(x, TOps.Broadcast(89f)), TOps.Broadcast(89f), x);

        // x = k ln 2 + r with |r| ≤ ln 2 / 2.
        TVector magic = TOps.Broadcast(RoundingMagic);
        TVector k = TOps.Subtract(TOps.FusedMultiplyAdd(x, TOps.Broadcast(Log2OfE), magic), magic);
        TVector r = TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2High), x);
        r = TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2Low), r);

        TVector p = ExpRest<TVector, TOps>(r);
        p = TOps.Add(p, TOps.Broadcast(1f));

        return TOps.Scale(p, k);
    }

    /// <summary>x · 2^k in two factors, as a float holds no 2^128 and no 2^−151: only the second product can round, once, into a subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector ScaleInTwo<TVector, TOps>(TVector x, TVector k)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector magic = TOps.Broadcast(RoundingMagic);
        TVector half = TOps.Subtract(TOps.FusedMultiplyAdd(k, TOps.Broadcast(0.5f), magic), magic);
        return TOps.Multiply(TOps.Multiply(x, TOps.PowerOfTwo(half)), TOps.PowerOfTwo(TOps.Subtract(k, half)));
    }

    /// <summary>ln x, at most 0.83 ulp; ln 1 = +0, ln ±0 = −∞, NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // Subnormals are brought into the normal range by an exact factor 2^24.
        TVector small = TOps.LessThan(x, TOps.Broadcast(FloatBits.LeastNormal));
        TVector normal = TOps.Select(small, TOps.Multiply(x, TOps.Broadcast(16_777_216f)), x);
        TVector exponent = TOps.Add(TOps.Exponent(normal), TOps.And(small, TOps.Broadcast(-24f)));
        TVector f = Center<TVector, TOps>(TOps.Mantissa(normal), ref exponent);
        return LogEdges<TVector, TOps>(x, LogOfParts<TVector, TOps>(f, exponent));
    }

    /// <summary>ln(1 + x), at most 1.40 ulp; −∞ at −1, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log1p<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // sum + error = 1 + x exactly (TwoSum); the error goes into the mantissa's distance from 1.
        TVector one = TOps.Broadcast(1f);
        TVector sum = TOps.Add(one, x);
        TVector addend = TOps.Subtract(sum, one);
        TVector error = TOps.Add(TOps.Subtract(one, TOps.Subtract(sum, addend)), TOps.Subtract(x, addend));

        TVector exponent = TOps.Exponent(sum);
        TVector f = Center<TVector, TOps>(TOps.Mantissa(sum), ref exponent);
        TVector scale = TOps.PowerOfTwo(TOps.Subtract(TOps.Zero, exponent));
        scale = TOps.And(scale, TOps.LessThan(x, TOps.Broadcast(1e15f))); // there 1 no longer matters, and 2^−128 is out of range
        f = TOps.FusedMultiplyAdd(error, scale, f);
        TVector result = LogEdges<TVector, TOps>(sum, LogOfParts<TVector, TOps>(f, exponent));
        return TOps.Select(TOps.EqualTo(x, TOps.Zero), x, result); // keeps −0
    }

    /// <summary>1 ÷ (1 + e^−x), at most 1.48 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // With z = e^−|x| ≤ 1 the result is 1 / (1 + z), or z / (1 + z) for negative x; one correction step takes the roundings of 1 + z and of the quotient back.
        TVector one = TOps.Broadcast(1f);
        TVector z = Exp<TVector, TOps>(TOps.Or(x, TOps.Broadcast(SignBit)));
        TVector sum = TOps.Add(one, z);
        TVector lost = TOps.Subtract(z, TOps.Subtract(sum, one));
        TVector numerator = TOps.Select(TOps.LessThan(x, TOps.Zero), z, one);
        TVector reciprocal = TOps.Divide(one, sum);
        TVector quotient = TOps.Multiply(numerator, reciprocal);
        TVector negative = TOps.Xor(quotient, TOps.Broadcast(SignBit));
        TVector rest = TOps.FusedMultiplyAdd(negative, sum, numerator);
        rest = TOps.FusedMultiplyAdd(negative, lost, rest);
        return TOps.FusedMultiplyAdd(rest, reciprocal, quotient);
    }

    /// <summary>tanh x, at most 1.34 ulp; keeps −0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector sign = TOps.And(x, TOps.Broadcast(SignBit));
        TVector magnitude = TOps.Xor(x, sign);

        // |x| < 0.625: x + x³ P(x²).
        TVector square = TOps.Multiply(magnitude, magnitude);
        TVector p = TOps.Broadcast(-5.70498872745e-3f);
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(2.06390887954e-2f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(-5.37397155531e-2f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(1.33314422036e-1f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(-3.33332819422e-1f));
        p = TOps.FusedMultiplyAdd(TOps.Multiply(p, square), magnitude, magnitude);

        // Else 1 − 2 / (e^(2|x|) + 1).
        TVector one = TOps.Broadcast(1f);
        TVector two = TOps.Broadcast(2f);
        TVector grown = TOps.Add(Exp<TVector, TOps>(TOps.Add(magnitude, magnitude)), one);
        TVector q = TOps.Subtract(one, TOps.Divide(two, grown));

        return TOps.Or(TOps.Select(TOps.LessThan(magnitude, TOps.Broadcast(0.625f)), p, q), sign);
    }

    /// <summary>ln(1 + e^x), at most 1.67 ulp, as max(x, 0) + ln(1 + e^−|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Softplus<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector z = Exp<TVector, TOps>(TOps.Or(x, TOps.Broadcast(SignBit)));
        TVector positive = TOps.Select(TOps.LessThan(x, TOps.Zero), TOps.Zero, x);
        return TOps.Add(positive, Log1p<TVector, TOps>(z));
    }

    // Mantissas above √2 are halved, so that f = m − 1 lies in [√½ − 1, √2 − 1]; exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Center<TVector, TOps>(TVector mantissa, ref TVector exponent)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector one = TOps.Broadcast(1f);
        TVector large = TOps.GreaterThan(mantissa, TOps.Broadcast(1.41421356f));
        exponent = TOps.Add(exponent, TOps.And(large, one));
        return TOps.Subtract(TOps.Select(large, TOps.Multiply(mantissa, TOps.Broadcast(0.5f)), mantissa), one);
    }

    // e ln 2 + ln(1 + f), where ln(1 + f) = f − f²/2 + f³ P(f).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector LogOfParts<TVector, TOps>(TVector f, TVector exponent)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector p = TOps.Broadcast(7.0376836292e-2f);
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(-1.1514610310e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(1.1676998740e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(-1.2420140846e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(1.4249322787e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(-1.6668057665e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(2.0000714765e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(-2.4999993993e-1f));
        p = TOps.FusedMultiplyAdd(p, f, TOps.Broadcast(3.3333331174e-1f));
        TVector square = TOps.Multiply(f, f);
        TVector correction = TOps.Multiply(TOps.Multiply(p, f), square);
        correction = TOps.FusedMultiplyAdd(exponent, TOps.Broadcast(Ln2Low), correction);
        correction = TOps.FusedMultiplyAdd(square, TOps.Broadcast(-0.5f), correction);
        return TOps.FusedMultiplyAdd(exponent, TOps.Broadcast(Ln2High), TOps.Add(f, correction));
    }

    // −∞ at 0, NaN below 0 and at NaN, +∞ at +∞.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector LogEdges<TVector, TOps>(TVector x, TVector logarithm)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector infinity = TOps.Broadcast(float.PositiveInfinity);
        logarithm = TOps.Select(TOps.LessThan(x, infinity), logarithm, x); // +∞ and NaN are themselves
        logarithm = TOps.Select(TOps.LessThan(x, TOps.Zero), TOps.Broadcast(float.NaN), logarithm);
        return TOps.Select(TOps.EqualTo(x, TOps.Zero), TOps.Broadcast(float.NegativeInfinity), logarithm);
    }
}
