using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

// GELU and SiLU, and their derivatives. Exponentials are kept as 2^k · (1 + q) until the last product, so that neither their rounding nor their underflow is multiplied.
// The coefficients are our own: interpolations at Chebyshev's points, computed with 40 digits.
public static partial class VectorFunctions
{
    private const float HalfLog2OfE = 0.72134752f;

    // Below this magnitude Φ is a polynomial around ½; beyond the other one all that is left of Φ(−t) is +0.
    private const float GeluCentre = 0.5f;
    private const float GeluEnd = 15f;
    private const float GeluMiddle = 1.25f;

    private const float OneOverRootOfTwoPi = 0.3989423f;

    /// <summary>x · Φ(x), Φ being the normal distribution's function: at most 1.97 ulp; subnormal results are right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Gelu<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // Φ(x) = ½ + x P(x²).
        TVector square = TOps.Multiply(x, x);
        TVector p = TOps.Broadcast(1.0969741e-4f);
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(-1.1860846e-3f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(9.9734468e-3f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(-6.6490375e-2f));
        p = TOps.FusedMultiplyAdd(p, square, TOps.Broadcast(0.39894229f));
        TVector centre = TOps.Multiply(x, TOps.FusedMultiplyAdd(x, p, TOps.Broadcast(0.5f)));

        // −t Φ(−t) on the left, x − t Φ(−t) on the right, with t Φ(−t) = 2^(k − 2) · (1 + q) · V. V's own rounding goes into the last sum, which rounds once.
        TVector t = GeluMagnitude<TVector, TOps>(x);
        GaussianParts<TVector, TOps>(t, out TVector k, out TVector q);
        TVector w = MillsRest<TVector, TOps>(t);
        TVector first = TOps.Broadcast(MillsFirst);
        TVector v = TOps.Add(first, w);
        TVector lost = TOps.Add(TOps.Subtract(first, v), w);
        TVector g = TOps.Add(v, TOps.FusedMultiplyAdd(q, v, lost));
        g = TOps.Scale(g, TOps.Subtract(k, TOps.Broadcast(2f)));
        TVector negative = TOps.LessThan(x, TOps.Zero);
        TVector tail = TOps.Select(negative, TOps.Xor(g, TOps.Broadcast(SignBit)), TOps.Subtract(x, g));
        return TOps.Select(TOps.LessThan(t, TOps.Broadcast(GeluCentre)), centre, tail);
    }

    /// <summary>The derivative of <see cref="Gelu"/>, Φ(x) + x φ(x), φ being the normal density: within 1.6 · 2^−24 of the truth, which lies between −0.13 and 1.13.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector GeluDerivative<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // ½ + x R(x²).
        TVector square = TOps.Multiply(x, x);
        TVector r = TOps.Broadcast(1.085824e-3f);
        r = TOps.FusedMultiplyAdd(r, square, TOps.Broadcast(-9.4837956e-3f));
        r = TOps.FusedMultiplyAdd(r, square, TOps.Broadcast(5.9840024e-2f));
        r = TOps.FusedMultiplyAdd(r, square, TOps.Broadcast(-0.26596147f));
        r = TOps.FusedMultiplyAdd(r, square, TOps.Broadcast(0.79788458f));
        TVector centre = TOps.FusedMultiplyAdd(x, r, TOps.Broadcast(0.5f));

        // d = Φ(−t) − t φ(t) on the left, 1 − d on the right.
        TVector t = GeluMagnitude<TVector, TOps>(x);
        GaussianParts<TVector, TOps>(t, out TVector k, out TVector q);
        TVector v = TOps.Add(TOps.Broadcast(MillsFirst), MillsRest<TVector, TOps>(t));
        TVector h = TOps.Divide(TOps.Multiply(v, TOps.Broadcast(0.25f)), t);
        h = TOps.FusedMultiplyAdd(t, TOps.Broadcast(-OneOverRootOfTwoPi), h);
        TVector d = TOps.Scale(TOps.FusedMultiplyAdd(q, h, h), k);
        TVector tail = TOps.Select(TOps.LessThan(x, TOps.Zero), d, TOps.Subtract(TOps.Broadcast(1f), d));
        return TOps.Select(TOps.LessThan(t, TOps.Broadcast(GeluCentre)), centre, tail);
    }

    /// <summary>x ÷ (1 + e^−x), at most 1.1 ulp; subnormal results are right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Silu<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        // With z = e^−|x| = 2^k · (1 + q): x / (1 + z) on the right, 2^k · (x + x q) / (1 + z) on the left. What is lost in 1 + z and in x + x q is put back by one correction step.
        x = TOps.Select(TOps.LessThan(x, TOps.Broadcast(-125f)), TOps.Broadcast(-125f), x); // −0 there and below
        TVector magnitude = TOps.Or(x, TOps.Broadcast(SignBit));
        magnitude = TOps.Select(TOps.LessThan(magnitude, TOps.Broadcast(-125f)), TOps.Broadcast(-125f), magnitude);
        TVector magic = TOps.Broadcast(RoundingMagic);
        TVector k = TOps.Subtract(TOps.FusedMultiplyAdd(magnitude, TOps.Broadcast(Log2OfE), magic), magic);
        TVector r = TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2High), magnitude);
        TVector q = ExpRest<TVector, TOps>(TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2Low), r));
        TVector one = TOps.Broadcast(1f);
        TVector z = TOps.Scale(TOps.Add(q, one), k);
        TVector sum = TOps.Add(one, z);
        TVector lost = TOps.Subtract(z, TOps.Subtract(sum, one));

        TVector negative = TOps.LessThan(x, TOps.Zero);
        q = TOps.And(q, negative);
        TVector numerator = TOps.FusedMultiplyAdd(x, q, x);
        TVector below = TOps.FusedMultiplyAdd(x, q, TOps.Subtract(x, numerator));
        TVector reciprocal = TOps.Divide(one, sum);
        TVector quotient = TOps.Multiply(numerator, reciprocal);
        TVector opposite = TOps.Xor(quotient, TOps.Broadcast(SignBit));
        TVector rest = TOps.FusedMultiplyAdd(opposite, sum, numerator);
        rest = TOps.Add(TOps.FusedMultiplyAdd(opposite, lost, rest), below);
        TVector result = TOps.FusedMultiplyAdd(rest, reciprocal, quotient);
        result = TOps.Select(negative, TOps.Scale(result, k), TOps.Or(result, TOps.And(x, TOps.Broadcast(SignBit)))); // keeps −0
        return TOps.Select(TOps.GreaterThan(x, TOps.Broadcast(30f)), x, result); // x itself there, +∞ too
    }

    /// <summary>The derivative of <see cref="Silu"/>, σ(x) + x σ(x) σ(−x): within 3.2 · 2^−24 of the truth, which lies between −0.1 and 1.1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector SiluDerivative<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector one = TOps.Broadcast(1f);
        TVector z = Exp<TVector, TOps>(TOps.Or(x, TOps.Broadcast(SignBit)));
        TVector large = TOps.Divide(one, TOps.Add(one, z));
        TVector small = TOps.Multiply(z, large);
        TVector own = TOps.Select(TOps.LessThan(x, TOps.Zero), small, large);
        return TOps.FusedMultiplyAdd(TOps.Multiply(x, small), large, own);
    }

    private const float MillsFirst = 1.1538016f;

    // V = 4 t Φ(−t) e^(t²/2) less its first coefficient, a polynomial in (t − 1.25) / (t + 1.25), within 0.2 ulp for t in [0.5, 15].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector MillsRest<TVector, TOps>(TVector t)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector middle = TOps.Broadcast(GeluMiddle);
        TVector u = TOps.Divide(TOps.Subtract(t, middle), TOps.Add(t, middle));
        TVector w = TOps.Broadcast(8.7291216e-3f);
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(-1.2003097e-2f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(-8.1928531e-3f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(-2.0390467e-3f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(3.9484771e-3f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(2.7650800e-2f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(5.0612703e-2f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(1.2361683e-2f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(-0.17729707f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(-0.38825798f));
        w = TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(0.92645484f));
        return TOps.FusedMultiplyAdd(w, u, TOps.Broadcast(5.2246353e-8f));
    }

    // NaN passes the comparison.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector GeluMagnitude<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector magnitude = TOps.Xor(x, TOps.And(x, TOps.Broadcast(SignBit)));
        return TOps.Select(TOps.GreaterThan(magnitude, TOps.Broadcast(GeluEnd)), TOps.Broadcast(GeluEnd), magnitude);
    }

    // e^(−t²/2) = 2^k · (1 + q); the square's rounding is not lost.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GaussianParts<TVector, TOps>(TVector t, out TVector k, out TVector q)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector square = TOps.Multiply(t, t);
        TVector low = TOps.FusedMultiplyAdd(t, t, TOps.Xor(square, TOps.Broadcast(SignBit)));
        TVector half = TOps.Broadcast(-0.5f), magic = TOps.Broadcast(RoundingMagic);
        k = TOps.Subtract(TOps.FusedMultiplyAdd(square, TOps.Broadcast(-HalfLog2OfE), magic), magic);
        TVector r = TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2High), TOps.Multiply(square, half));
        r = TOps.FusedMultiplyAdd(k, TOps.Broadcast(-Ln2Low), r);
        q = ExpRest<TVector, TOps>(TOps.FusedMultiplyAdd(low, half, r));
    }

    // e^r − 1 = r + r² P(r) for |r| ≤ ln 2 / 2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ExpRest<TVector, TOps>(TVector r)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector p = TOps.Broadcast(1.9875691500e-4f);
        p = TOps.FusedMultiplyAdd(p, r, TOps.Broadcast(1.3981999507e-3f));
        p = TOps.FusedMultiplyAdd(p, r, TOps.Broadcast(8.3334519073e-3f));
        p = TOps.FusedMultiplyAdd(p, r, TOps.Broadcast(4.1665795894e-2f));
        p = TOps.FusedMultiplyAdd(p, r, TOps.Broadcast(1.6666665459e-1f));
        p = TOps.FusedMultiplyAdd(p, r, TOps.Broadcast(5.0000001201e-1f));
        return TOps.FusedMultiplyAdd(p, TOps.Multiply(r, r), r);
    }
}
