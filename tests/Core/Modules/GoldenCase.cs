using System.Text.Json;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>One case of a golden file that tests/goldens/modules.py made with PyTorch.</summary>
internal sealed class GoldenCase(JsonElement json)
{
    public string Name => json.GetProperty("name").GetString()!;

    public static JsonElement File(string name)
    {
        using JsonDocument document = JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Goldens", name)));
        return document.RootElement.Clone();
    }

    public static IEnumerable<GoldenCase> All(string file) => File(file).GetProperty("cases").EnumerateArray().Select(element => new GoldenCase(element));

    public static GoldenCase Of(string file, string name) => All(file).Single(golden => golden.Name == name);

    public IEnumerable<GoldenCase> Cases(string key) => json.GetProperty(key).EnumerateArray().Select(element => new GoldenCase(element));

    public bool Has(string key) => json.TryGetProperty(key, out _);

    public string Text(string key) => json.GetProperty(key).GetString()!;

    public double Number(string key) => json.GetProperty(key).GetDouble();

    public float[] Floats(string key) => [.. json.GetProperty(key).EnumerateArray().Select(value => value.GetSingle())];

    public double[] Doubles(string key) => Doubles(json.GetProperty(key));

    public int[] Integers(string key) => [.. json.GetProperty(key).EnumerateArray().Select(value => value.GetInt32())];

    public Dictionary<string, double[]> Tensors(string key) => json.GetProperty(key).EnumerateObject().ToDictionary(entry => entry.Name, entry => Doubles(entry.Value));

    /// <summary>Equal but for rounding: some float ulps of the largest magnitude.</summary>
    public static void AssertClose(double[] expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = expected.Max(Math.Abs);
        for (int index = 0; index < expected.Length; index++)
        {
            Assert.True(Math.Abs(expected[index] - actual[index]) <= tolerance * scale, $"{what}[{index}] is {actual[index]:R}, but PyTorch has {expected[index]:R}");
        }
    }

    private static double[] Doubles(JsonElement element) => [.. element.EnumerateArray().Select(value => value.GetDouble())];
}
