using System.Text.RegularExpressions;
using CsCheck;
using Xunit;

namespace DistNet.Tests;

public sealed class NamePatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("fc1.*", "fc1.weight", true)]
    [InlineData("fc1.*", "fc11.weight", false)]
    [InlineData("*.bias", "a.bias.bias", true)]
    [InlineData("*.bias", "bias", false)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXbYbZ", false)]
    [InlineData("a**", "a", true)]
    public void A_star_stands_for_any_characters(string pattern, string name, bool matches) => Assert.Equal(matches, NamePattern.Matches(pattern, name));

    [Fact]
    public void Patterns_match_as_regular_expressions_do() =>
        Gen.Select(Gen.String[Gen.Char["ab*"], 0, 8], Gen.String[Gen.Char["ab"], 0, 10]).Sample(
            (pattern, name) => Assert.Equal(
                Regex.IsMatch(name, "^" + pattern.Replace("*", ".*", StringComparison.Ordinal) + "$"), NamePattern.Matches(pattern, name)),
            iter: 2000);
}
