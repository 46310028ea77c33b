using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

// Leaky ReLU, GELU and SiLU, for one vector.
public static partial class Elementwise
{
    // y = x and x = dy alike: the second vector, scaled where the first is below 0.
    private readonly struct LeakyReluMap(float slope) : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector value)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Select(TOps.LessThan(x, TOps.Zero), TOps.Multiply(value, TOps.Broadcast(slope)), value);
    }

    private readonly struct GeluMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Gelu<TVector, TOps>(x);
    }

    private readonly struct SiluMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Silu<TVector, TOps>(x);
    }

    private readonly struct GeluBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(dy, VectorFunctions.GeluDerivative<TVector, TOps>(x));
    }

    private readonly struct SiluBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(dy, VectorFunctions.SiluDerivative<TVector, TOps>(x));
    }
}
