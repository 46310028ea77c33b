using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>The layout of a packed right operand [inner, columns]: panels of 32 columns, one after the other; in a panel the 32 elements of row 0, then of row 1,
/// … A last panel of at most 16 columns is 16 wide. Columns beyond the matrix are +0; rows, along which sums run, are never padded. The layout is the same for
/// every vector unit.</summary>
internal static unsafe class PackedPanels
{
    /// <summary>The columns of a panel.</summary>
    public const int Width = 32;

    /// <summary>The columns of a narrow last panel.</summary>
    public const int NarrowWidth = 16;

    public static int Count(int columns) => (columns + Width - 1) / Width;

    public static int Length(int inner, int columns) => checked(inner * ((columns + NarrowWidth - 1) / NarrowWidth * NarrowWidth));

    /// <summary>The width of panel <paramref name="panel"/>.</summary>
    public static int WidthOf(int panel, int columns) => columns - (panel * Width) <= NarrowWidth ? NarrowWidth : Width;

    /// <summary>Packs the panels [from, to) of a row-major matrix [inner, columns] with the given distance between rows.</summary>
    public static void Pack(float* matrix, nint stride, int inner, int columns, float* packed, int from, int to)
    {
        for (int panel = from; panel < to; panel++)
        {
            int first = panel * Width;
            int width = WidthOf(panel, columns);
            CopyColumns(matrix + first, stride, inner, Math.Min(width, columns - first), packed + ((nint)first * inner), width);
        }
    }

    /// <summary>Packs the panels [from, to) of the transpose of a row-major matrix [columns, inner].</summary>
    public static void PackTransposed(float* matrix, int inner, int columns, float* packed, int from, int to)
    {
        // Blocks of k keep the lines that are read and written in the first-level cache.
        const int Block = 64;
        for (int panel = from; panel < to; panel++)
        {
            int first = panel * Width;
            int width = WidthOf(panel, columns);
            float* target = packed + ((nint)first * inner);
            for (int k = 0; k < inner; k += Block)
            {
                Transposition.Run(
                    matrix + ((nint)first * inner) + k, inner, Math.Min(width, columns - first), Math.Min(Block, inner - k), target + ((nint)k * width), width, width);
            }
        }
    }

    /// <summary>Copies <paramref name="rows"/> rows of <paramref name="columns"/> floats into rows of <paramref name="width"/>, filling up with +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyColumns(float* matrix, nint stride, int rows, int columns, float* packed, int width)
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
            case 12:
                for (; rows > 0; rows--, matrix += stride, packed += 12)
                {
                    Vector256.Load(matrix).Store(packed);
                    Vector128.Load(matrix + 8).Store(packed + 8);
                }

                break;
            default:
                CopyPadded(matrix, stride, rows, columns, packed, width);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPadded(float* matrix, nint stride, int rows, int columns, float* packed, int width)
    {
        for (; rows > 0; rows--, matrix += stride, packed += width)
        {
            int column = 0;
            for (; column + 4 <= columns; column += 4)
            {
                Vector128.Load(matrix + column).Store(packed + column);
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
