using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Transcendental functions whose bits are the same on every machine. The float ones are the scalar twins of <see cref="VectorFunctions"/> (the
/// same bits, the same error bounds); the double ones, in the other part of this class, serve schedules and initialisation.</summary>
public static partial class CanonicalFunctions
{
    private interface IFunction
    {
        static abstract TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>;
    }

    /// <summary>e^x; see <see cref="VectorFunctions.Exp"/>.</summary>
    public static float Exp(float x) => Evaluate<ExpFunction>(x);

    /// <summary>ln x; see <see cref="VectorFunctions.Log"/>.</summary>
    public static float Log(float x) => Evaluate<LogFunction>(x);

    /// <summary>ln(1 + x); see <see cref="VectorFunctions.Log1p"/>.</summary>
    public static float Log1p(float x) => Evaluate<Log1pFunction>(x);

    /// <summary>1 ÷ (1 + e^−x); see <see cref="VectorFunctions.Sigmoid"/>.</summary>
    public static float Sigmoid(float x) => Evaluate<SigmoidFunction>(x);

    /// <summary>tanh x; see <see cref="VectorFunctions.Tanh"/>.</summary>
    public static float Tanh(float x) => Evaluate<TanhFunction>(x);

    /// <summary>ln(1 + e^x); see <see cref="VectorFunctions.Softplus"/>.</summary>
    public static float Softplus(float x) => Evaluate<SoftplusFunction>(x);

    /// <summary>x · Φ(x); see <see cref="VectorFunctions.Gelu"/>.</summary>
    public static float Gelu(float x) => Evaluate<GeluFunction>(x);

    /// <summary>The derivative of <see cref="Gelu"/>; see <see cref="VectorFunctions.GeluDerivative"/>.</summary>
    public static float GeluDerivative(float x) => Evaluate<GeluDerivativeFunction>(x);

    /// <summary>x ÷ (1 + e^−x); see <see cref="VectorFunctions.Silu"/>.</summary>
    public static float Silu(float x) => Evaluate<SiluFunction>(x);

    /// <summary>The derivative of <see cref="Silu"/>; see <see cref="VectorFunctions.SiluDerivative"/>.</summary>
    public static float SiluDerivative(float x) => Evaluate<SiluDerivativeFunction>(x);

    private static float Evaluate<TFunction>(float x)
        where TFunction : struct, IFunction => TFunction.Invoke<float, OpsScalar>(x);

    private readonly struct ExpFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Exp<TVector, TOps>(x);
    }

    private readonly struct LogFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Log<TVector, TOps>(x);
    }

    private readonly struct Log1pFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Log1p<TVector, TOps>(x);
    }

    private readonly struct SigmoidFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Sigmoid<TVector, TOps>(x);
    }

    private readonly struct TanhFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Tanh<TVector, TOps>(x);
    }

    private readonly struct SoftplusFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Softplus<TVector, TOps>(x);
    }

    private readonly struct GeluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Gelu<TVector, TOps>(x);
    }

    private readonly struct GeluDerivativeFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.GeluDerivative<TVector, TOps>(x);
    }

    private readonly struct SiluFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.Silu<TVector, TOps>(x);
    }

    private readonly struct SiluDerivativeFunction : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector, TOps>(TVector x)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => VectorFunctions.SiluDerivative<TVector, TOps>(x);
    }
}
