using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace DistNet.Kernels;

/// <summary>Gathers rows that lie anywhere in a large array, such as the samples of a shuffled batch: while one row is copied, those after it are on their way from
/// memory, since no hardware foresees where the next one begins.</summary>
public static class RowGather
{
    private const int LineBytes = 64;

    // How far ahead rows are fetched: enough for many lines in flight, few enough to stay in the first-level cache until their turn.
    private const int BytesAhead = 4096;

    /// <summary>result[i] = source[rows[i]], bytes as floats 0 … 255.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="source">[any, columns], row-major.</param>
    /// <param name="columns">At least 1.</param>
    /// <param name="rows">Rows of the source, in any order.</param>
    /// <param name="result">[rows.Length, columns], row-major.</param>
    public static void Bytes(VectorUnit unit, ReadOnlySpan<byte> source, int columns, ReadOnlySpan<int> rows, Span<float> result)
    {
        Bytes(unit, source, source.Length, columns, rows, result);
    }

    /// <summary>The same where the source is longer than a span can be.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="source">Its beginning.</param>
    /// <param name="length">The number of its elements.</param>
    /// <param name="columns">At least 1.</param>
    /// <param name="rows">Rows of the source, in any order.</param>
    /// <param name="result">[rows.Length, columns], row-major.</param>
    internal static void Bytes(VectorUnit unit, ReadOnlySpan<byte> source, long length, int columns, ReadOnlySpan<int> rows, Span<float> result)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Check(length, columns, rows, result.Length);
        Kernel<byte, ByteElements> kernel = new() { Source = source, Columns = columns, Rows = rows, Result = result };
        unit.Run(ref kernel);
    }

    /// <summary>result[i] = source[rows[i]].</summary>
    /// <inheritdoc cref="Bytes(VectorUnit, ReadOnlySpan{byte}, int, ReadOnlySpan{int}, Span{float})" path="/param"/>
    public static void Floats(VectorUnit unit, ReadOnlySpan<float> source, int columns, ReadOnlySpan<int> rows, Span<float> result)
    {
        Floats(unit, source, source.Length, columns, rows, result);
    }

    /// <inheritdoc cref="Bytes(VectorUnit, ReadOnlySpan{byte}, long, int, ReadOnlySpan{int}, Span{float})"/>
    internal static void Floats(VectorUnit unit, ReadOnlySpan<float> source, long length, int columns, ReadOnlySpan<int> rows, Span<float> result)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Check(length, columns, rows, result.Length);
        Kernel<float, FloatElements> kernel = new() { Source = source, Columns = columns, Rows = rows, Result = result };
        unit.Run(ref kernel);
    }

    private static void Check(long sourceLength, int columns, ReadOnlySpan<int> rows, int resultLength)
    {
        Invariant.Holds(columns > 0 && (long)rows.Length * columns == resultLength);
        long count = sourceLength / columns;
        foreach (int row in rows)
        {
            Invariant.Holds((uint)row < count);
        }
    }

    // Asks for a row's lines; changes nothing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Prefetch<T>(ref T source, int columns, ReadOnlySpan<int> rows, int index)
        where T : unmanaged
    {
        if (Sse.IsSupported && (uint)index < (uint)rows.Length)
        {
            ref T row = ref Unsafe.Add(ref source, (nint)rows[index] * columns);
            byte* start = (byte*)Unsafe.AsPointer(ref row);
            byte* end = start + ((nint)columns * sizeof(T));
            for (byte* line = start; line < end; line += LineBytes)
            {
                Sse.Prefetch0(line);
            }

            Sse.Prefetch0(end - 1);
        }
    }

    private static int RowsAhead(int rowBytes) => Math.Clamp(BytesAhead / rowBytes, 1, 16);

    // How elements of the source become floats.
    private interface IElements<T>
    {
        static abstract TVector Load<TVector, TOps>(ref readonly T origin, nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>;

        static abstract float One(T element);
    }

    private readonly struct ByteElements : IElements<byte>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load<TVector, TOps>(ref readonly byte origin, nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.LoadBytes(in origin, index);

        public static float One(byte element) => element;
    }

    // As vectors too: for rows as short as these, faster than the library's copy.
    private readonly struct FloatElements : IElements<float>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Load<TVector, TOps>(ref readonly float origin, nuint index)
            where TVector : struct
            where TOps : struct, IVectorOps<TVector> => TOps.Load(in origin, index);

        public static float One(float element) => element;
    }

    private ref struct Kernel<T, TElements> : IKernel
        where T : unmanaged
        where TElements : struct, IElements<T>
    {
        public ReadOnlySpan<T> Source;
        public int Columns;
        public ReadOnlySpan<int> Rows;
        public Span<float> Result;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref T source = ref MemoryMarshal.GetReference(Source);
            ref float to = ref MemoryMarshal.GetReference(Result);
            nuint columns = (nuint)Columns, width = (nuint)TOps.Count;
            int ahead = RowsAhead(Columns * Unsafe.SizeOf<T>());
            for (int index = 0; index < Rows.Length; index++)
            {
                Prefetch(ref source, Columns, Rows, index + ahead);
                ref T from = ref Unsafe.Add(ref source, (nint)Rows[index] * Columns);
                nuint column = 0;
                for (; column + width <= columns; column += width)
                {
                    TOps.Store(TElements.Load<TVector, TOps>(in from, column), ref to, column);
                }

                for (; column < columns; column++)
                {
                    Unsafe.Add(ref to, column) = TElements.One(Unsafe.Add(ref from, column));
                }

                to = ref Unsafe.Add(ref to, columns);
            }
        }
    }
}
