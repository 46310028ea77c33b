namespace DistNet.Kernels;

// Plain double operations only, each rounded once (the compiler never contracts them to fused ones), after fdlibm (Sun Microsystems, 1993), whose
// coefficients these are.
public static partial class CanonicalFunctions
{
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;
    private const double Log2OfE = 1.44269504088896338700e+00;
    private const double LargestTrigonometricArgument = 1_000_000;

    /// <summary>e^x in double, within 2 ulp.</summary>
    public static double Exp(double x) => double.IsNaN(x) ? x : Exp(x, 0);

    /// <summary>ln x in double, within 2 ulp; −∞ at 0, NaN below.</summary>
    public static double Log(double x)
    {
        if (!(x > 0) || double.IsPositiveInfinity(x))
        {
            return x == 0 ? double.NegativeInfinity : x < 0 ? double.NaN : x;
        }

        (double f, int exponent) = Split(x);
        double s = f / (2 + f);
        double z = s * s;
        double w = z * z;
        double odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
        double even = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
        double halfSquare = 0.5 * f * f;
        return (exponent * Ln2High) - ((halfSquare - ((s * (halfSquare + odd + even)) + (exponent * Ln2Low))) - f);
    }

    /// <summary>x^y in double for x ≥ 0, within 8 ulp; x^0 = 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="x"/> is negative or not finite, or <paramref name="y"/> is not finite.</exception>
    public static double Pow(double x, double y)
    {
        if (!(x >= 0) || !double.IsFinite(x))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "The base must be finite and at least 0.");
        }

        if (!double.IsFinite(y))
        {
            throw new ArgumentOutOfRangeException(nameof(y), y, "The exponent must be finite.");
        }

        if (y == 0 || x == 1)
        {
            return 1;
        }

        if (x == 0)
        {
            return y > 0 ? 0 : double.PositiveInfinity;
        }

        // ln x = high + low with about 8 bits more than a double: 2 artanh(s), s = f / (2 + f) = sHigh + sLow.
        (double f, int exponent) = Split(x);
        double divisor = 2 + f;
        double divisorLow = f - (divisor - 2);
        double sHigh = f / divisor;
        (double product, double productLow) = Product(sHigh, divisor);
        double sLow = (f - product - productLow - (sHigh * divisorLow)) / divisor;
        double z = sHigh * sHigh;
        double series = 2.0 / 23;
        for (int odd = 21; odd >= 3; odd -= 2)
        {
            series = (series * z) + (2.0 / odd);
        }

        double head = exponent * Ln2High;
        (double high, double low) = Sum(head, 2 * sHigh);
        low += (2 * sLow) + (series * z * sHigh) + (exponent * Ln2Low);
        (high, low) = Sum(high, low);

        (double power, double powerLow) = Product(y, high);
        if (power is > 800 or < -800)
        {
            return power > 0 ? double.PositiveInfinity : 0;
        }

        return Exp(power, powerLow + (y * low));
    }

    /// <summary>tanh x in double, within 4 ulp; keeps −0.</summary>
    public static double Tanh(double x)
    {
        double magnitude = Math.Abs(x);
        if (double.IsNaN(x) || magnitude > 22)
        {
            return double.IsNaN(x) ? x : Math.Sign(x);
        }

        if (magnitude >= 1)
        {
            double result = 1 - (2 / (Exp(2 * magnitude) + 1));
            return x < 0 ? -result : result;
        }

        // sinh x / cosh x by their series, whose terms all have one sign.
        double square = x * x;
        double sinh = 1, cosh = 1;
        for (int order = 18; order >= 2; order -= 2)
        {
            cosh = 1 + (cosh * square / (order * (order - 1)));
            sinh = 1 + (sinh * square / (order * (order + 1)));
        }

        return x * sinh / cosh;
    }

    /// <summary>The normal distribution's function Φ(x) in double, within a relative error of 10^−13: by its series near 0, by its continued fraction elsewhere.</summary>
    public static double NormalDistribution(double x)
    {
        double t = Math.Abs(x);
        if (!(t < 40))
        {
            return double.IsNaN(x) ? x : x > 0 ? 1 : 0;
        }

        double density = Exp(-t * t / 2) / Math.Sqrt(2 * Math.PI);
        double tail = t;
        for (int depth = 120; depth > 0; depth--)
        {
            tail = t + (depth / tail);
        }

        // Φ(−t) = φ(t) / (t + 1 / (t + 2 / (t + …))); Φ(x) = ½ + φ(x) · (x + x³/3 + x⁵/(3·5) + …).
        double term = x, series = x;
        for (int odd = 3; odd < 100; odd += 2)
        {
            term *= x * x / odd;
            series += term;
        }

        return t < 1.5 ? 0.5 + (density * series) : x < 0 ? density / tail : 1 - (density / tail);
    }

    /// <summary>sin x in double, x in radians, within 2 ulp.</summary>
    /// <exception cref="ArgumentOutOfRangeException">|x| is above 1,000,000.</exception>
    public static double Sin(double x) => x == 0 ? x : Trigonometric(x, 0);

    /// <summary>cos x in double, x in radians, within 2 ulp.</summary>
    /// <exception cref="ArgumentOutOfRangeException">|x| is above 1,000,000.</exception>
    public static double Cos(double x) => Trigonometric(x, 1);

    // e^(x + low) for a small low.
    private static double Exp(double x, double low)
    {
        if (x > 710)
        {
            return double.PositiveInfinity;
        }

        if (x < -750)
        {
            return 0;
        }

        double k = Math.Round(x * Log2OfE);
        double high = x - (k * Ln2High);
        double rest = (k * Ln2Low) - low;
        double r = high - rest;
        double t = r * r;
        double c = r - (t * (1.66666666666666019037e-01 + (t * (-2.77777777770155933842e-03
            + (t * (6.61375632143793436117e-05 + (t * (-1.65339022054652515390e-06 + (t * 4.13813679705723846039e-08)))))))));
        double result = 1 - ((rest - (r * c / (2 - c))) - high);

        // 2^k in two factors: k reaches 1024 and −1082.
        int first = (int)k / 2;
        return result * PowerOfTwo(first) * PowerOfTwo((int)k - first);
    }

    private static double PowerOfTwo(int exponent) => BitConverter.Int64BitsToDouble((long)(exponent + 1023) << 52);

    // x = (1 + f) 2^exponent with 1 + f in [√½, √2).
    private static (double F, int Exponent) Split(double x)
    {
        int exponent = 0;
        if (x < 2.2250738585072014e-308)
        {
            x *= 18014398509481984.0; // 2^54
            exponent = -54;
        }

        long bits = BitConverter.DoubleToInt64Bits(x);
        exponent += (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & ((1L << 52) - 1)) | (1023L << 52));
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }

        return (mantissa - 1, exponent);
    }

    // Dekker's exact product: high + low = a · b.
    private static (double High, double Low) Product(double a, double b)
    {
        double high = a * b;
        (double aHigh, double aLow) = Halves(a);
        (double bHigh, double bLow) = Halves(b);
        double low = (((aHigh * bHigh) - high) + (aHigh * bLow) + (aLow * bHigh)) + (aLow * bLow);
        return (high, low);
    }

    private static (double High, double Low) Halves(double a)
    {
        double scaled = 134217729.0 * a; // 2^27 + 1
        double high = scaled - (scaled - a);
        return (high, a - high);
    }

    private static (double High, double Low) Sum(double a, double b)
    {
        double sum = a + b;
        double addend = sum - a;
        return (sum, (a - (sum - addend)) + (b - addend));
    }

    private static double Trigonometric(double x, int quarterTurns)
    {
        if (double.IsNaN(x))
        {
            return x;
        }

        if (!(Math.Abs(x) <= LargestTrigonometricArgument))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "The angle must lie within ±1,000,000 radians.");
        }

        // x = k π/2 + r + rLow, with π/2 in pieces of 33 bits whose products with k are exact.
        double k = Math.Round(x * 6.36619772367581382433e-01);
        double r = x - (k * 1.57079632673412561417e+00);
        (r, double low) = Sum(r, -(k * 6.07710050630396597660e-11));
        low -= k * 2.02226624879595063154e-21;
        (r, low) = Sum(r, low);
        int quadrant = ((int)k + quarterTurns) & 3;
        double value = (quadrant & 1) == 0 ? SinOfPart(r, low) : CosOfPart(r, low);
        return (quadrant & 2) == 0 ? value : -value;
    }

    private static double SinOfPart(double x, double low)
    {
        double z = x * x;
        double v = z * x;
        double r = 8.33333333332248946124e-03 + (z * (-1.98412698298579493134e-04
            + (z * (2.75573137070700676789e-06 + (z * (-2.50507602534068634195e-08 + (z * 1.58969099521155010221e-10)))))));
        return x - (((z * ((0.5 * low) - (v * r))) - low) - (v * -1.66666666666666324348e-01));
    }

    private static double CosOfPart(double x, double low)
    {
        double z = x * x;
        double r = z * (4.16666666666666019037e-02 + (z * (-1.38888888888741095749e-03 + (z * (2.48015872894767294178e-05
            + (z * (-2.75573143513906633035e-07 + (z * (2.08757232129817482790e-09 + (z * -1.13596475577881948265e-11))))))))));
        double halfSquare = 0.5 * z;
        double rounded = 1 - halfSquare;
        return rounded + (((1 - rounded) - halfSquare) + ((z * r) - (x * low)));
    }
}
