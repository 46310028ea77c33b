using System.Text.Json;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>The files of one split: a CSV file's name, or an IDX pair; where allowed also a share of the training data (a double).</summary>
/// <param name="allowShare">Whether a share is a value too.</param>
public sealed class DataFilesType(bool allowShare) : JobValueType
{
    /// <summary>What a share must be.</summary>
    public static NumberType Share { get; } = new() { Minimum = 0, Maximum = 1, BelowMaximum = true };

    /// <summary>Whether a share is a value too.</summary>
    public bool AllowShare { get; } = allowShare;

    /// <inheritdoc/>
    public override string Expected =>
        $"{(AllowShare ? "a share of at least 0 and below 1, " : "")}a file's name (CSV) or {{ images: FILE, labels: FILE }} (IDX)";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        if (value is JobScalar { IsNull: false, Text.Length: > 0 } scalar)
        {
            if (AllowShare && Share.TryRead(value, out result))
            {
                return true;
            }

            result = LooksLikeNumber(scalar) ? null : new DataFiles(File: scalar.Text);
        }
        else if (value is JobSection { Entries.Length: 2 } section && FileName(section, "images") is { } images && FileName(section, "labels") is { } labels)
        {
            result = new DataFiles(Images: images, Labels: labels);
        }

        return result is not null;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (value)
        {
            case double share:
                writer.WriteNumberValue(share);
                break;
            case DataFiles { File: { } file }:
                writer.WriteStringValue(file);
                break;
            case DataFiles files:
                writer.WriteStartObject();
                writer.WriteString("images", files.Images);
                writer.WriteString("labels", files.Labels);
                writer.WriteEndObject();
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    private static bool LooksLikeNumber(JobScalar scalar) =>
        !scalar.Quoted && double.TryParse(scalar.Text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out _);

    private static string? FileName(JobSection section, string key) => section.Find(key)?.Value is JobScalar { IsNull: false, Text.Length: > 0 } scalar ? scalar.Text : null;
}
