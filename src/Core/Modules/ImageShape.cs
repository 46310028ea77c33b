using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>A sample seen as an image: [channels, height, width], or [height, width] with one channel.</summary>
/// <param name="Channels">The planes, one after the other.</param>
/// <param name="Height">The rows of a plane.</param>
/// <param name="Width">The pixels of a row.</param>
internal readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>The rows of all planes.</summary>
    public int Rows => Channels * Height;

    /// <summary>A sample's shape as an image.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="kind">The module's word, for the error.</param>
    /// <exception cref="DistNetException">It has neither two nor three dimensions.</exception>
    public static ImageShape Of(Shape shape, string kind) => shape.Rank switch
    {
        3 => new(shape[0], shape[1], shape[2]),
        2 => new(1, shape[0], shape[1]),
        _ => throw DistNetException.BadInput($"its input has the shape {shape}, but a {kind} takes images, [channels, height, width] or [height, width]; put a reshape before it"),
    };
}
