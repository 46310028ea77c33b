using DistNet.Modules;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>How images are read.</summary>
public sealed record ImageOptions
{
    /// <summary>The size to which all are scaled, in pixels; null where they have one size.</summary>
    public Size2d? Size { get; init; }

    /// <summary>3 for red, green and blue, 1 for grey.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>The options of a job.</summary>
    public static ImageOptions From(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new() { Size = options.ImageSize, Channels = options.Channels };
    }
}
