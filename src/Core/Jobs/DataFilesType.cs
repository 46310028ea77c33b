using System.Text.Json;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>The files of one split: a file's or folder's name, a pair of files, or an npz file with the names of two arrays; where allowed also a share of the training data (a double).</summary>
/// <param name="allowShare">Whether a share is a value too.</param>
public sealed class DataFilesType(bool allowShare) : JobValueType
{
    /// <summary>What a share must be.</summary>
    public static NumberType Share { get; } = new() { Minimum = 0, Maximum = 1, BelowMaximum = true };

    /// <summary>Whether a share is a value too.</summary>
    public bool AllowShare { get; } = allowShare;

    /// <inheritdoc/>
    public override string Expected =>
        $"{(AllowShare ? "a share of at least 0 and below 1, " : "")}a file's name (csv, parquet, npz), a folder's (images), {{ images: FILE, labels: FILE }} (idx), {{ inputs: FILE, labels: FILE }} (npy) or {{ file: FILE.npz, inputs: NAME, labels: NAME }}";

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
        else if (value is JobSection section && FileName(section, "labels") is { } labels)
        {
            DataFiles files = new(FileName(section, "file"), FileName(section, "images"), labels, FileName(section, "inputs"));
            bool isPair = section.Entries.Length == 2 && files.File is null && (files.Images is null) != (files.Inputs is null);
            bool isNpz = section.Entries.Length == 3 && files is { File: not null, Inputs: not null };
            result = isPair || isNpz ? files : null;
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
            case DataFiles { File: { } file, Inputs: null }:
                writer.WriteStringValue(file);
                break;
            case DataFiles files:
                writer.WriteStartObject();
                foreach ((string name, string? text) in new[] { ("file", files.File), ("images", files.Images), ("inputs", files.Inputs), ("labels", files.Labels) })
                {
                    if (text is not null)
                    {
                        writer.WriteString(name, text);
                    }
                }

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
