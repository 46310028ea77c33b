using System.Text.Json;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>A height and a width (a <see cref="Size2d"/>): one whole number for both, or a list of two.</summary>
/// <param name="minimum">The least of each.</param>
/// <param name="maximum">The most.</param>
public sealed class Size2dType(int minimum, int maximum = int.MaxValue) : JobValueType
{
    /// <summary>What each must be.</summary>
    public IntegerType Element { get; } = new(minimum, maximum);

    /// <inheritdoc/>
    public override string Expected => $"{Element.Expected}, or a list of two, [height, width]";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        if (value is JobList { Items: [var first, var second] } && Element.TryRead(first, out object? height) && Element.TryRead(second, out object? width))
        {
            result = new Size2d((int)(Int128)height!, (int)(Int128)width!);
        }
        else if (Element.TryRead(value, out object? both))
        {
            result = (Size2d)(int)(Int128)both!;
        }

        return result is not null;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var size = (Size2d)value!;
        if (size.Height == size.Width)
        {
            writer.WriteNumberValue(size.Height);
            return;
        }

        writer.WriteStartArray();
        writer.WriteNumberValue(size.Height);
        writer.WriteNumberValue(size.Width);
        writer.WriteEndArray();
    }
}
