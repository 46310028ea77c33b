using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace DistNet.Kernels;

/// <summary>Moves blocks of a row-major matrix into columns. Nothing is computed, so instructions may differ by machine.</summary>
internal static unsafe class Transposition
{
    /// <summary>to[k · toStride + row] = from[row · fromStride + k] for row in [0, rows) and k in [0, count); the rows up to <paramref name="paddedRows"/> get +0.</summary>
    /// <param name="from">The first element of the block.</param>
    /// <param name="fromStride">From one row to the next.</param>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="count">How many elements of each row.</param>
    /// <param name="to">Where element (0, 0) goes.</param>
    /// <param name="toStride">From one k to the next.</param>
    /// <param name="paddedRows">How many rows to write.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* from, nint fromStride, int rows, int count, float* to, nint toStride, int paddedRows)
    {
        int row = 0;
        if (Avx512F.IsSupported && count >= 16)
        {
            for (; row + 16 <= rows; row += 16)
            {
                SixteenRows(from + (row * fromStride), fromStride, count, to + row, toStride);
            }
        }

        for (; Avx.IsSupported && row + 8 <= rows; row += 8)
        {
            EightRows(from + (row * fromStride), fromStride, count, to + row, toStride);
        }

        for (; row + 4 <= rows; row += 4)
        {
            FourRows(from + (row * fromStride), fromStride, count, to + row, toStride);
        }

        if (row < rows && rows >= 4)
        {
            // The last four, some of them once more.
            FourRows(from + ((rows - 4) * fromStride), fromStride, count, to + rows - 4, toStride);
            row = rows;
        }

        for (; row < paddedRows; row++)
        {
            float* source = from + (row * fromStride);
            for (nint k = 0; k < count; k++)
            {
                to[(k * toStride) + row] = row < rows ? source[k] : 0f;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixteenRows(float* from, nint stride, int count, float* to, nint toStride)
    {
        nint k = 0;
        for (; k + 16 <= count; k += 16)
        {
            // Rows by fours: in each quarter of four vectors, four columns of four rows.
            FourByFour(from + k, stride, out V a0, out V a1, out V a2, out V a3);
            FourByFour(from + k + (4 * stride), stride, out V b0, out V b1, out V b2, out V b3);
            FourByFour(from + k + (8 * stride), stride, out V c0, out V c1, out V c2, out V c3);
            FourByFour(from + k + (12 * stride), stride, out V d0, out V d1, out V d2, out V d3);
            Quarters(a0, b0, c0, d0, to, 4 * toStride);
            Quarters(a1, b1, c1, d1, to + toStride, 4 * toStride);
            Quarters(a2, b2, c2, d2, to + (2 * toStride), 4 * toStride);
            Quarters(a3, b3, c3, d3, to + (3 * toStride), 4 * toStride);
            to += 16 * toStride;
        }

        for (int row = 0; row < 16 && k < count; row += 4)
        {
            FourRows(from + k + (row * stride), stride, count - (int)k, to + row, toStride);
        }
    }

    // Quarter q of vector c holds column 4q + c of the four rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourByFour(float* from, nint stride, out V column0, out V column1, out V column2, out V column3)
    {
        V row0 = Vector512.Load(from), row1 = Vector512.Load(from + stride), row2 = Vector512.Load(from + (2 * stride)), row3 = Vector512.Load(from + (3 * stride));
        Vector512<double> low01 = Avx512F.UnpackLow(row0, row1).AsDouble(), high01 = Avx512F.UnpackHigh(row0, row1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(row2, row3).AsDouble(), high23 = Avx512F.UnpackHigh(row2, row3).AsDouble();
        column0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        column1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        column2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        column3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    // The same quarter of four vectors side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(V a, V b, V c, V d, float* to, nint toStride)
    {
        const byte Even = 0b10_00_10_00, Odd = 0b11_01_11_01;
        V evenAb = Avx512F.Shuffle4x128(a, b, Even), oddAb = Avx512F.Shuffle4x128(a, b, Odd);
        V evenCd = Avx512F.Shuffle4x128(c, d, Even), oddCd = Avx512F.Shuffle4x128(c, d, Odd);
        Avx512F.Shuffle4x128(evenAb, evenCd, Even).Store(to);
        Avx512F.Shuffle4x128(oddAb, oddCd, Even).Store(to + toStride);
        Avx512F.Shuffle4x128(evenAb, evenCd, Odd).Store(to + (2 * toStride));
        Avx512F.Shuffle4x128(oddAb, oddCd, Odd).Store(to + (3 * toStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows(float* from, nint stride, int count, float* to, nint toStride)
    {
        float* row0 = from, row1 = from + stride, row2 = row1 + stride, row3 = row2 + stride;
        nint below = 4 * stride, k = 0;
        for (; k + 4 <= count; k += 4)
        {
            // In each half of four vectors, four columns of four rows.
            Vector256<float> a = Halves(row0 + k, below), b = Halves(row1 + k, below), c = Halves(row2 + k, below), d = Halves(row3 + k, below);
            Vector256<double> low01 = Avx.UnpackLow(a, b).AsDouble(), high01 = Avx.UnpackHigh(a, b).AsDouble();
            Vector256<double> low23 = Avx.UnpackLow(c, d).AsDouble(), high23 = Avx.UnpackHigh(c, d).AsDouble();
            Avx.UnpackLow(low01, low23).AsSingle().Store(to);
            Avx.UnpackHigh(low01, low23).AsSingle().Store(to + toStride);
            Avx.UnpackLow(high01, high23).AsSingle().Store(to + (2 * toStride));
            Avx.UnpackHigh(high01, high23).AsSingle().Store(to + (3 * toStride));
            to += 4 * toStride;
        }

        if (k < count)
        {
            FourRows(row0 + k, stride, count - (int)k, to, toStride);
            FourRows(row0 + k + below, stride, count - (int)k, to + 4, toStride);
        }
    }

    // Four floats, and the four of the row that is so far below.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* row, nint below) => Avx.InsertVector128(Vector128.Load(row).ToVector256Unsafe(), Vector128.Load(row + below), 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* from, nint stride, int count, float* to, nint toStride)
    {
        float* row0 = from, row1 = from + stride, row2 = row1 + stride, row3 = row2 + stride;
        nint k = 0;
        if (Avx.IsSupported)
        {
            for (; k + 8 <= count; k += 8)
            {
                EightColumns(row0 + k, row1 + k, row2 + k, row3 + k, to, toStride);
                to += 8 * toStride;
            }
        }

        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
        {
            for (; k + 4 <= count; k += 4)
            {
                FourColumns(Vector128.Load(row0 + k), Vector128.Load(row1 + k), Vector128.Load(row2 + k), Vector128.Load(row3 + k), to, toStride);
                to += 4 * toStride;
            }
        }

        for (; k < count; k++)
        {
            to[0] = row0[k];
            to[1] = row1[k];
            to[2] = row2[k];
            to[3] = row3[k];
            to += toStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourColumns(Vector128<float> row0, Vector128<float> row1, Vector128<float> row2, Vector128<float> row3, float* to, nint toStride)
    {
        if (Sse.IsSupported)
        {
            Vector128<float> low01 = Sse.UnpackLow(row0, row1), high01 = Sse.UnpackHigh(row0, row1);
            Vector128<float> low23 = Sse.UnpackLow(row2, row3), high23 = Sse.UnpackHigh(row2, row3);
            Sse.MoveLowToHigh(low01, low23).Store(to);
            Sse.MoveHighToLow(low23, low01).Store(to + toStride);
            Sse.MoveLowToHigh(high01, high23).Store(to + (2 * toStride));
            Sse.MoveHighToLow(high23, high01).Store(to + (3 * toStride));
        }
        else
        {
            Vector128<float> even0 = AdvSimd.Arm64.ZipLow(row0, row2), even1 = AdvSimd.Arm64.ZipLow(row1, row3);
            Vector128<float> odd0 = AdvSimd.Arm64.ZipHigh(row0, row2), odd1 = AdvSimd.Arm64.ZipHigh(row1, row3);
            AdvSimd.Arm64.ZipLow(even0, even1).Store(to);
            AdvSimd.Arm64.ZipHigh(even0, even1).Store(to + toStride);
            AdvSimd.Arm64.ZipLow(odd0, odd1).Store(to + (2 * toStride));
            AdvSimd.Arm64.ZipHigh(odd0, odd1).Store(to + (3 * toStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightColumns(float* row0, float* row1, float* row2, float* row3, float* to, nint toStride)
    {
        Vector256<float> a = Vector256.Load(row0), b = Vector256.Load(row1), c = Vector256.Load(row2), d = Vector256.Load(row3);
        Vector256<double> low01 = Avx.UnpackLow(a, b).AsDouble(), high01 = Avx.UnpackHigh(a, b).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(c, d).AsDouble(), high23 = Avx.UnpackHigh(c, d).AsDouble();
        Vector256<float> column04 = Avx.UnpackLow(low01, low23).AsSingle(), column15 = Avx.UnpackHigh(low01, low23).AsSingle();
        Vector256<float> column26 = Avx.UnpackLow(high01, high23).AsSingle(), column37 = Avx.UnpackHigh(high01, high23).AsSingle();
        column04.GetLower().Store(to);
        column15.GetLower().Store(to + toStride);
        column26.GetLower().Store(to + (2 * toStride));
        column37.GetLower().Store(to + (3 * toStride));
        to += 4 * toStride;
        column04.GetUpper().Store(to);
        column15.GetUpper().Store(to + toStride);
        column26.GetUpper().Store(to + (2 * toStride));
        column37.GetUpper().Store(to + (3 * toStride));
    }
}
