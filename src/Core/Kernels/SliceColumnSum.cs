using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The kernel of <see cref="MatrixProduct.SlicedColumnSum"/>: blocks of columns in registers, down the rows of each slice.</summary>
internal unsafe ref struct SliceColumnSum : IKernel
{
    private const int BlockVectors = 4;
    private const int BlockFloats = BlockVectors * MapKernels.Lanes;

    public ReadOnlySpan<float> Matrix;
    public int Columns;
    public ReadOnlySpan<SliceRows> Slices;
    public Span<float> Result;
    public int From;
    public int To;
    public Span<float> Scratch;

    public static int ScratchLength(int sliceCount) => 16 + (MatrixProduct.Levels(sliceCount) * BlockFloats);

    public readonly void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        fixed (float* matrix = Matrix, result = Result, scratch = Scratch)
        {
            float* levels = Panels.Align(scratch);
            int column = From;
            for (; column + (BlockVectors * TOps.Count) <= To; column += BlockVectors * TOps.Count)
            {
                Block<TVector, TOps>(matrix + column, levels, result + column);
            }

            // Addition has the same bits in one lane as in many.
            for (; column < To; column++)
            {
                Column(matrix + column, levels, result + column);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Block<TVector, TOps>(float* matrix, float* levels, float* result)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count;
        TVector sum0 = TOps.Zero, sum1 = TOps.Zero, sum2 = TOps.Zero, sum3 = TOps.Zero;
        for (int slice = 0; slice < Slices.Length; slice++)
        {
            sum0 = sum1 = sum2 = sum3 = TOps.Zero;
            float* row = matrix + ((nint)Slices[slice].First * Columns);
            for (int count = Slices[slice].Count; count > 0; count--)
            {
                sum0 = TOps.Add(sum0, TOps.Load(in *row, 0));
                sum1 = TOps.Add(sum1, TOps.Load(in *row, width));
                sum2 = TOps.Add(sum2, TOps.Load(in *row, 2 * width));
                sum3 = TOps.Add(sum3, TOps.Load(in *row, 3 * width));
                row += Columns;
            }

            bool last = slice == Slices.Length - 1;
            int level = 0;
            for (int waiting = slice; waiting != 0 && ((waiting & 1) != 0 || last); waiting >>= 1, level++)
            {
                if ((waiting & 1) != 0)
                {
                    float* node = levels + (level * BlockFloats);
                    sum0 = TOps.Add(TOps.Load(in *node, 0), sum0);
                    sum1 = TOps.Add(TOps.Load(in *node, width), sum1);
                    sum2 = TOps.Add(TOps.Load(in *node, 2 * width), sum2);
                    sum3 = TOps.Add(TOps.Load(in *node, 3 * width), sum3);
                }
            }

            if (!last)
            {
                Store<TVector, TOps>(levels + (level * BlockFloats), sum0, sum1, sum2, sum3);
            }
        }

        Store<TVector, TOps>(result, sum0, sum1, sum2, sum3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TOps>(float* to, TVector sum0, TVector sum1, TVector sum2, TVector sum3)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        nuint width = (nuint)TOps.Count;
        TOps.Store(sum0, ref *to, 0);
        TOps.Store(sum1, ref *to, width);
        TOps.Store(sum2, ref *to, 2 * width);
        TOps.Store(sum3, ref *to, 3 * width);
    }

    private readonly void Column(float* matrix, float* levels, float* result)
    {
        float sum = 0;
        for (int slice = 0; slice < Slices.Length; slice++)
        {
            sum = 0;
            float* row = matrix + ((nint)Slices[slice].First * Columns);
            for (int count = Slices[slice].Count; count > 0; count--)
            {
                sum += *row;
                row += Columns;
            }

            bool last = slice == Slices.Length - 1;
            int level = 0;
            for (int waiting = slice; waiting != 0 && ((waiting & 1) != 0 || last); waiting >>= 1, level++)
            {
                sum = (waiting & 1) != 0 ? levels[level] + sum : sum;
            }

            if (!last)
            {
                levels[level] = sum;
            }
        }

        *result = sum;
    }
}
