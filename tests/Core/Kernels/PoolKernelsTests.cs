using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

/// <summary>Pools of small images of every size against plain loops in the contract's order: the same bits at every width.</summary>
public sealed class PoolKernelsTests
{
    private const int Planes = 3;

    public static IEnumerable<ITheoryDataRow> Windows =>
        from kernel in (int[])[1, 2, 3, 5]
        from stride in (int[])[1, 2, 3]
        from padding in (int[])[0, 1, 2]
        from dilation in (int[])[1, 2]
        where padding <= kernel / 2 && (kernel > 1 || dilation == 1)
        select new TheoryDataRow<int, int, int, int>(kernel, stride, padding, dilation);

    [Theory]
    [MemberData(nameof(Windows))]
    public void Every_small_image_has_the_bits_of_plain_loops(int kernel, int stride, int padding, int dilation)
    {
        int checkedWindows = 0;
        for (int height = 1; height <= 9; height++)
        {
            for (int width = 1; width <= 9; width++)
            {
                checkedWindows += Check(new PlaneWindow(Axis(height, kernel, stride, padding, dilation), Axis(width, kernel, stride, padding, dilation)), Planes) ? 1 : 0;
            }
        }

        Assert.True(checkedWindows > 0);
    }

    [Fact]
    public void Halving_has_the_bits_of_plain_loops_at_every_size_around_the_vectors_widths()
    {
        foreach (int height in (int[])[2, 3, 4, 5, 7, 8])
        {
            for (int width = 2; width <= 70; width++)
            {
                Assert.True(Check(new PlaneWindow(Axis(height, 2, 2), Axis(width, 2, 2)), Planes));
            }
        }
    }

    [Theory]
    [InlineData(2, 3, 1, 2, 1, 0, 1, 1)]
    [InlineData(3, 2, 2, 1, 0, 1, 2, 1)]
    [InlineData(1, 4, 1, 4, 0, 2, 1, 1)]
    public void Height_and_width_may_differ(int kernelHeight, int kernelWidth, int strideHeight, int strideWidth, int paddingHeight, int paddingWidth, int dilationHeight, int dilationWidth) =>
        Assert.True(Check(new PlaneWindow(Axis(6, kernelHeight, strideHeight, paddingHeight, dilationHeight), Axis(11, kernelWidth, strideWidth, paddingWidth, dilationWidth)), Planes));

    [Fact]
    public void A_window_of_more_taps_than_a_byte_names_works_too() => Assert.True(Check(new PlaneWindow(Axis(20, 17, 2), Axis(19, 18, 1)), 2));

    [Fact]
    public void Of_equal_elements_the_first_in_index_order_gets_the_gradient()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            PlaneWindow window = new(Axis(2, 2, 2), Axis(6, 2, 2));
            float[] y = new float[3], places = new float[1], dx = new float[12];
            PoolKernels.Maximum(unit, window, [1, 1, 0, 2, -0f, 0, 1, 1, 2, 2, 0, -0f], y, places);
            PoolKernels.MaximumBackward(unit, window, [5, 6, 7], places, dx);
            Assert.Equal([1, 2, 0], y);
            Assert.Equal([5, 0, 0, 6, 7, 0, 0, 0, 0, 0, 0, 0], dx);
        }
    }

    [Fact]
    public void The_maximum_of_ReLUs_has_the_bits_of_ReLU_and_maximum_one_after_the_other()
    {
        float[] values = [-1, -0f, 0, 1, 2, float.NaN];
        int cases = values.Length * values.Length * values.Length * values.Length;
        float[] x = new float[4 * cases], dy = new float[cases];
        for (int index = 0; index < cases; index++)
        {
            x[2 * index] = values[index % 6];
            x[(2 * index) + 1] = values[index / 6 % 6];
            x[(2 * cases) + (2 * index)] = values[index / 36 % 6];
            x[(2 * cases) + (2 * index) + 1] = values[index / 216];
            dy[index] = index + 1;
        }

        PlaneWindow window = new(Axis(2, 2, 2), Axis(2 * cases, 2, 2));
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] relu = new float[x.Length], expected = new float[cases], places = new float[PoolKernels.PlaceFloats(window, cases)], back = new float[x.Length];
            Elementwise.Relu(unit, x, relu);
            PoolKernels.Maximum(unit, window, relu, expected, places);
            PoolKernels.MaximumBackward(unit, window, dy, places, back);
            Elementwise.ReluBackward(unit, x, back, back);
            float[] y = Bits.Unwritten(cases), dx = Bits.Unwritten(x.Length);
            places = Bits.Unwritten(places.Length);
            PoolKernels.MaximumOfRelu(unit, window, x, y, places);
            PoolKernels.MaximumBackward(unit, window, dy, places, dx);
            Bits.Equal(expected, y, $"{unit}");
            Bits.Equal(back, dx, $"{unit}, back");
        }
    }

    [Fact]
    public void NaN_wins_and_minus_infinity_everywhere_is_the_first_s()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int kernel in (int[])[2, 3])
            {
                PlaneWindow window = new(Axis(3, kernel, 2), Axis(3, kernel, 2));
                float[] y = new float[1], places = new float[1], dx = new float[9];
                PoolKernels.Maximum(unit, window, [1, float.NaN, 2, 3, 4, 5, 6, 7, 8], y, places);
                Assert.True(float.IsNaN(y[0]));
                PoolKernels.MaximumBackward(unit, window, [1], places, dx);
                Assert.Equal([0, 1, 0, 0, 0, 0, 0, 0, 0], dx);
                float[] low = new float[9];
                Array.Fill(low, float.NegativeInfinity);
                PoolKernels.Maximum(unit, window, low, y, places);
                PoolKernels.MaximumBackward(unit, window, [1], places, dx);
                Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0, 0], dx);
            }
        }
    }

    [Fact]
    public void The_mean_of_a_plane_is_its_sum_in_16_lanes_divided_once()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            for (int plane = 1; plane <= 70; plane++)
            {
                float[] x = new Numbers(plane).Floats(3 * plane), y = new float[3], dx = new float[x.Length];
                PlaneMeans.Forward(unit, x, plane, y);
                Bits.Equal([.. x.Chunk(plane).Select(row => PlainLanes.Sum(row) / plane)], y, $"{unit}, {plane}");
                PlaneMeans.Backward(y, plane, dx);
                Bits.Equal([.. Enumerable.Range(0, x.Length).Select(index => y[index / plane] / plane)], dx, $"{unit}, {plane}");
            }
        }
    }

    [Fact]
    public void Even_and_odd_lanes_are_woven_together_again_at_every_width()
    {
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            float[] x = new Numbers(3).Floats(32), y = new float[32], halves = new float[32];
            byte[] bytes = new byte[16];
            Weave kernel = new() { X = x, Y = y, Halves = halves, Bytes = bytes };
            unit.Run(ref kernel);
            int width = (int)unit.Width;
            Bits.Equal(x.AsSpan(0, 2 * width), y.AsSpan(0, 2 * width), unit.ToString());
            Bits.Equal([.. Enumerable.Range(0, width).Select(lane => x[2 * lane]), .. Enumerable.Range(0, width).Select(lane => x[(2 * lane) + 1])], halves.AsSpan(0, 2 * width), unit.ToString());
            Assert.Equal(x.Take(width).Select(value => (byte)BitConverter.SingleToInt32Bits(value)), bytes.Take(width));
            Assert.All(bytes.Skip(width), value => Assert.Equal(0, value));
        }
    }

    private static WindowAxis Axis(int input, int kernel, int stride, int padding = 0, int dilation = 1) => new(input, kernel, stride, dilation, padding, padding);

    // Whether the window fits; all functions are held to plain loops at every width.
    private static bool Check(PlaneWindow window, int planes)
    {
        (WindowAxis rows, WindowAxis columns) = (window.Rows, window.Columns);
        List<List<(int Tap, int Element)>> places = Places(window, planes);
        if (places.Count == 0 || places.Any(place => place.Count == 0))
        {
            return false;
        }

        Assert.Equal(places.Count, planes * window.OutputPlane);
        Numbers random = new((rows.Input * 100) + columns.Input);
        float[] x = random.Floats(planes * window.Plane), dy = random.Floats(places.Count);
        for (int index = 0; index < x.Length; index++)
        {
            x[index] = index % 5 == 0 ? 1 : index % 7 == 0 ? -0f : x[index]; // ties
        }

        dy[0] = -0f;
        float[] maxima = new float[places.Count], means = new float[places.Count], counted = new float[places.Count];
        float[] maximumGradient = new float[x.Length], meanGradient = new float[x.Length], countedGradient = new float[x.Length];
        for (int output = 0; output < places.Count; output++)
        {
            int best = places[output][0].Element;
            float sum = 0;
            foreach ((_, int element) in places[output])
            {
                best = x[element] > x[best] ? element : best;
                sum += x[element];
            }

            maxima[output] = x[best];
            maximumGradient[best] += dy[output];
            means[output] = sum / places[output].Count;
            counted[output] = sum / window.Taps;
            foreach ((_, int element) in places[output])
            {
                meanGradient[element] += dy[output] / places[output].Count;
                countedGradient[element] += dy[output] / window.Taps;
            }
        }

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            string what = $"{unit}, {window}";
            float[] y = Bits.Unwritten(places.Count), saved = Bits.Unwritten(PoolKernels.PlaceFloats(window, places.Count)), dx = Bits.Unwritten(x.Length);
            PoolKernels.Maximum(unit, window, x, y, saved);
            Bits.Equal(maxima, y, $"the maxima, {what}");
            PoolKernels.MaximumBackward(unit, window, dy, saved, dx);
            Bits.Equal(maximumGradient, dx, $"their gradient, {what}");
            foreach (bool countPadding in (bool[])[false, true])
            {
                (y, dx) = (Bits.Unwritten(places.Count), Bits.Unwritten(x.Length));
                PoolKernels.Mean(unit, window, countPadding, x, y);
                Bits.Equal(countPadding ? counted : means, y, $"the means, padding counts: {countPadding}, {what}");
                PoolKernels.MeanBackward(unit, window, countPadding, dy, dx);
                Bits.Equal(countPadding ? countedGradient : meanGradient, dx, $"their gradient, padding counts: {countPadding}, {what}");
            }
        }

        return true;
    }

    // For each output the elements of its window: by trying every place of the window at which its last tap lies within the padded image.
    private static List<List<(int Tap, int Element)>> Places(PlaneWindow window, int planes)
    {
        (WindowAxis rows, WindowAxis columns) = (window.Rows, window.Columns);
        List<List<(int, int)>> places = [];
        for (int plane = 0; plane < planes; plane++)
        {
            for (int top = -rows.Before; top + ((rows.Kernel - 1) * rows.Dilation) < rows.Input + rows.Before; top += rows.Stride)
            {
                for (int left = -columns.Before; left + ((columns.Kernel - 1) * columns.Dilation) < columns.Input + columns.Before; left += columns.Stride)
                {
                    List<(int, int)> place = [];
                    for (int tap = 0; tap < rows.Kernel * columns.Kernel; tap++)
                    {
                        int row = top + (tap / columns.Kernel * rows.Dilation), column = left + (tap % columns.Kernel * columns.Dilation);
                        if (row >= 0 && row < rows.Input && column >= 0 && column < columns.Input)
                        {
                            place.Add((tap, (((plane * rows.Input) + row) * columns.Input) + column));
                        }
                    }

                    places.Add(place);
                }
            }
        }

        return places;
    }

    private ref struct Weave : IKernel
    {
        public ReadOnlySpan<float> X;
        public Span<float> Y;
        public Span<float> Halves;
        public Span<byte> Bytes;

        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            nuint width = (nuint)TOps.Count;
            (TVector a, TVector b) = (TOps.Load(in X[0], 0), TOps.Load(in X[0], width));
            (TVector even, TVector odd) = (TOps.Even(a, b), TOps.Odd(a, b));
            TOps.Store(even, ref Halves[0], 0);
            TOps.Store(odd, ref Halves[0], width);
            TOps.Store(TOps.InterleaveLow(even, odd), ref Y[0], 0);
            TOps.Store(TOps.InterleaveHigh(even, odd), ref Y[0], width);
            TOps.StoreBytes(a, ref Bytes[0], 0);
        }
    }
}
