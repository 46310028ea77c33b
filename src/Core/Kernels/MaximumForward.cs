using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>The greater of two elements and the tap it came from: the first in index order at a tie; NaN wins over all.</summary>
internal static class Greatest
{
    /// <summary>The best so far or the next element, x of a tap; place has the bits of the best one's tap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Of<TVector, TOps>(TVector best, TVector x, int tap, ref TVector place)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        TVector here = TOps.Broadcast(BitConverter.Int32BitsToSingle(tap));
        TVector greater = TOps.GreaterThan(x, best), isNumber = TOps.EqualTo(x, x);
        place = TOps.Select(isNumber, TOps.Select(greater, here, place), here);
        return TOps.Select(isNumber, TOps.Select(greater, x, best), x);
    }
}

/// <summary>The maximum of windows of any size over the planes of one sample: the columns whose window lies inside the image in vectors (at a stride of 1 or 2), the others one by one.</summary>
/// <remarks>A vector may reach beyond its row: what it writes there is written again, rightly, by what comes after it.</remarks>
internal ref struct MaximumForward : IKernel
{
    public PlaneWindow Window;
    public ReadOnlySpan<float> X;
    public Span<float> Y;
    public Span<byte> Places;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        WindowAxis columns = Window.Columns;
        bool inVectors = columns.Stride <= 2;
        int left = inVectors ? Math.Min((columns.Before + columns.Stride - 1) / columns.Stride, columns.Output) : columns.Output;
        int right = Math.Max(left, inVectors ? (int)Math.Min((columns.Input + columns.Before - columns.Reach - 1 + columns.Stride) / columns.Stride, columns.Output) : 0);
        int output = 0;
        for (int origin = 0; origin < X.Length; origin += Window.Plane)
        {
            for (int row = 0; row < Window.Rows.Output; row++, output += columns.Output)
            {
                int top = Window.Rows.FirstTap(row), bottom = Window.Rows.EndTap(row);
                int start = origin + (Window.Rows.Start(row) * columns.Input);
                int lastRead = start + ((bottom - 1) * Window.Rows.Dilation * columns.Input) + ((columns.Kernel - 1) * columns.Dilation) + (columns.Stride * TOps.Count);
                Plain(row, 0, left, start, output);
                int column = left;
                for (; column < right && output + column + TOps.Count <= Y.Length && lastRead + columns.Start(column) <= X.Length; column += TOps.Count)
                {
                    Pool<TVector, TOps>(start + columns.Start(column), top, bottom, output + column);
                }

                Plain(row, Math.Min(column, right), columns.Output, start, output);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Pool<TVector, TOps>(int start, int top, int bottom, int output)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        ref float x = ref MemoryMarshal.GetReference(X);
        int kernel = Window.Columns.Kernel;
        TVector best = TOps.Broadcast(float.NegativeInfinity);
        TVector place = TOps.Broadcast(BitConverter.Int32BitsToSingle(top * kernel));
        for (int down = top; down < bottom; down++)
        {
            nint element = start + (down * Window.Rows.Dilation * Window.Columns.Input);
            for (int along = 0; along < kernel; along++, element += Window.Columns.Dilation)
            {
                TVector value = TOps.Load(in x, (nuint)element);
                if (Window.Columns.Stride == 2)
                {
                    value = TOps.Even(value, TOps.Load(in x, (nuint)(element + TOps.Count)));
                }

                best = Greatest.Of<TVector, TOps>(best, value, (down * kernel) + along, ref place);
            }
        }

        TOps.Store(best, ref MemoryMarshal.GetReference(Y), (nuint)output);
        TOps.StoreBytes(place, ref MemoryMarshal.GetReference(Places), (nuint)output);
    }

    private readonly void Plain(int row, int from, int to, int start, int output)
    {
        for (int column = from; column < to; column++)
        {
            Y[output + column] = Maximum(Window, X, row, column, start, out int place);
            Places[output + column] = (byte)place;
        }
    }

    /// <summary>One window's greatest element and its tap.</summary>
    /// <param name="window">The window.</param>
    /// <param name="x">The sample.</param>
    /// <param name="row">The output's row.</param>
    /// <param name="column">The output's column.</param>
    /// <param name="start">The element under the left end of the window's first row, before the columns' part.</param>
    /// <param name="place">The tap.</param>
    public static float Maximum(PlaneWindow window, ReadOnlySpan<float> x, int row, int column, int start, out int place)
    {
        int top = window.Rows.FirstTap(row), bottom = window.Rows.EndTap(row), left = window.Columns.FirstTap(column), right = window.Columns.EndTap(column);
        start += window.Columns.Start(column);
        float best = float.NegativeInfinity;
        place = (top * window.Columns.Kernel) + left;
        for (int down = top; down < bottom; down++)
        {
            for (int along = left; along < right; along++)
            {
                float value = x[start + (down * window.Rows.Dilation * window.Columns.Input) + (along * window.Columns.Dilation)];
                if (value > best || float.IsNaN(value))
                {
                    best = value;
                    place = (down * window.Columns.Kernel) + along;
                }
            }
        }

        return best;
    }
}
