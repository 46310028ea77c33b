using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

// On the way in: bytes to floats, normalisation by column.
public static partial class Elementwise
{
    /// <summary>y = bytes, as floats 0 … 255.</summary>
    public static void BytesToFloats(VectorUnit unit, ReadOnlySpan<byte> bytes, Span<float> y)
    {
        Invariant.Holds(bytes.Length == y.Length);
        BytesKernel kernel = new() { Bytes = bytes, Y = y };
        unit.Run(ref kernel);
    }

    /// <summary>y = (x − mean) ÷ denominator, column by column.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[rows, columns].</param>
    /// <param name="mean">[columns].</param>
    /// <param name="denominator">[columns]; max(σ, ε).</param>
    /// <param name="y">[rows, columns]; may be <paramref name="x"/>.</param>
    public static void Normalize(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> denominator, Span<float> y)
    {
        int columns = mean.Length;
        Invariant.Holds(columns > 0 && denominator.Length == columns && x.Length == y.Length && x.Length % columns == 0);
        for (int start = 0; start < x.Length; start += columns)
        {
            MapKernels.Run(unit, default(NormalizeMap), x.Slice(start, columns), mean, denominator, y.Slice(start, columns));
        }
    }

    private ref struct BytesKernel : IKernel
    {
        public ReadOnlySpan<byte> Bytes;
        public Span<float> Y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref byte bytes = ref MemoryMarshal.GetReference(Bytes);
            ref float y = ref MemoryMarshal.GetReference(Y);
            nuint length = (nuint)Y.Length, width = (nuint)TOps.Count, index = 0;
            for (; index + width <= length; index += width)
            {
                TOps.Store(TOps.LoadBytes(in bytes, index), ref y, index);
            }

            for (; index < length; index++)
            {
                Y[(int)index] = Bytes[(int)index];
            }
        }
    }

    private readonly struct NormalizeMap : IMap3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Invoke<TVector, TOps>(TVector x, TVector mean, TVector denominator)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Divide(TOps.Subtract(x, mean), denominator);
    }
}
