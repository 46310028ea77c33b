using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>How a convolution's weight gradient is summed over one slice.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface ISliceWeightGradient<TSelf>
    where TSelf : struct, ISliceWeightGradient<TSelf>
{
    /// <summary>Takes memory.</summary>
    static abstract TSelf Lay(in ConvolutionShape shape, ref Scratch space);

    /// <summary>Sums a slice.</summary>
    /// <param name="input">[samples, channels, rows, columns].</param>
    /// <param name="outputGradient">[samples, outputs, output rows, output columns].</param>
    /// <param name="rows">The slice's samples, at least one.</param>
    /// <param name="panels">The outputs.</param>
    /// <param name="sums">Panel after panel, [taps, outputs].</param>
    void Run<TVector, TOps>(float* input, float* outputGradient, SliceRows rows, OutputPanels panels, float* sums)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>The kernel of <see cref="Convolution.WeightGradient"/>: the tree over slices, whose sums <typeparamref name="TSlice"/> makes.</summary>
/// <typeparam name="TSlice">How a slice is summed.</typeparam>
internal unsafe ref struct ConvolutionWeightGradient<TSlice> : IKernel
    where TSlice : struct, ISliceWeightGradient<TSlice>
{
    public ConvolutionShape Shape;
    public ReadOnlySpan<float> Input;
    public ReadOnlySpan<float> OutputGradient;
    public ReadOnlySpan<SliceRows> Slices;
    public Span<float> Result;
    public int From;
    public int To;
    public Span<float> Scratch;

    public static int ScratchLength(in ConvolutionShape shape, int sliceCount)
    {
        Scratch none = new(null);
        Lay(shape, sliceCount, ref none);
        return none.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* input = Input, outputGradient = OutputGradient, result = Result, scratch = Scratch)
        {
            Scratch space = new(scratch);
            Memory memory = Lay(Shape, Slices.Length, ref space);
            Sum<TVector, TOps>(memory, input, outputGradient);
            float* sum = memory.Levels;
            foreach (OutputPanel panel in new OutputPanels(Shape, From, To))
            {
                Transposition.Run(sum, panel.Width, Shape.Taps, panel.Outputs, result + ((nint)panel.First * Shape.Taps), Shape.Taps, Shape.Taps);
                sum += (nint)panel.Width * Shape.Taps;
            }
        }
    }

    // The sums of some outputs: panel after panel of [taps, outputs].
    private static int SumLength(in ConvolutionShape shape, int from, int to)
    {
        int length = 0;
        foreach (OutputPanel panel in new OutputPanels(shape, from, to))
        {
            length = checked(length + (panel.Width * shape.Taps));
        }

        return length;
    }

    private static Memory Lay(in ConvolutionShape shape, int sliceCount, ref Scratch space)
    {
        int level = SumLength(shape, 0, shape.Outputs);
        return new Memory { Level = level, Levels = space.Take(checked((MatrixProduct.Levels(sliceCount) + 1) * level)), Slice = TSlice.Lay(shape, ref space) };
    }

    // The tree over slices as a binary counter: after slice s, as many waiting sums are combined as s + 1 has trailing zeros.
    private readonly void Sum<TVector, TOps>(in Memory memory, float* input, float* outputGradient)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        int length = SumLength(Shape, From, To), waiting = 0;
        for (int slice = 0; slice < Slices.Length; slice++)
        {
            float* sums = memory.Levels + ((nint)waiting * memory.Level);
            if (Slices[slice].Count == 0)
            {
                new Span<float>(sums, length).Clear();
            }
            else
            {
                memory.Slice.Run<TVector, TOps>(input, outputGradient, Slices[slice], new OutputPanels(Shape, From, To), sums);
            }

            for (int done = slice + 1; (done & 1) == 0; done >>= 1, waiting--)
            {
                Combine<TVector, TOps>(memory.Levels + ((nint)waiting * memory.Level), memory.Level, length);
            }

            waiting++;
        }

        for (waiting--; waiting > 0; waiting--)
        {
            Combine<TVector, TOps>(memory.Levels + ((nint)waiting * memory.Level), memory.Level, length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<TVector, TOps>(float* right, nint level, int length)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        float* left = right - level;
        for (nuint index = 0; index < (nuint)length; index += (nuint)TOps.Count)
        {
            TOps.Store(TOps.Add(TOps.Load(in *left, index), TOps.Load(in *right, index)), ref *left, index);
        }
    }

    private struct Memory
    {
        // The floats of a level of the tree.
        public int Level;
        public float* Levels;
        public TSlice Slice;
    }
}
