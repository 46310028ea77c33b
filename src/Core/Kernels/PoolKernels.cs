using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>Pools over windows of each of some planes, [planes, rows, columns]. Padding is never seen: the maximum is that of the window's elements, and adding +0 changes no sum.</summary>
/// <remarks>An input gradient is a sum over the outputs whose window holds the element, in their index order, from +0. A window of 2 × 2 at a stride of 2 runs in vectors, and so does any
/// maximum at a stride of 1 or 2 of a window that a byte can name the taps of, with the same bits.</remarks>
public static class PoolKernels
{
    // Taps that a byte can name.
    private const int ByteTaps = 256;

    /// <summary>The floats that keep the places of <paramref name="outputs"/> maxima: a byte each, or an integer where the window has more than 256 taps.</summary>
    public static int PlaceFloats(PlaneWindow window, int outputs) => window.Taps <= ByteTaps ? (outputs + 3) / 4 : outputs;

    /// <summary>The greatest element of each window; of equal ones the first in index order gets the gradient, and NaN is greater than all.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="window">The window; each place of it holds an element.</param>
    /// <param name="x">The input's planes.</param>
    /// <param name="y">The output's planes.</param>
    /// <param name="places">Which tap each output came from; <see cref="PlaceFloats"/> floats.</param>
    public static void Maximum(VectorUnit unit, PlaneWindow window, ReadOnlySpan<float> x, Span<float> y, Span<float> places)
    {
        Check(window, x.Length, y.Length);
        Invariant.Holds(places.Length == PlaceFloats(window, y.Length));
        if (window.IsHalving)
        {
            HalvingForward<GreatestOfFour> kernel = new() { Window = window, X = x, Y = y, Places = MemoryMarshal.AsBytes(places) };
            unit.For(window.Columns.Output).Run(ref kernel);
        }
        else if (window.Taps <= ByteTaps)
        {
            MaximumForward kernel = new() { Window = window, X = x, Y = y, Places = MemoryMarshal.AsBytes(places) };
            unit.Run(ref kernel);
        }
        else
        {
            MaximumOfLarge(window, x, y, MemoryMarshal.Cast<float, int>(places));
        }
    }

    /// <summary>The greatest element of each window of max(x, 0), for a window of 2 × 2 at a stride of 2 (<see cref="PlaneWindow.IsHalving"/>): what <see cref="Elementwise.Relu"/> and <see cref="Maximum"/>
    /// give one after the other, and places by which <see cref="MaximumBackward(VectorUnit, PlaneWindow, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float})"/> gives the gradient by x.</summary>
    /// <inheritdoc cref="Maximum" path="/param"/>
    public static void MaximumOfRelu(VectorUnit unit, PlaneWindow window, ReadOnlySpan<float> x, Span<float> y, Span<float> places)
    {
        Check(window, x.Length, y.Length);
        Invariant.Holds(window.IsHalving && places.Length == PlaceFloats(window, y.Length));
        HalvingForward<GreatestOfFourRelus> kernel = new() { Window = window, X = x, Y = y, Places = MemoryMarshal.AsBytes(places) };
        unit.For(window.Columns.Output).Run(ref kernel);
    }

    /// <summary>The way back of <see cref="Maximum(VectorUnit, PlaneWindow, ReadOnlySpan{float}, Span{float}, Span{float})"/>.</summary>
    public static void MaximumBackward(VectorUnit unit, PlaneWindow window, ReadOnlySpan<float> dy, ReadOnlySpan<float> places, Span<float> dx)
    {
        Check(window, dx.Length, dy.Length);
        Invariant.Holds(places.Length == PlaceFloats(window, dy.Length));
        if (window.IsHalving)
        {
            HalvingBackward<GreatestOfFour> kernel = new() { Window = window, OutputGradient = dy, Places = MemoryMarshal.AsBytes(places), InputGradient = dx };
            unit.For(window.Columns.Output).Run(ref kernel);
        }
        else if (window.Taps <= ByteTaps)
        {
            MaximumBackward(window, dy, MemoryMarshal.AsBytes(places), dx);
        }
        else
        {
            MaximumOfLargeBackward(window, dy, MemoryMarshal.Cast<float, int>(places), dx);
        }
    }

    /// <summary>The mean of each window: a chain of additions over its elements in index order, from +0, divided once.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="window">The window.</param>
    /// <param name="countPadding">Whether padding counts in the divisor.</param>
    /// <param name="x">The input's planes.</param>
    /// <param name="y">The output's planes.</param>
    public static void Mean(VectorUnit unit, PlaneWindow window, bool countPadding, ReadOnlySpan<float> x, Span<float> y)
    {
        Check(window, x.Length, y.Length);
        if (window.IsHalving)
        {
            HalvingForward<MeanOfFour> kernel = new() { Window = window, X = x, Y = y };
            unit.For(window.Columns.Output).Run(ref kernel);
            return;
        }

        int output = 0, rows = window.Rows.Output, columns = window.Columns.Output;
        for (int origin = 0; origin < x.Length; origin += window.Plane)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    Taps taps = new(window, row, column);
                    float sum = 0;
                    for (int down = taps.Top; down < taps.Bottom; down++)
                    {
                        for (int along = taps.Left; along < taps.Right; along++)
                        {
                            sum += x[origin + taps.Element(window, down, along)];
                        }
                    }

                    y[output++] = sum / (countPadding ? window.Taps : taps.Count);
                }
            }
        }
    }

    /// <summary>The way back of <see cref="Mean"/>: each element of a window gets the gradient divided by the same number.</summary>
    public static void MeanBackward(VectorUnit unit, PlaneWindow window, bool countPadding, ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check(window, dx.Length, dy.Length);
        if (window.IsHalving)
        {
            HalvingBackward<MeanOfFour> kernel = new() { Window = window, OutputGradient = dy, InputGradient = dx };
            unit.For(window.Columns.Output).Run(ref kernel);
            return;
        }

        dx.Clear();
        int output = 0, rows = window.Rows.Output, columns = window.Columns.Output;
        for (int origin = 0; origin < dx.Length; origin += window.Plane)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    Taps taps = new(window, row, column);
                    float share = dy[output++] / (countPadding ? window.Taps : taps.Count);
                    for (int down = taps.Top; down < taps.Bottom; down++)
                    {
                        for (int along = taps.Left; along < taps.Right; along++)
                        {
                            dx[origin + taps.Element(window, down, along)] += share;
                        }
                    }
                }
            }
        }
    }

    private static void MaximumOfLarge(PlaneWindow window, ReadOnlySpan<float> x, Span<float> y, Span<int> places)
    {
        int output = 0, rows = window.Rows.Output, columns = window.Columns.Output;
        for (int origin = 0; origin < x.Length; origin += window.Plane)
        {
            for (int row = 0; row < rows; row++)
            {
                int start = origin + (window.Rows.Start(row) * window.Columns.Input);
                for (int column = 0; column < columns; column++, output++)
                {
                    y[output] = MaximumForward.Maximum(window, x, row, column, start, out places[output]);
                }
            }
        }
    }

    private static void MaximumOfLargeBackward(PlaneWindow window, ReadOnlySpan<float> dy, ReadOnlySpan<int> places, Span<float> dx)
    {
        dx.Clear();
        int output = 0, rows = window.Rows.Output, columns = window.Columns.Output;
        for (int origin = 0; origin < dx.Length; origin += window.Plane)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++, output++)
                {
                    dx[origin + window.Element(row, column, places[output])] += dy[output];
                }
            }
        }
    }

    // The elements of all taps come from a table.
    private static void MaximumBackward(PlaneWindow window, ReadOnlySpan<float> dy, ReadOnlySpan<byte> places, Span<float> dx)
    {
        Span<int> elements = stackalloc int[ByteTaps];
        for (int tap = 0; tap < window.Taps; tap++)
        {
            elements[tap] = window.Element(0, 0, tap);
        }

        dx.Clear();
        int output = 0, rows = window.Rows.Output, columns = window.Columns.Output;
        for (int origin = 0; origin < dx.Length; origin += window.Plane)
        {
            for (int row = 0; row < rows; row++)
            {
                int start = origin + (row * window.Rows.Stride * window.Columns.Input);
                for (int column = 0; column < columns; column++, output++, start += window.Columns.Stride)
                {
                    dx[start + elements[places[output]]] += dy[output];
                }
            }
        }
    }

    private static void Check(PlaneWindow window, int input, int output) =>
        Invariant.Holds(window.OutputPlane > 0 && input % window.Plane == 0 && (long)input / window.Plane * window.OutputPlane == output);

    /// <summary>The taps of one place of the window that lie on elements.</summary>
    private readonly struct Taps(PlaneWindow window, int row, int column)
    {
        private readonly int start = (window.Rows.Start(row) * window.Columns.Input) + window.Columns.Start(column);

        public int Top { get; } = window.Rows.FirstTap(row);

        public int Bottom { get; } = window.Rows.EndTap(row);

        public int Left { get; } = window.Columns.FirstTap(column);

        public int Right { get; } = window.Columns.EndTap(column);

        public int Count => (Bottom - Top) * (Right - Left);

        /// <summary>The element under a tap, counted from the plane's first.</summary>
        public int Element(PlaneWindow window, int down, int along) => start + (down * window.Rows.Dilation * window.Columns.Input) + (along * window.Columns.Dilation);
    }
}
