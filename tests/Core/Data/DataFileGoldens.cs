using System.Text.Json;

namespace DistNet.Tests.Data;

/// <summary>Files of NumPy and Pillow with what these read from them (tests/goldens/data_files.py).</summary>
internal static class DataFileGoldens
{
    private static readonly JsonDocument All = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Goldens", "data-files.json")));

    public static IEnumerable<JsonElement> Of(string kind) => All.RootElement.GetProperty(kind).EnumerateArray();

    public static string Name(this JsonElement golden) => golden.GetProperty("name").GetString()!;

    public static byte[] Bytes(this JsonElement golden) => golden.GetProperty("file").GetBytesFromBase64();

    public static float[] Numbers(this JsonElement golden, string name) => [.. golden.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];
}
