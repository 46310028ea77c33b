using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistNet.Checkpoints;
using DistNet.Data;

namespace DistNet.Interchange;

/// <summary>What a file says of a model besides its parameters: texts by name, each a list as JSON.</summary>
public static class ModelMetadata
{
    /// <summary>The names and values that go into the model, and come out: <c>input_shape</c>, <c>class_names</c>, <c>feature_names</c>, and <c>columns</c> where columns of a table were
    /// filled or encoded.</summary>
    /// <param name="info">What the model takes and gives.</param>
    public static IReadOnlyDictionary<string, string> Of(ModelInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        Dictionary<string, string> metadata = new()
        {
            ["input_shape"] = List(info.InputShape.Dimensions, (json, dimension) => json.WriteNumberValue(dimension)),
            ["class_names"] = List(info.ClassNames, (json, name) => json.WriteStringValue(name)),
            ["feature_names"] = List(info.FeatureNames, (json, name) => json.WriteStringValue(name)),
        };
        if (!info.Columns.IsEmpty)
        {
            metadata["columns"] = List(info.Columns, Write);
        }

        return metadata;
    }

    /// <summary>Floats as a list; each comes back exactly.</summary>
    internal static string List(NamedTensor tensor) => List(MemoryMarshal.ToEnumerable(tensor.Values), (json, value) => json.WriteNumberValue(value));

    // What a reader of the table must do: put the fill in place of a missing value, then the category's code, or a 1 in its place; an unknown category is an error,
    // or has no 1, or the code beyond the others.
    private static void Write(Utf8JsonWriter json, FeatureColumn column)
    {
        json.WriteStartObject();
        json.WriteString("name", column.Name);
        json.WriteString("encoding", column.Rule.Categories switch { CategoryEncoding.OneHot => "one-hot", CategoryEncoding.Codes => "codes", _ => "number" });
        if (column.Fill is { } fill)
        {
            json.WriteNumber("fill", fill);
        }

        if (column.FillCategory is { } category)
        {
            json.WriteString("fill", category);
        }

        if (!column.Categories.IsEmpty)
        {
            json.WriteStartArray("categories");
            foreach (string text in column.Categories)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
            json.WriteString("unknown", column.Rule.Unknown switch { UnknownCategory.Own => "own", _ => "refuse" });
        }

        json.WriteEndObject();
    }

    private static string List<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (T item in items)
            {
                write(json, item);
            }

            json.WriteEndArray();
        }

        return System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }
}
