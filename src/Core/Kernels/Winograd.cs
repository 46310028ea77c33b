using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>Winograd's minimal filtering F(2×2, 3×3): tiles of 2 × 2 outputs are computed from 4 × 4 inputs with 16 multiplications a channel instead of 36. Inputs and weights are transformed, multiplied place
/// by place (a matrix product over the channels for each of the 16 places), and transformed back. Each rule acts down the rows first, then along the columns; docs/numerics.md has them as formulas.</summary>
/// <remarks>S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016.</remarks>
internal static unsafe class Winograd
{
    /// <summary>The outputs of a tile along an axis.</summary>
    public const int Step = 2;

    /// <summary>The places of a transformed tile: 4 × 4.</summary>
    public const int Places = 16;

    /// <summary>From one place to the next where each holds <paramref name="length"/> floats: not a power of two, as all places are written side by side and would fall into the same few sets of a cache.</summary>
    public static int Spread(int length) => checked(length + MapKernels.Lanes);

    /// <summary>The tiles that cover an axis.</summary>
    public static int Tiles(int length) => (length / Step) + (length % Step);

    /// <summary>Whether a convolution's three products are computed so. It follows from the shape alone, as it decides the order of sums: one group, a 3 × 3 kernel without stride and dilation, channels and
    /// outputs that fill a vector of 16, and at most three quarters of the multiplications left.</summary>
    public static bool Suits(in ConvolutionShape shape)
    {
        long tiles = (long)Tiles(shape.Rows.Output) * Tiles(shape.Columns.Output);
        return shape.Groups == 1 && shape.Channels >= MapKernels.Lanes && shape.Outputs >= MapKernels.Lanes && IsPlain(shape.Rows) && IsPlain(shape.Columns)
            && 4 * Places * tiles <= 3 * 9 * ((long)shape.Rows.Output * shape.Columns.Output);
    }

    /// <summary>Nine vectors of weights, <paramref name="step"/> apart, to sixteen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TVector, TOps>(float* from, nint step, float* to, nint toStep)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Weights<TVector, TOps>(At(from), At(from + (3 * step)), At(from + (6 * step)), out TVector a0, out TVector a1, out TVector a2, out TVector a3);
        from += step;
        Weights<TVector, TOps>(At(from), At(from + (3 * step)), At(from + (6 * step)), out TVector b0, out TVector b1, out TVector b2, out TVector b3);
        from += step;
        Weights<TVector, TOps>(At(from), At(from + (3 * step)), At(from + (6 * step)), out TVector c0, out TVector c1, out TVector c2, out TVector c3);
        Row(a0, b0, c0, to, toStep);
        Row(a1, b1, c1, to + (4 * toStep), toStep);
        Row(a2, b2, c2, to + (8 * toStep), toStep);
        Row(a3, b3, c3, to + (12 * toStep), toStep);

        static TVector At(float* place) => TOps.Load(in *place, 0);

        static void Row(TVector a, TVector b, TVector c, float* to, nint step)
        {
            Weights<TVector, TOps>(a, b, c, out TVector u0, out TVector u1, out TVector u2, out TVector u3);
            Store<TVector, TOps>(u0, u1, u2, u3, to, step);
        }
    }

    /// <summary>A column of four inputs, down the rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Inputs<TVector, TOps>(TVector d0, TVector d1, TVector d2, TVector d3, out TVector v0, out TVector v1, out TVector v2, out TVector v3)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        v0 = TOps.Subtract(d0, d2);
        v1 = TOps.Add(d1, d2);
        v2 = TOps.Subtract(d2, d1);
        v3 = TOps.Subtract(d1, d3);
    }

    /// <summary>Four vectors of one row of a tile to where their places are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps>(TVector v0, TVector v1, TVector v2, TVector v3, float* to, nint step)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TOps.Store(v0, ref *to, 0);
        TOps.Store(v1, ref *(to + step), 0);
        TOps.Store(v2, ref *(to + (2 * step)), 0);
        TOps.Store(v3, ref *(to + (3 * step)), 0);
    }

    /// <summary>Sixteen vectors of products to the tile's outputs: y with its row, then its column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Outputs<TVector, TOps>(float* products, nint step, out TVector y00, out TVector y01, out TVector y10, out TVector y11)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Column(products, step, out TVector a0, out TVector a1);
        Column(products + step, step, out TVector b0, out TVector b1);
        Column(products + (2 * step), step, out TVector c0, out TVector c1);
        Column(products + (3 * step), step, out TVector d0, out TVector d1);
        Two(a0, b0, c0, d0, out y00, out y01);
        Two(a1, b1, c1, d1, out y10, out y11);

        static void Column(float* from, nint step, out TVector y0, out TVector y1) =>
            Two(TOps.Load(in *from, 0), TOps.Load(in *(from + (4 * step)), 0), TOps.Load(in *(from + (8 * step)), 0), TOps.Load(in *(from + (12 * step)), 0), out y0, out y1);

        static void Two(TVector m0, TVector m1, TVector m2, TVector m3, out TVector y0, out TVector y1)
        {
            y0 = TOps.Add(TOps.Add(m0, m1), m2);
            y1 = TOps.Subtract(TOps.Subtract(m1, m2), m3);
        }
    }

    /// <summary>A tile's output gradients to sixteen vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradients<TVector, TOps>(TVector y00, TVector y01, TVector y10, TVector y11, float* to, nint step)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Row(y00, y01, to, step);
        Row(TOps.Add(y00, y10), TOps.Add(y01, y11), to + (4 * step), step);
        Row(TOps.Subtract(y00, y10), TOps.Subtract(y01, y11), to + (8 * step), step);
        Row(TOps.Subtract(TOps.Zero, y10), TOps.Subtract(TOps.Zero, y11), to + (12 * step), step);

        static void Row(TVector y0, TVector y1, float* to, nint step) =>
            Store<TVector, TOps>(y0, TOps.Add(y0, y1), TOps.Subtract(y0, y1), TOps.Subtract(TOps.Zero, y1), to, step);
    }

    /// <summary>Sixteen vectors of gradients of transformed weights to the gradients of the nine weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightGradients<TVector, TOps>(float* from, nint step, float* to, nint toStep)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        Column(from, step, out TVector a0, out TVector a1, out TVector a2);
        Column(from + step, step, out TVector b0, out TVector b1, out TVector b2);
        Column(from + (2 * step), step, out TVector c0, out TVector c1, out TVector c2);
        Column(from + (3 * step), step, out TVector d0, out TVector d1, out TVector d2);
        Row(a0, b0, c0, d0, to, toStep);
        Row(a1, b1, c1, d1, to + (3 * toStep), toStep);
        Row(a2, b2, c2, d2, to + (6 * toStep), toStep);

        static void Column(float* from, nint step, out TVector r0, out TVector r1, out TVector r2) =>
            Three(TOps.Load(in *from, 0), TOps.Load(in *(from + (4 * step)), 0), TOps.Load(in *(from + (8 * step)), 0), TOps.Load(in *(from + (12 * step)), 0), out r0, out r1, out r2);

        static void Row(TVector w0, TVector w1, TVector w2, TVector w3, float* to, nint step)
        {
            Three(w0, w1, w2, w3, out TVector r0, out TVector r1, out TVector r2);
            TOps.Store(r0, ref *to, 0);
            TOps.Store(r1, ref *(to + step), 0);
            TOps.Store(r2, ref *(to + (2 * step)), 0);
        }

        static void Three(TVector w0, TVector w1, TVector w2, TVector w3, out TVector r0, out TVector r1, out TVector r2)
        {
            TVector half = TOps.Broadcast(0.5f);
            TVector mean = TOps.Multiply(half, TOps.Add(w1, w2));
            r0 = TOps.Add(w0, mean);
            r1 = TOps.Multiply(half, TOps.Subtract(w1, w2));
            r2 = TOps.Add(mean, w3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weights<TVector, TOps>(TVector g0, TVector g1, TVector g2, out TVector u0, out TVector u1, out TVector u2, out TVector u3)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector half = TOps.Broadcast(0.5f);
        TVector ends = TOps.Add(g0, g2);
        u0 = g0;
        u1 = TOps.Multiply(half, TOps.Add(ends, g1));
        u2 = TOps.Multiply(half, TOps.Subtract(ends, g1));
        u3 = g2;
    }

    private static bool IsPlain(in WindowAxis axis) => axis is { Kernel: 3, Stride: 1, Dilation: 1 };
}
