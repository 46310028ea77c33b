using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>a · b + c of floats, rounded once, without a fused multiply-add in hardware.</summary>
/// <remarks>
/// The product of two floats is exact in double, but rounding the sum to double and then to float rounds twice. So the sum is rounded to odd:
/// TwoSum gives the exact error of the double sum, and where it is not 0 and the sum's last bit is 0, the sum moves by one unit towards
/// the exact value. A number with an odd last bit, 53 ≥ 24 + 2 bits long, is never a tie of the shorter format, so that the conversion to float
/// then rounds as the exact value would (Boldo and Melquiond, 2008), subnormal results included. Nothing can overflow or
/// underflow in double: products of floats lie in [2^−298, 2^256]. An infinite or NaN sum has a NaN error, which adjusts nothing.
/// </remarks>
internal static class EmulatedFma
{
    /// <summary>Four lanes, from SSE2 operations alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Invoke(Vector128<float> a, Vector128<float> b, Vector128<float> c)
    {
        Vector128<double> low = SumToOdd(Vector128.WidenLower(a) * Vector128.WidenLower(b), Vector128.WidenLower(c));
        Vector128<double> high = SumToOdd(Vector128.WidenUpper(a) * Vector128.WidenUpper(b), Vector128.WidenUpper(c));
        return Vector128.Narrow(low, high);
    }

    /// <summary>One lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Invoke(float a, float b, float c)
    {
        double product = (double)a * b;
        double sum = product + c;
        double addend = sum - product;
        double error = (product - (sum - addend)) + (c - addend);
        if (error is > 0 or < 0)
        {
            long bits = BitConverter.DoubleToInt64Bits(sum);
            if ((bits & 1) == 0)
            {
                // The bits of a double grow with its magnitude: away from zero where the error has the sum's sign.
                sum = BitConverter.Int64BitsToDouble(bits + (error > 0 == sum > 0 ? 1 : -1));
            }
        }

        return (float)sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> SumToOdd(Vector128<double> product, Vector128<double> c)
    {
        Vector128<double> sum = product + c;
        Vector128<double> addend = sum - product;
        Vector128<double> error = (product - (sum - addend)) + (c - addend);
        Vector128<long> bits = sum.AsInt64();
        Vector128<long> inexact = Vector128.GreaterThan(Vector128.Abs(error), Vector128<double>.Zero).AsInt64();
        Vector128<long> moves = Vector128.AndNot(inexact & Vector128<long>.One, bits);
        Vector128<long> inwards = moves & Vector128.ShiftRightLogical(error.AsInt64() ^ bits, 63);
        return (bits + moves - (inwards + inwards)).AsDouble();
    }
}
