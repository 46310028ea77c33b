using Xunit;

namespace DistNet.Contract.Tests;

public sealed class SourceCodeTests
{
    [Theory]
    [InlineData("a(); // Task.Run\nb();", "a();            \nb();")]
    [InlineData("a(/* Task.Run\n */ b);", "a(           \n    b);")]
    [InlineData("a(\"x \\\" // y\", b);", "a(           , b);")]
    [InlineData("a(@\"x \"\" \\\", b);", "a(@        , b);")]
    [InlineData("a(\"\"\"x \" y\"\"\", b);", "a(           , b);")]
    [InlineData("a('\"', '\\'', b);", "a(   ,     , b);")]
    public void Comments_and_literals_are_blanked_and_lines_stay(string source, string expected) =>
        Assert.Equal(expected, SourceCode.WithoutCommentsAndLiterals(source));

    [Fact]
    public void A_position_has_the_line_an_editor_shows() =>
        Assert.Equal(3, SourceCode.LineOf("one\ntwo\nthree", 9));

    [Fact]
    public void The_repository_holds_this_file() =>
        Assert.Contains("tests/Contract/SourceCodeTests.cs", Repository.Files);
}
