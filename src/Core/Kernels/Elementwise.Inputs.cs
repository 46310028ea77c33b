using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

// On the way in: normalisation by column.
public static partial class Elementwise
{
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
        NormalizeKernel kernel = new() { X = x, Mean = mean, Denominator = denominator, Y = y };
        unit.Run(ref kernel);
    }

    private ref struct NormalizeKernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public ReadOnlySpan<float> Mean;
        public ReadOnlySpan<float> Denominator;
        public Span<float> Y;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float mean = ref MemoryMarshal.GetReference(Mean);
            ref float denominator = ref MemoryMarshal.GetReference(Denominator);
            nuint columns = (nuint)Mean.Length, width = (nuint)TOps.Count;
            for (nuint start = 0; start < (nuint)Y.Length; start += columns)
            {
                ref float x = ref Unsafe.Add(ref MemoryMarshal.GetReference(X), start);
                ref float y = ref Unsafe.Add(ref MemoryMarshal.GetReference(Y), start);
                nuint column = 0;
                for (; column + width <= columns; column += width)
                {
                    TVector difference = TOps.Subtract(TOps.Load(in x, column), TOps.Load(in mean, column));
                    TOps.Store(TOps.Divide(difference, TOps.Load(in denominator, column)), ref y, column);
                }

                // One element's difference and quotient are rounded as a lane's are.
                for (; column < columns; column++)
                {
                    Unsafe.Add(ref y, column) = (Unsafe.Add(ref x, column) - Unsafe.Add(ref mean, column)) / Unsafe.Add(ref denominator, column);
                }
            }
        }
    }
}
