using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>Panels: 32 columns of a product's right operand, side by side for each k, so that one line after the other is read. A last panel of at most 16 columns is 16 wide.
/// Columns beyond the matrix are +0; the summed dimension is never padded. Nothing is computed, so instructions may differ by machine.</summary>
internal static unsafe class Panels
{
    /// <summary>The columns of a panel.</summary>
    public const int Width = 32;

    /// <summary>The floats that <see cref="Align"/> may take.</summary>
    public const int Alignment = 16;

    private const int NarrowWidth = 16;

    /// <summary>The width of the panel whose first column is <paramref name="first"/>.</summary>
    public static int WidthAt(int first, int columns) => columns - first <= NarrowWidth ? NarrowWidth : Width;

    /// <summary>A pointer moved up to the next multiple of 64 bytes.</summary>
    public static float* Align(float* pointer) => (float*)(((nuint)pointer + 63) & ~(nuint)63);

    /// <summary>Packs the transpose of a row-major matrix [columns, inner]: panel after panel.</summary>
    public static void PackTransposed(float* matrix, int inner, int columns, float* packed)
    {
        for (int first = 0; first < columns; first += Width)
        {
            int width = WidthAt(first, columns);
            PackTransposed(matrix + ((nint)first * inner), inner, Math.Min(width, columns - first), packed + ((nint)first * inner), width);
        }
    }

    /// <summary>Packs the transpose of a row-major matrix [columns, inner] as one panel of <paramref name="width"/> columns.</summary>
    public static void PackTransposed(float* matrix, int inner, int columns, float* packed, int width)
    {
        // Blocks of k keep the lines that are read and written in the first-level cache.
        const int Block = 64;
        for (int k = 0; k < inner; k += Block)
        {
            int next = k + Block;
            if (next < inner)
            {
                Prefetch.Rows(matrix + next, inner, columns, Math.Min(Block, inner - next));
            }

            Transposition.Run(matrix + k, inner, columns, Math.Min(Block, inner - k), packed + ((nint)k * width), width, width);
        }
    }

    /// <summary>Copies <paramref name="rows"/> rows of <paramref name="columns"/> floats into rows of <paramref name="width"/>, filling up with +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* matrix, nint stride, int rows, int columns, float* packed, int width)
    {
        if (columns < width)
        {
            CopyPadded(matrix, stride, rows, columns, packed, width);
            return;
        }

        switch (width)
        {
            case Width:
                for (; rows > 0; rows--, matrix += stride, packed += Width)
                {
                    Vector512.Load(matrix).Store(packed);
                    Vector512.Load(matrix + 16).Store(packed + 16);
                }

                break;
            case NarrowWidth:
                for (; rows > 0; rows--, matrix += stride, packed += NarrowWidth)
                {
                    Vector512.Load(matrix).Store(packed);
                }

                break;
            default:
                CopyPadded(matrix, stride, rows, columns, packed, width);
                break;
        }
    }

    /// <summary>Copies the present columns of a tile to where they belong.</summary>
    public static void CopyOut(float* tile, nint tileStride, int rows, int columns, float* to, nint toStride)
    {
        for (; rows > 0; rows--, tile += tileStride, to += toStride)
        {
            new Span<float>(tile, columns).CopyTo(new Span<float>(to, columns));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPadded(float* matrix, nint stride, int rows, int columns, float* packed, int width)
    {
        if (columns == width && columns is > 4 and < 8 && stride >= columns)
        {
            // Eight at once: what is too much of a row is written over by the next, so that the last is left.
            for (; rows > 1; rows--, matrix += stride, packed += width)
            {
                Vector256.Load(matrix).Store(packed);
            }
        }

        for (; rows > 0; rows--, matrix += stride, packed += width)
        {
            int column = 0;
            for (; column + 4 <= columns; column += 4)
            {
                Vector128.Load(matrix + column).Store(packed + column);
            }

            if (column < columns && columns >= 4)
            {
                // The last four, some of them once more.
                Vector128.Load(matrix + columns - 4).Store(packed + columns - 4);
                column = columns;
            }

            for (; column < columns; column++)
            {
                packed[column] = matrix[column];
            }

            for (; column < width; column++)
            {
                packed[column] = 0;
            }
        }
    }
}
