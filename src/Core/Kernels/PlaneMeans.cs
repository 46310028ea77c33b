using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The mean of each plane of some images: a sum in 16 virtual lanes (<see cref="RowKernels"/>), divided once.</summary>
public static class PlaneMeans
{
    /// <summary>y = Σ x ÷ plane.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="x">[planes, plane].</param>
    /// <param name="plane">The elements of a plane, at least 1.</param>
    /// <param name="y">[planes].</param>
    public static void Forward(VectorUnit unit, ReadOnlySpan<float> x, int plane, Span<float> y)
    {
        Invariant.Holds(plane > 0 && (long)y.Length * plane == x.Length);
        Kernel kernel = new() { X = x, Y = y, Plane = plane };
        unit.Run(ref kernel);
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
        public Span<float> Y;
        public int Plane;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            for (int index = 0; index < Y.Length; index++)
            {
                Y[index] = RowSums.Sum<TVector, TOps>(X.Slice(index * Plane, Plane)) / Plane;
            }
        }
    }
}
