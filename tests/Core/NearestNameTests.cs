using Xunit;

namespace DistNet.Tests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("lable", "label")]
    [InlineData("Epochs", "epochs")]
    [InlineData("learnigRate", "learningRate")]
    [InlineData("bacth", "batch")]
    [InlineData("zzz", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_the_one_with_the_fewest_edits(string written, string? expected) =>
        Assert.Equal(expected, NearestName.Of(written, ["label", "epochs", "learningRate", "batch", "a"]));

    [Fact]
    public void A_hint_names_the_nearest_or_the_few_known()
    {
        Assert.Equal("; did you mean 'label'?", NearestName.Hint("labl", ["label", "width"]));
        Assert.Equal("; known: 'label', 'width'", NearestName.Hint("q", ["label", "width"]));
        Assert.Equal("", NearestName.Hint("q", [.. Enumerable.Range(100, 20).Select(i => $"column{i}")]));
    }
}
