using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>A function of one vector, lane by lane.</summary>
internal interface IMap1
{
    TVector Invoke<TVector, TOps>(TVector x)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>A function of two vectors, lane by lane.</summary>
internal interface IMap2
{
    TVector Invoke<TVector, TOps>(TVector a, TVector b)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Drivers of elementwise functions. A tail shorter than the vector goes through a small buffer on the stack, so that it takes the same operations.
/// The loops are compiled optimised from the first call on, since the first steps of a run count too.</summary>
internal static class MapKernels
{
    /// <summary>The virtual width that blocks and tails are cut by, whatever the hardware's.</summary>
    public const int Lanes = 16;

    /// <summary>A number of floats as whole vectors.</summary>
    public static int Padded(int count) => (count + Lanes - 1) / Lanes * Lanes;

    public static void Run<TMap>(VectorUnit unit, TMap map, ReadOnlySpan<float> x, Span<float> y)
        where TMap : struct, IMap1
    {
        Invariant.Holds(x.Length == y.Length);
        Map1Kernel<TMap> kernel = new() { Map = map, X = x, Y = y };
        unit.Run(ref kernel);
    }

    public static void Run<TMap>(VectorUnit unit, TMap map, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
        where TMap : struct, IMap2
    {
        Invariant.Holds(a.Length == y.Length && b.Length == y.Length);
        Map2Kernel<TMap> kernel = new() { Map = map, A = a, B = b, Y = y };
        unit.Run(ref kernel);
    }

    private ref struct Map1Kernel<TMap> : IKernel
        where TMap : struct, IMap1
    {
        public TMap Map;
        public ReadOnlySpan<float> X;
        public Span<float> Y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float x = ref MemoryMarshal.GetReference(X);
            ref float y = ref MemoryMarshal.GetReference(Y);
            TMap map = Map;
            nuint length = (nuint)Y.Length, width = (nuint)TOps.Count, index = 0;
            for (; index + width <= length; index += width)
            {
                TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in x, index)), ref y, index);
            }

            if (index < length)
            {
                Span<float> buffer = stackalloc float[Lanes];
                X[(int)index..].CopyTo(buffer);
                ref float tail = ref MemoryMarshal.GetReference(buffer);
                TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in tail, 0)), ref tail, 0);
                buffer[..(int)(length - index)].CopyTo(Y[(int)index..]);
            }
        }
    }

    private ref struct Map2Kernel<TMap> : IKernel
        where TMap : struct, IMap2
    {
        public TMap Map;
        public ReadOnlySpan<float> A;
        public ReadOnlySpan<float> B;
        public Span<float> Y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float a = ref MemoryMarshal.GetReference(A);
            ref float b = ref MemoryMarshal.GetReference(B);
            ref float y = ref MemoryMarshal.GetReference(Y);
            TMap map = Map;
            nuint length = (nuint)Y.Length, width = (nuint)TOps.Count, index = 0;
            for (; index + width <= length; index += width)
            {
                TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in a, index), TOps.Load(in b, index)), ref y, index);
            }

            if (index < length)
            {
                Span<float> buffer = stackalloc float[2 * Lanes];
                A[(int)index..].CopyTo(buffer);
                B[(int)index..].CopyTo(buffer[Lanes..]);
                ref float tail = ref MemoryMarshal.GetReference(buffer);
                TOps.Store(map.Invoke<TVector, TOps>(TOps.Load(in tail, 0), TOps.Load(in tail, Lanes)), ref tail, 0);
                buffer[..(int)(length - index)].CopyTo(Y[(int)index..]);
            }
        }
    }
}
