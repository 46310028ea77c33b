using System.Numerics;

namespace DistNet.Tests.Kernels;

/// <summary>The contract's sum along a row, written plainly: element i goes to lane i mod 16, in order; then l + (l + 8), + 4, + 2, + 1.</summary>
internal static class PlainLanes
{
    public const int Count = 16;

    /// <summary>The sum of a row's elements.</summary>
    public static float Sum(ReadOnlySpan<float> row)
    {
        float[] values = row.ToArray();
        return Sum<float>(values.Length, (lane, i) => lane + values[i]);
    }

    /// <summary>A sum along a row.</summary>
    /// <param name="length">The row's length.</param>
    /// <param name="add">A lane's sum with an element's part.</param>
    public static T Sum<T>(int length, Func<T, int, T> add)
        where T : struct, INumber<T> => Combined(Of(length, add));

    /// <summary>The lanes of a row.</summary>
    public static T[] Of<T>(int length, Func<T, int, T> add)
        where T : struct, INumber<T>
    {
        T[] lanes = new T[Count];
        for (int i = 0; i < length; i++)
        {
            lanes[i % Count] = add(lanes[i % Count], i);
        }

        return lanes;
    }

    /// <summary>The lanes in one.</summary>
    public static T Combined<T>(T[] lanes)
        where T : struct, INumber<T>
    {
        for (int half = Count / 2; half >= 1; half /= 2)
        {
            for (int lane = 0; lane < half; lane++)
            {
                lanes[lane] += lanes[lane + half];
            }
        }

        return lanes[0];
    }
}
