using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The output of a norm, y = fma(x − mean, factor, bias), for a plane that has one of each.</summary>
internal unsafe struct PlaneApplyRule : IPlaceRule
{
    public float* X;
    public float* Y;
    public float Mean;
    public float Factor;
    public float Bias;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Invoke<TVector, TOps>(nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Broadcast(Mean));
        TOps.Store(TOps.FusedMultiplyAdd(d, TOps.Broadcast(Factor), TOps.Broadcast(Bias)), ref *Y, index);
    }
}

/// <summary>The input gradient of a norm, dx = fma(x − mean, slope, dy · weight − shift) · factor, for a plane that has one of each.</summary>
internal unsafe struct PlaneGradientRule : IPlaceRule
{
    public float* X;
    public float* Dy;
    public float* Dx;
    public float Mean;
    public float Factor;
    public float Weight;
    public float Shift;
    public float Slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Invoke<TVector, TOps>(nuint index)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector d = TOps.Subtract(TOps.Load(in *X, index), TOps.Broadcast(Mean));
        TVector centred = TOps.Subtract(TOps.Multiply(TOps.Load(in *Dy, index), TOps.Broadcast(Weight)), TOps.Broadcast(Shift));
        TOps.Store(TOps.Multiply(TOps.FusedMultiplyAdd(d, TOps.Broadcast(Slope), centred), TOps.Broadcast(Factor)), ref *Dx, index);
    }
}
