using DistNet.Training;

namespace DistNet.Data;

/// <summary>How images are read.</summary>
public sealed record ImageOptions
{
    /// <summary>The height to which all are scaled; null where they have one size.</summary>
    public int? Height { get; init; }

    /// <summary>The width to which all are scaled; null where they have one size.</summary>
    public int? Width { get; init; }

    /// <summary>3 for red, green and blue, 1 for grey.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>The options of a job.</summary>
    public static ImageOptions From(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new() { Height = options.ImageHeight, Width = options.ImageWidth, Channels = options.Channels };
    }
}
