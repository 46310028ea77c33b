using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>What is done at one place of some arrays of equal length, for a vector of places.</summary>
internal interface IColumnRule
{
    void Invoke<TVector, TOps>(nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Drives a rule along its arrays; the places that fill no vector go one by one, by the same operations.</summary>
internal static class Columns
{
    /// <summary>a · b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FusedMultiplyAdd(float a, float b, float c) =>
        VectorUnit.HardwareFusedMultiplyAdd ? OpsScalar.FusedMultiplyAdd(a, b, c) : OpsScalarEmulated.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Each<TVector, TOps, TRule>(TRule rule, int count)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRule : struct, IColumnRule
    {
        nuint length = (nuint)count, width = (nuint)TOps.Count, index = 0;
        for (; index + width <= length; index += width)
        {
            rule.Invoke<TVector, TOps>(index);
        }

        for (; index < length; index++)
        {
            if (VectorUnit.HardwareFusedMultiplyAdd)
            {
                rule.Invoke<float, OpsScalar>(index);
            }
            else
            {
                rule.Invoke<float, OpsScalarEmulated>(index);
            }
        }
    }
}
