using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>What is done at one place of some arrays of equal length, for a vector of places.</summary>
internal interface IPlaceRule
{
    void Invoke<TVector, TOps>(nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Drives a rule along its arrays; the places that fill no vector go one by one, by the same operations.</summary>
internal static class EachPlace
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TOps, TRule>(TRule rule, int count)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TRule : struct, IPlaceRule
    {
        nuint length = (nuint)count, width = (nuint)TOps.Count, index = 0;
        for (; index + width <= length; index += width)
        {
            rule.Invoke<TVector, TOps>(index);
        }

        for (; index < length; index++)
        {
            rule.Invoke<float, OpsScalar>(index);
        }
    }
}
