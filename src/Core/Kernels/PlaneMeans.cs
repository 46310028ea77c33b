using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Sums and means of each plane of some images: a sum in 16 virtual lanes (<see cref="RowKernels"/>), for a mean divided once.</summary>
public static class PlaneMeans
{
    /// <summary>sum ← sum + Σ x, for each plane.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[planes, plane].</param>
    /// <param name="plane">The elements of a plane, at least 1.</param>
    /// <param name="sum">[planes].</param>
    public static void AddSums(VectorUnit unit, ReadOnlySpan<float> x, int plane, Span<float> sum)
    {
        Invariant.Holds(plane > 0 && (long)sum.Length * plane == x.Length);
        Kernel kernel = new() { X = x, Sum = sum, Plane = plane };
        unit.Run(ref kernel);
    }

    /// <summary>y = Σ x ÷ plane.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[planes, plane].</param>
    /// <param name="plane">The elements of a plane, at least 1.</param>
    /// <param name="y">[planes].</param>
    public static void Forward(VectorUnit unit, ReadOnlySpan<float> x, int plane, Span<float> y)
    {
        // A sum is never −0, so that +0 before it changes no bit.
        y.Clear();
        AddSums(unit, x, plane, y);
        foreach (ref float mean in y)
        {
            mean /= plane;
        }
    }

    /// <summary>dx = dy ÷ plane, for each element of the plane.</summary>
    public static void Backward(ReadOnlySpan<float> dy, int plane, Span<float> dx)
    {
        Invariant.Holds(plane > 0 && (long)dy.Length * plane == dx.Length);
        for (int index = 0; index < dy.Length; index++)
        {
            dx.Slice(index * plane, plane).Fill(dy[index] / plane);
        }
    }

    private ref struct Kernel : IKernel
    {
        public ReadOnlySpan<float> X;
        public Span<float> Sum;
        public int Plane;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int index = 0; index < Sum.Length; index++)
            {
                Sum[index] += RowSums.Sum<TVector, TOps>(X.Slice(index * Plane, Plane));
            }
        }
    }
}
