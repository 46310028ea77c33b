using System.Globalization;

namespace DistNet.Modules;

/// <summary>A number for the height and one for the width of an image: a kernel, a stride, a padding. One number stands for both.</summary>
/// <param name="Height">Down the rows.</param>
/// <param name="Width">Along the columns.</param>
public readonly record struct Size2d(int Height, int Width)
{
    /// <summary>The same number for both.</summary>
    public static implicit operator Size2d(int both) => new(both, both);

    /// <summary>Height, then width.</summary>
    public static implicit operator Size2d((int Height, int Width) pair) => new(pair.Height, pair.Width);

    /// <summary>The same number for both.</summary>
    public static Size2d FromInt32(int both) => both;

    /// <summary>Height, then width.</summary>
    public static Size2d FromValueTuple((int Height, int Width) pair) => pair;

    /// <summary>As <c>3×3</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Height}×{Width}");
}
