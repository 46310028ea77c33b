using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The bit patterns by which vector operations build and take apart floats exactly.</summary>
internal static class FloatBits
{
    /// <summary>The stored bits of a mantissa.</summary>
    public const int MantissaBits = 23;

    /// <summary>The stored bits of a mantissa, set.</summary>
    public const int MantissaMask = 0x007F_FFFF;

    /// <summary>1.0f.</summary>
    public const int One = 0x3F80_0000;

    /// <summary>2^23: or-ing an integer below 2^23 into it gives the float 2^23 + integer.</summary>
    public const int IntegerOrigin = 0x4B00_0000;

    /// <summary>2^23 + 127, which takes a stored exponent above <see cref="IntegerOrigin"/> to the unbiased one.</summary>
    public const float ExponentBias = 8_388_608f + 127f;

    /// <summary>1.5 · 2^23 + 127: after adding it, the low bits of the float are the biased exponent k + 127.</summary>
    public const float PowerBias = 12_582_912f + 127f;

    /// <summary>The least normal number, 2^−126: smaller ones are subnormal.</summary>
    public const float LeastNormal = 1.17549435e-38f;

    /// <summary>Every bit but the sign's: and-ing it gives the absolute value.</summary>
    public static float Magnitude => BitConverter.Int32BitsToSingle(int.MaxValue);

    /// <summary>All ones where <paramref name="condition"/> holds, else all zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Mask(bool condition) => BitConverter.Int32BitsToSingle(condition ? -1 : 0);
}
