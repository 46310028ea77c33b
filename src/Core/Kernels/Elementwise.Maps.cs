using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

// The functions themselves, for one vector.
public static partial class Elementwise
{
    private readonly struct AddMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Add(a, b);
    }

    private readonly struct SubtractMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Subtract(a, b);
    }

    private readonly struct MultiplyMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(a, b);
    }

    private readonly struct ScaleMap(float scalar) : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(x, TOps.Broadcast(scalar));
    }

    private readonly struct DivideMap(float scalar) : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Divide(x, TOps.Broadcast(scalar));
    }

    private readonly struct ReluMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Select(TOps.LessThan(x, TOps.Zero), TOps.Zero, x);
    }

    private readonly struct ReluBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Select(TOps.LessThan(x, TOps.Zero), TOps.Zero, dy);
    }

    private readonly struct MaxMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector a, TVector b)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Select(TOps.GreaterThan(a, b), a, b);
    }

    private readonly struct ExpMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Exp<TVector, TOps>(x);
    }

    private readonly struct LogMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Log<TVector, TOps>(x);
    }

    private readonly struct SigmoidMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Sigmoid<TVector, TOps>(x);
    }

    private readonly struct TanhMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Tanh<TVector, TOps>(x);
    }

    private readonly struct SoftplusMap : IMap1
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Softplus<TVector, TOps>(x);
    }

    private readonly struct SigmoidBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector y, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(dy, TOps.Multiply(y, TOps.Subtract(TOps.Broadcast(1f), y)));
    }

    private readonly struct TanhBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector y, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(dy, TOps.FusedMultiplyAdd(TOps.Xor(y, TOps.Broadcast(-0f)), y, TOps.Broadcast(1f)));
    }

    private readonly struct SoftplusBackwardMap : IMap2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector dy)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Multiply(dy, VectorFunctions.Sigmoid<TVector, TOps>(x));
    }
}
