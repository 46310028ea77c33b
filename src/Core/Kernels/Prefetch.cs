using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace DistNet.Kernels;

/// <summary>Hints that memory will be read or written soon, so that a product does not wait for what lies rows apart, which processors do not foresee. They change no value;
/// where the processor has none, nothing happens.</summary>
internal static unsafe class Prefetch
{
    /// <summary>The floats of a line.</summary>
    public const int LineFloats = 16;

    /// <summary>One line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(float* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Some rows of a matrix.</summary>
    /// <param name="first">The first row's first float.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The floats of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rows(float* first, nint stride, int rows, int columns)
    {
        if (Sse.IsSupported)
        {
            for (; rows > 0; rows--, first += stride)
            {
                for (int column = 0; column < columns; column += LineFloats)
                {
                    Sse.Prefetch0(first + column);
                }

                Sse.Prefetch0(first + columns - 1);
            }
        }
    }
}
